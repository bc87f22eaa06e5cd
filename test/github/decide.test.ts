import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Subsystem } from "../../src/config.ts";
import { type Acknowledgement, contentOf } from "../../src/github/acknowledgements.ts";
import { conclusionOf } from "../../src/github/check-output.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { readConversation } from "../../src/github/conversation.ts";
import { decide, hear, type Press, type Setting, unanswered } from "../../src/github/decide.ts";
import type { OwnCheck } from "../../src/github/published.ts";
import { reply } from "../../src/github/reply.ts";
import { subsystemsOf } from "../../src/owners/subsystems.ts";
import type { Finding, Review } from "../../src/report/review.ts";
import {
  actionsBot,
  badGateway,
  type FakeGitHub,
  type Identity,
  type Pull,
  person,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { finding, reviewOf } from "../support/reviews.ts";

let made: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
let [author, stranger, writer, member, other]: Identity[] = [];
const app = actionsBot({ contents: "read", checks: "write", pull_requests: "write", members: "read" });
const path = "pkgs/by-name/fr/frob/package.nix";
const MAINTAINER = 5;

beforeAll(async () => {
  made = makeRepository({ [path]: "{ }\n" });
  fake = await startFakeGitHub({ repository: made });
});
afterAll(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});
beforeEach(() => {
  for (const list of [fake.issueComments, fake.reviews, fake.requests]) list.length = 0;
  fake.pulls.clear();
  fake.permissions.clear();
  fake.failWhen = () => null;
  fake.time = () => Date.parse("2026-11-25T12:00:00Z");
  author = person(fake, "contributor", 77);
  stranger = person(fake, "stranger", 1);
  writer = person(fake, "writer", 2);
  other = person(fake, "other-writer", 3);
  member = person(fake, "member", 4);
  fake.permissions.set("writer", "write").set("other-writer", "maintain");
  fake.teams.set("NixOS/frob", new Map([["member", "active"]]));
  pull = fake.openPull({ head: "main", author });
});

const digits = (n: number) => n.toString(16).repeat(64);
const one = finding({ path, fingerprint: digits(1) });
const two = finding({ path: "lib/a.nix", fingerprint: digits(2), title: "Another" });
const frob: Subsystem = {
  name: "frob",
  paths: ["pkgs/by-name/fr/**"],
  alert: ["@NixOS/frob"],
  from: "high",
  acknowledgements: 1,
};
const check = (startedAt: string): OwnCheck => ({
  id: 1,
  completed: true,
  annotations: 0,
  startedAt,
  mark: { pull: 1, base: "a".repeat(40), run: 1, result: "0".repeat(16), acknowledged: 0 },
});
const EARLIER = [check("2026-11-25T11:59:00Z")];

interface Options {
  readonly review?: Review;
  readonly checks?: readonly OwnCheck[];
  readonly subsystems?: readonly Subsystem[];
  readonly given?: readonly Acknowledgement[];
  readonly maintainers?: readonly number[] | null;
  readonly presses?: readonly Press[];
}

/** Answers all that is asked, as a job of the App does. */
async function job({
  review = reviewOf({ findings: [one, two] }),
  checks = EARLIER,
  subsystems = [],
  given = [],
  maintainers = [MAINTAINER],
  presses = [],
}: Options = {}) {
  const api = createGitHubApi({ token: fake.token(app), apiUrl: fake.url, pace: 0 });
  const target = {
    repository: { owner: fake.owner, name: fake.name },
    number: pull.number,
    head: pull.head.sha,
  };
  const conversation = await readConversation(api, target);
  const setting: Setting = {
    api,
    pull: target,
    author: conversation.author,
    handle: "verifod",
    isMaintainer: async (id) => maintainers?.includes(id) ?? null,
  };
  const asked = unanswered(conversation, "verifod");
  const heard = await hear(setting, asked, checks);
  const decided = await decide(
    setting,
    { ...heard, presses },
    { ...review, head: target.head },
    given,
    subsystemsOf({ subsystems }),
  );
  await reply(api, target, conversation, [...heard.outcomes, ...decided.outcomes]);
  return {
    asked: asked.length,
    again: heard.again,
    conclusion: conclusionOf(review, "high", decided.acknowledged),
    ...decided,
  };
}

const reactions = () =>
  fake.issueComments.map(({ reactions }) => reactions.map(({ content }) => content).join(" "));
const answers = () => fake.issueComments.filter(({ by }) => by.id === app.id);

function say(by: Identity | undefined, body: string) {
  if (by === undefined) throw new Error("nobody");
  return fake.comment(pull, by, body);
}

const digitsOf = (about: Finding) => about.fingerprint.slice(0, 12);
const acknowledge = (about: Finding) => `@verifod acknowledge ${digitsOf(about)} upstream re-tagged`;

