/** What people ask of the App in comments, reviews and with buttons, through its HTTP server. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeGitHub, type Identity, type Pull, person, startFakeGitHub } from "../fake-github/server.ts";
import type { Review, Said } from "../fake-github/state.ts";
import {
  commentEvent,
  common,
  type Delivery,
  deliver,
  pullEvent,
  registerApp,
  startTestApp,
  type TestApp,
  userOf,
} from "../support/app.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let app: TestApp;
let pull: Pull;
let [author, stranger, writer, other, member, maintainer]: Identity[] = [];
let seconds: number;
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (hash: string, maintainers = "ada") =>
  `{ lib, fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "1.0";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${hash.repeat(43)}=";\n  };\n  meta.maintainers = with lib.maintainers; [ ${maintainers} ];\n}\n`;
const CONFIG = 'subsystems:\n  - { name: frob, paths: ["/pkgs/by-name/fr/"], alert: ["@NixOS/frob"] }\n';

beforeEach(async () => {
  made = makeRepository({
    [path]: nix("B"),
    ".github/verifod.yml": CONFIG,
    "maintainers/maintainer-list.nix":
      '{\n  ada = {\n    github = "ada";\n    githubId = 6;\n  };\n  eve = {\n    github = "stranger";\n    githubId = 1;\n  };\n}\n',
  });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  registerApp(fake);
  // Each thing that happens has a second of its own.
  seconds = Date.parse("2026-11-25T12:00:00Z");
  fake.time = () => {
    seconds += 1_000;
    return seconds;
  };
  author = person(fake, "contributor", 77);
  stranger = person(fake, "stranger", 1);
  writer = person(fake, "writer", 2);
  other = person(fake, "other-writer", 3);
  member = person(fake, "member", 4);
  maintainer = person(fake, "ada", 6);
  fake.permissions.set("writer", "write").set("other-writer", "admin");
  fake.teams.set("NixOS/frob", new Map([["member", "active"]]));
  app = await startTestApp(fake);
  // The hash changes alone, and a stranger becomes maintainer.
  pull = fake.openPull({ head: push("E", "ada eve"), author });
  await send(pullEvent(fake, pull, "opened"));
});
afterEach(async () => {
  fake.failWhen = () => null;
  await app.stop();
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

function push(hash: string, maintainers = "ada"): string {
  return made.commit({ [path]: nix(hash, maintainers) }, "frob: refresh hash");
}

/** Delivers, and waits until nothing is left to do. */
async function send(...deliveries: readonly Delivery[]): Promise<void> {
  for (const each of deliveries) expect(await deliver(app.url, each)).toBe(200);
  for (;;) {
    const health = (await (await fetch(`${app.url}/health`)).json()) as { waiting: number; running: number };
    if (health.waiting + health.running === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function known(by: Identity | undefined): Identity {
  if (by === undefined) throw new Error("nobody");
  return by;
}

function reviewEvent({ id, nodeId, by, body }: Review): Delivery {
  const review = { id, node_id: nodeId, body, user: userOf(by) };
  const payload = {
    action: "submitted",
    pull_request: fake.pullData(pull),
    review,
    ...common(fake),
    sender: userOf(by),
  };
  return { event: "pull_request_review", payload };
}

function buttonEvent(by: Identity, identifier: string): Delivery {
  const run = fake.checkRuns.at(-1);
  if (run === undefined) throw new Error("no check run");
  const { id, name, head_sha, external_id } = run;
  const check_run = { id, name, head_sha, external_id, app: { id: run.by.app?.id }, pull_requests: [] };
  const payload = {
    action: "requested_action",
    check_run,
    requested_action: { identifier },
    ...common(fake),
    sender: userOf(by),
  };
  return { event: "check_run", payload };
}

async function say(by: Identity | undefined, body: string): Promise<Said> {
  const said = fake.comment(pull, known(by), body);
  await send(commentEvent(fake, pull, said));
  return said;
}

const newest = () => fake.checkRuns.at(-1);
const reactions = (said: Said) => said.reactions.map(({ content }) => content);
const own = () => fake.issueComments.filter(({ by }) => by.login === "verifod[bot]").map(({ body }) => body);
const found = () =>
  [...(newest()?.output.summary ?? "").matchAll(/confidence, `([0-9a-f]{12})`/g)].map(([, id]) => id ?? "");

async function acknowledgeAll(by: Identity | undefined): Promise<void> {
  for (const id of found())
    await say(by, `@verifod acknowledge ${id} upstream moved the tag, see their notes`);
}

test("there is something to acknowledge, and the team hears of it once", async () => {
  expect(newest()).toMatchObject({ conclusion: "failure", actions: [{ identifier: "recheck" }] });
  expect(found().length).toBeGreaterThan(0);
  expect(own().length).toBe(1);
  expect(own()[0]).toContain("\n@NixOS/frob: a finding in `frob`.\n");
  pull.head.sha = push("E", "ada eve");
  made.git("commit", "--quiet", "--allow-empty", "-m", "nothing");
  pull.head.sha = made.git("rev-parse", "HEAD");
  await send(pullEvent(fake, pull, "synchronize"));
  expect(newest()).toMatchObject({ head_sha: pull.head.sha, conclusion: "failure" });
  expect(own().length).toBe(1);
});

test("the author has it reviewed again; redelivered, it is done once", async () => {
  const before = fake.checkRuns.length;
  const said = await say(author, "I looked at it.\n\n@verifod recheck");
  expect(reactions(said)).toEqual(["ROCKET"]);
  expect(fake.checkRuns.length).toBe(before + 1);
  await send(commentEvent(fake, pull, said), commentEvent(fake, pull, said));
  expect(fake.checkRuns.length).toBe(before + 1);
  expect(reactions(said)).toEqual(["ROCKET"]);
  expect(newest()).toMatchObject({ status: "completed", conclusion: "failure" });
});

test("a maintainer as of the base may ask for a recheck, one whom the change itself makes may not", async () => {
  const before = fake.checkRuns.length;
  expect(reactions(await say(stranger, "@verifod recheck"))).toEqual(["THUMBS_DOWN"]);
  expect(fake.checkRuns.length).toBe(before);
  expect(reactions(await say(maintainer, "@verifod recheck"))).toEqual(["ROCKET"]);
  expect(fake.checkRuns.length).toBe(before + 1);
});

test("writers and the team turn failure to success, and it stays through rechecks and restarts", async () => {
  await acknowledgeAll(writer);
  expect(newest()).toMatchObject({ conclusion: "success", head_sha: pull.head.sha });
  expect(newest()?.output.summary).toContain(
    "Acknowledged by `writer`: upstream moved the tag, see their notes",
  );
  expect(newest()?.output.title).toMatch(/\d acknowledged$/);
  await say(author, "@verifod recheck");
  expect(newest()?.conclusion).toBe("success");
  await app.stop();
  app = await startTestApp(fake);
  await say(other, "@verifod recheck");
  expect(newest()?.conclusion).toBe("success");
});

test("a push voids what was acknowledged, and what was asked before it", async () => {
  await acknowledgeAll(member);
  expect(newest()?.conclusion).toBe("success");
  const late = fake.comment(pull, known(writer), `@verifod acknowledge ${found()[0]} fine`);
  const recheck = fake.comment(pull, known(author), "@verifod recheck");
  pull.head.sha = push("I", "ada eve");
  await send(pullEvent(fake, pull, "synchronize"));
  expect(newest()).toMatchObject({ conclusion: "failure", head_sha: pull.head.sha });
  const before = fake.checkRuns.length;
  await send(commentEvent(fake, pull, late), commentEvent(fake, pull, recheck));
  expect([reactions(late), reactions(recheck)]).toEqual([["THUMBS_DOWN"], ["THUMBS_DOWN"]]);
  expect(fake.checkRuns.length).toBe(before);
});

test("an acknowledgement that a push overtakes is none of the new head, whose finding has the same number", async () => {
  const numbers = found();
  // The push's own event comes last, so that the job for the comment is the first to see the new head.
  const orders = numbers.map((id) => fake.comment(pull, known(writer), `@verifod acknowledge ${id} fine`));
  made.git("commit", "--quiet", "--allow-empty", "-m", "nothing");
  pull.head.sha = made.git("rev-parse", "HEAD");
  await send(...orders.map((order) => commentEvent(fake, pull, order)), pullEvent(fake, pull, "synchronize"));
  expect(newest()).toMatchObject({ conclusion: "failure", head_sha: pull.head.sha });
  expect(found()).toEqual(numbers);
  expect(orders.map(reactions)).toEqual(orders.map(() => ["THUMBS_DOWN"]));
});

test("the author, strangers, bots and edits acknowledge nothing", async () => {
  const id = found()[0] ?? "";
  const order = `@verifod acknowledge ${id} fine`;
  fake.permissions.set("contributor", "admin");
  expect(reactions(await say(author, order))).toEqual(["THUMBS_DOWN"]);
  expect(reactions(await say(stranger, order))).toEqual(["THUMBS_DOWN"]);
  const bot: Identity = { login: "helper[bot]", id: 9, app: { id: 9, slug: "helper" }, permissions: {} };
  fake.permissions.set("helper[bot]", "admin");
  expect(reactions(await say(bot, order))).toEqual([]);
  const edited = fake.comment(pull, known(writer), order);
  edited.editedAt = fake.now();
  await send(commentEvent(fake, pull, edited), commentEvent(fake, pull, edited, "edited"));
  expect(reactions(edited)).toEqual([]);
  expect(reactions(await say(writer, `> ${order}`))).toEqual([]);
  expect(newest()?.output.summary).not.toContain("Acknowledged");
  expect(newest()?.conclusion).toBe("failure");
});

test("GitHub does not say who may: not allowed, and it says so; asked again, it is", async () => {
  const id = found()[0] ?? "";
  fake.failWhen = ({ path: at }) =>
    at.includes("/collaborators/") ? { status: 403, applied: false, message: "no" } : null;
  expect(reactions(await say(writer, `@verifod acknowledge ${id} fine`))).toEqual(["CONFUSED"]);
  expect(own().join("\n")).toContain("Could not check what this account may do: ask again later.");
  expect(newest()?.output.summary).not.toContain("Acknowledged");
  fake.failWhen = () => null;
  expect(reactions(await say(writer, `@verifod acknowledge ${id} fine`))).toEqual(["ROCKET"]);
  expect(newest()?.output.summary).toContain("Acknowledged by `writer`");
});

test("a review speaks as a comment does, for its own head", async () => {
  const review = fake.review(pull, known(writer), `Fine.\n\n@verifod acknowledge ${found()[0]} fine`);
  await send(reviewEvent(review));
  expect(reactions(review)).toEqual(["ROCKET"]);
  expect(newest()?.output.summary).toContain("Acknowledged by `writer`: fine");
});

test("the button acknowledges the last finding, for whom a command would", async () => {
  const ids = found();
  for (const id of ids.slice(1)) await say(writer, `@verifod acknowledge ${id} fine`);
  const button = newest()?.actions.find(({ label }) => label === "Acknowledge");
  expect(button?.identifier).toBe(`acknowledge-${ids[0]?.slice(0, 8)}`);
  await send(buttonEvent(known(author), button?.identifier ?? ""));
  expect(newest()?.conclusion).toBe("failure");
  await send(buttonEvent(known(other), button?.identifier ?? ""));
  expect(newest()).toMatchObject({ conclusion: "success", actions: [{ identifier: "recheck" }] });
  expect(newest()?.output.summary).toContain(
    "Acknowledged by `other-writer`: with the button of the check run",
  );
});

test("help, explanations and mistakes are answered in one comment, and review nothing", async () => {
  const before = fake.requests.filter(({ path: at }) => at.includes("/compare/")).length;
  expect(reactions(await say(stranger, "@verifod help"))).toEqual(["THUMBS_UP"]);
  expect(reactions(await say(stranger, "@verifod explain hash-changed-alone"))).toEqual(["THUMBS_UP"]);
  expect(reactions(await say(stranger, "@verifod please"))).toEqual(["CONFUSED"]);
  expect(own().length).toBe(2);
  expect(fake.requests.filter(({ path: at }) => at.includes("/compare/")).length).toBe(before);
  expect(reactions(await say(stranger, "What does @verifod do?"))).toEqual([]);
});

test("what is asked while the App is down is answered once it is back, and looked for with one request", async () => {
  await app.stop();
  const [id] = found();
  const acknowledge = fake.comment(pull, known(writer), `@verifod acknowledge ${id} fine`);
  const help = fake.review(pull, known(stranger), "@verifod help");
  const edited = fake.comment(pull, known(writer), "@verifod recheck");
  edited.editedAt = fake.now();
  for (let count = 0; count < 7; count += 1) fake.comment(pull, known(stranger), "What does @verifod do?");
  app = await startTestApp(fake);
  await send();
  expect([acknowledge, help, edited].map(reactions)).toEqual([["ROCKET"], ["THUMBS_UP"], []]);
  expect(newest()?.output.summary).toContain("Acknowledged by `writer`: fine");
  await app.stop();
  const before = fake.requests.length;
  app = await startTestApp(fake);
  await send();
  const asked = fake.requests.slice(before).filter(({ path: at }) => !at.startsWith("/app"));
  expect(asked.map(({ path: at }) => at.split("?")[0])).toEqual(["/installation/repositories", "/graphql"]);
});