test("what is acknowledged does not count, and is remembered with who and why", async () => {
  say(writer, acknowledge(one));
  const first = await job();
  expect(first.conclusion).toBe("failure");
  expect(first.acknowledged.standings.get(one.fingerprint)).toEqual({
    needed: 1,
    given: [
      {
        finding: one.fingerprint,
        content: contentOf(one),
        by: { id: 2, login: "writer" },
        reason: "upstream re-tagged",
        from: fake.issueComments[0]?.nodeId,
      },
    ],
  });
  expect(reactions()).toEqual(["ROCKET"]);
  say(other, acknowledge(two));
  const given = first.acknowledged.standings.get(one.fingerprint)?.given ?? [];
  expect(await job({ given })).toMatchObject({ asked: 1, conclusion: "success" });
  expect(reactions()).toEqual(["ROCKET", "ROCKET"]);
  expect(answers()).toEqual([]);
});

const acks: readonly (readonly [string, () => unknown, Options, string, string])[] = [
  [
    "the author",
    () => say(author, acknowledge(one)),
    {},
    "THUMBS_DOWN",
    "Nobody acknowledges findings in a change of their own.",
  ],
  [
    "a stranger",
    () => say(stranger, acknowledge(one)),
    {},
    "THUMBS_DOWN",
    "may be acknowledged by people with write permission",
  ],
  [
    "a maintainer of the package",
    () => say(person(fake, "maintainer", MAINTAINER), acknowledge(one)),
    {},
    "THUMBS_DOWN",
    "may be acknowledged by",
  ],
  [
    "a member of the team, elsewhere",
    () => say(member, acknowledge(two)),
    { subsystems: [frob] },
    "THUMBS_DOWN",
    "may be acknowledged by",
  ],
  [
    "a member of the team, where there is none",
    () => say(member, acknowledge(one)),
    {},
    "THUMBS_DOWN",
    "may be acknowledged by",
  ],
  [
    "a writer, of no finding",
    () => say(writer, "@verifod acknowledge 99999999 fine"),
    {},
    "CONFUSED",
    "No finding of this head and no rule is called `99999999`.",
  ],
  [
    "a writer, where not all was checked",
    () => say(writer, "@verifod acknowledge 99999999 fine"),
    { review: reviewOf({ complete: false }) },
    "CONFUSED",
    "not everything could be checked",
  ],
  [
    "a writer, of two findings",
    () => say(writer, "@verifod acknowledge 11111111 fine"),
    { review: reviewOf({ findings: [one, { ...two, fingerprint: `11111111${"2".repeat(56)}` }] }) },
    "CONFUSED",
    "More than one finding begins with `11111111`",
  ],
  [
    "a writer, before the head was looked at",
    () => say(writer, acknowledge(one)),
    { checks: [check("2026-11-25T12:00:01Z")] },
    "THUMBS_DOWN",
    "A push voids what was asked before it",
  ],
  [
    "a writer, before the head was looked at again",
    () => say(writer, acknowledge(one)),
    { checks: [check("2026-11-25T12:00:02Z"), check("2026-11-25T12:00:01Z")] },
    "THUMBS_DOWN",
    "A push voids",
  ],
  [
    "a writer, on a head that was never looked at",
    () => say(writer, acknowledge(one)),
    { checks: [] },
    "THUMBS_DOWN",
    "A push voids what was asked before it",
  ],
  [
    "a writer without a reason",
    () => say(writer, `@verifod acknowledge ${digitsOf(one)}`),
    {},
    "CONFUSED",
    "takes a REASON",
  ],
  [
    "a writer, when GitHub fails",
    () => {
      fake.failWhen = ({ path: at }) => (at.includes("collaborators") ? badGateway(false) : null);
      return say(writer, acknowledge(one));
    },
    {},
    "CONFUSED",
    "Could not check what this account may do: ask again later.",
  ],
  [
    "a writer whose name has passed to another",
    () => {
      const said = say(writer, acknowledge(one));
      person(fake, "writer", 666);
      return said;
    },
    {},
    "CONFUSED",
    "Could not check",
  ],
];
test.each(acks)("no acknowledgement by %s", async (_who, act, options, reaction, text) => {
  act();
  expect(await job(options)).toMatchObject({ asked: 1, acknowledged: { count: 0 } });
  expect(reactions()).toEqual([reaction, ""]);
  expect(answers()[0]?.body).toContain(text);
});

test("a member of the team acknowledges in the team's part, and as many as are asked for are needed", async () => {
  say(member, acknowledge(one));
  const review = reviewOf({ findings: [one] });
  const { conclusion, acknowledged } = await job({ review, subsystems: [{ ...frob, acknowledgements: 2 }] });
  expect(conclusion).toBe("failure");
  const given = acknowledged.standings.get(one.fingerprint)?.given ?? [];
  say(member, acknowledge(one));
  expect(await job({ review, given, subsystems: [{ ...frob, acknowledgements: 2 }] })).toMatchObject({
    conclusion: "failure",
    acknowledged: { count: 1 },
  });
  say(writer, acknowledge(one));
  expect(await job({ review, given, subsystems: [{ ...frob, acknowledgements: 2 }] })).toMatchObject({
    conclusion: "success",
    acknowledged: { count: 2 },
  });
  expect(reactions()).toEqual(["ROCKET", "ROCKET", "ROCKET"]);
});

test("a button acknowledges for the same people, on the head that it was shown on", async () => {
  const review = reviewOf({ findings: [one] });
  const press = (by: Identity | undefined, values: Partial<Press> = {}): Press => ({
    by: { id: by?.id ?? 0, login: by?.login ?? "" },
    finding: digitsOf(one),
    head: pull.head.sha,
    ...values,
  });
  for (const [by, values, count] of [
    [writer, {}, 1],
    [author, {}, 0],
    [stranger, {}, 0],
    [writer, { head: "d".repeat(40) }, 0],
    [writer, { finding: "99999999" }, 0],
  ] as const)
    expect(await job({ review, presses: [press(by, values)] })).toMatchObject({ acknowledged: { count } });
  const { acknowledged } = await job({ review, presses: [press(writer), press(writer)] });
  expect(acknowledged.standings.get(one.fingerprint)?.given).toMatchObject([
    { by: { id: 2 }, reason: "with the button of the check run", from: "button" },
  ]);
});

test("the same begun check again does not make older comments late", async () => {
  say(writer, acknowledge(one));
  const checks = [check("2026-11-25T12:00:05Z"), check("2026-11-25T12:00:00Z")];
  expect(await job({ checks })).toMatchObject({ acknowledged: { count: 1 } });
});

test("who may asks for a recheck, and nobody else", async () => {
  const may: (Identity | undefined)[] = [author, writer, person(fake, "maintainer", MAINTAINER)];
  for (const who of may) {
    fake.issueComments.length = 0;
    say(who, "@verifod recheck");
    expect((await job()).again).toBe(true);
    expect(reactions()).toEqual(["ROCKET"]);
  }
  fake.issueComments.length = 0;
  say(stranger, "@verifod recheck");
  expect((await job()).again).toBe(false);
  expect(reactions()).toEqual(["THUMBS_DOWN", ""]);
  expect(answers()[0]?.body).toContain("A recheck may be asked for by the author");
});

test("an answered comment is not answered again, an edited one never, a bot's never", async () => {
  const said = say(author, "@verifod recheck");
  expect(await job()).toMatchObject({ asked: 1, again: true });
  expect(await job()).toMatchObject({ asked: 0, again: false });
  said.reactions.length = 0;
  said.editedAt = fake.now();
  expect(await job()).toMatchObject({ asked: 0, again: false });
  const bot: Identity = { login: "helper[bot]", id: 9, app: { id: 9, slug: "helper" }, permissions: {} };
  say(bot, "@verifod recheck");
  say(app, "@verifod recheck");
  expect(await job()).toMatchObject({ asked: 0, again: false });
  // Somebody else's reaction is not ours.
  say(author, "@verifod recheck").reactions.push({ content: "ROCKET", by: writer as Identity });
  expect(await job()).toMatchObject({ asked: 1, again: true });
});

test("a review speaks for the head that it is of", async () => {
  fake.review(pull, writer as Identity, acknowledge(one));
  const review = reviewOf({ findings: [one] });
  const before = pull.head.sha;
  pull.head.sha = made.commit({ [path]: "{ a = 1; }\n" });
  expect(await job({ review })).toMatchObject({ asked: 1, acknowledged: { count: 0 } });
  expect(fake.reviews[0]?.reactions.map(({ content }) => content)).toEqual(["THUMBS_DOWN"]);
  pull.head.sha = before;
  fake.review(pull, writer as Identity, `Fine by me.\n\n${acknowledge(one)}`);
  expect(await job({ review, checks: [] })).toMatchObject({ asked: 1, acknowledged: { count: 1 } });
});

test("answers are in one comment, the newest first, five of them, dead", async () => {
  say(stranger, "@verifod help");
  await job();
  say(stranger, "@verifod explain hash-changed-alone");
  say(writer, `@verifod explain ${digitsOf(one)}\n@verifod nonsense`);
  await job();
  expect(reactions()).toEqual(["THUMBS_UP", "", "THUMBS_UP", "CONFUSED THUMBS_UP"]);
  expect(answers().length).toBe(1);
  const body = answers()[0]?.body ?? "";
  expect(body).toContain("`hash-changed-alone`: ");
  expect(body).toContain(one.title);
  expect(body).toContain("There is no such command.");
  expect(body).toContain("`@verifod acknowledge FINDING REASON`");
  expect(body.indexOf("hash-changed-alone")).toBeLessThan(body.indexOf("Each alone on a line"));
  const text = body.slice(body.indexOf("\n")).replace(/`[^`]*`/g, "");
  expect(text).not.toMatch(/@|<!--/);
  for (let i = 0; i < 6; i += 1) say(stranger, "@verifod help");
  await job();
  expect(answers().length).toBe(1);
  expect(answers()[0]?.body.match(/^To \[what/gm)?.length).toBe(5);
});

test("a foreign comment with our mark is left alone", async () => {
  say(stranger, "@verifod help");
  await job();
  const ours = answers()[0];
  if (ours === undefined) throw new Error("no answer");
  fake.issueComments.splice(fake.issueComments.indexOf(ours), 1);
  const copy = say(stranger, ours.body);
  const { body } = copy;
  say(writer, "@verifod help");
  await job();
  expect(copy.body).toBe(body);
  expect(answers().length).toBe(1);
});
