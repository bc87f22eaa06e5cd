import { afterEach, beforeEach, expect, test } from "vitest";
import { openApiChange } from "../src/change/api.ts";
import { acknowledgedIn, contentOf, readAcknowledgements } from "../src/github/acknowledgements.ts";
import { createGitHubApi } from "../src/github/client.ts";
import { createDocuments } from "../src/nix/documents.ts";
import type { Finding, Review } from "../src/report/review.ts";
import { reviewPull } from "../src/review-pull.ts";
import {
  actionsBot,
  badGateway,
  dropped,
  type FakeGitHub,
  type Identity,
  type Pull,
  person,
  startFakeGitHub,
} from "./fake-github/server.ts";
import { makeRepository, type TestRepository } from "./support/repository.ts";
import { finding, reviewOf } from "./support/reviews.ts";

let made: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
let run: number;
const bot = actionsBot({ contents: "read", checks: "write", pull_requests: "write" });
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string) =>
  `{ lib }:\n{\n  pname = "frob";\n  version = "${version}";\n  meta.maintainers = with lib.maintainers; [ ada ];\n}\n`;
const CONFIG = `subsystems:
  - { name: frob, paths: ["pkgs/by-name/fr/**"], alert: ["@NixOS/frob", "@contributor"], from: medium }
  - { name: owned, paths: ["lib/**"] }
mentions: 2
`;
const digits = (n: number) => n.toString(16).padStart(16, "0").padEnd(64, "0");
const at = (n: number, values: Partial<Finding> = {}) =>
  finding({ path, fingerprint: digits(n), startLine: 4, endLine: 4, confidence: "medium", ...values });

beforeEach(async () => {
  made = makeRepository({
    [path]: nix("1"),
    "lib/a.nix": "1\n",
    ".github/verifod.yml": CONFIG,
    "ci/OWNERS": "/pkgs/ @NixOS/packages\n/lib/ @NixOS/lib\n",
    "maintainers/maintainer-list.nix": '{\n  ada = {\n    github = "ada-l";\n    githubId = 11;\n  };\n}\n',
  });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  run = 0;
  pull = fake.openPull({ head: made.commit({ [path]: nix("2"), "lib/a.nix": "2\n" }) });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

interface Options {
  readonly acknowledging?: readonly Finding[];
  readonly fails?: boolean;
  readonly accounts?: boolean;
}

/** Reviews as a door does, with a review that is given. */
async function review(
  given: Partial<Review>,
  { acknowledging = [], fails = false, accounts = true }: Options = {},
) {
  const repository = { owner: fake.owner, name: fake.name };
  const api = createGitHubApi({ token: fake.token(bot), apiUrl: fake.url, pace: 0 });
  const { base, head, number } = pull;
  const target = { number, title: "frob: 1 -> 2", base: base.sha, head: head.sha };
  run += 1;
  return reviewPull(api, target, {
    repository,
    run,
    details: null,
    config: null,
    failOn: null,
    open: async (range, prefetch) => ({
      change: await openApiChange(api, repository, range, prefetch),
      close: () => {},
    }),
    check: async () => {
      if (fails) throw new Error("broken");
      return reviewOf({ base: base.sha, head: head.sha, ...given });
    },
    complete: async (each) => each,
    accounts,
    documents: createDocuments,
    notes: [],
    pace: 0,
    acknowledged: async (each, _config, { checks }) => {
      const where = { repository, number, head: head.sha };
      const by = { id: 2, login: "writer" };
      const fresh = acknowledging.map((about) => ({
        finding: about.fingerprint,
        content: contentOf(about),
        by,
        reason: "fine",
        from: "IC_1",
      }));
      const all = [...(await readAcknowledgements(api, where, checks)), ...fresh];
      const stands = acknowledgedIn(each, where, all, () => 1);
      if (stands === null) throw new Error("too many");
      return stands;
    },
  });
}

const alerts = () => fake.issueComments.map(({ body }) => body.split("\n").slice(1).join("\n"));
const summary = () => fake.checkRuns.at(-1)?.output.summary ?? "";

test("a clean review tells nobody, and looks nobody up", async () => {
  await review({});
  expect(alerts()).toEqual([]);
  expect(summary()).not.toMatch(/maintainer|belong|concern/i);
  expect(JSON.stringify(fake.requests)).not.toContain("maintainer-list");
});

test("a team is told once, the author never; owners and maintainers are shown and not mentioned", async () => {
  const findings = [at(1)];
  await review({ findings });
  expect(alerts().length).toBe(1);
  expect(alerts()[0]).toMatch(/^@NixOS\/frob: a finding in `frob`\.\n/);
  expect(alerts()[0]).not.toContain("contributor");
  expect(summary()).toContain("This concerns `@NixOS/frob` (`frob`).");
  expect(summary()).toContain("These files belong to `@NixOS/packages` (`ci/OWNERS`).");
  expect(summary()).toContain("Maintainers, as the base has them: `ada` (`ada-l`).");
  expect(summary().replace(/`[^`]*`/g, "")).not.toContain("@");
  const before = fake.requests.filter(({ isWrite }) => isWrite).length;
  expect((await review({ findings })).publication.check).toBe("unchanged");
  expect(fake.requests.filter(({ isWrite }) => isWrite).length).toBe(before);
  pull.head.sha = made.commit({ [path]: nix("3") });
  await review({ findings });
  expect(alerts().length).toBe(1);
  await review({ findings: [at(1), at(2)] });
  expect(alerts().length).toBe(2);
  // Two mentions are all that there are.
  await review({ findings: [at(1), at(2), at(3)] });
  expect(alerts().length).toBe(2);
  expect(summary()).toContain("no mention left: `@NixOS/frob` (`frob`)");
});

test("a bot that opened the pull request is not the person of its name", async () => {
  const author: Identity = {
    login: "contributor[bot]",
    id: 99,
    app: { id: 9, slug: "contributor" },
    permissions: {},
  };
  Object.assign(pull, { author });
  await review({ findings: [at(1)] });
  expect(alerts()[0]).toMatch(/^@NixOS\/frob @contributor: /);
});

test("without a look into the lists, maintainers stand as their packages name them", async () => {
  await review({ findings: [at(1)] }, { accounts: false });
  expect(summary()).toContain("Maintainers, as the base has them: `ada`.");
  expect(JSON.stringify(fake.requests)).not.toContain("maintainers/");
});

test("a subsystem that names nobody has the owners told; one below its severity, and a draft, tell nobody", async () => {
  await review({ findings: [at(1, { severity: "low" }), at(2, { path: "lib/a.nix", severity: "medium" })] });
  expect(alerts()).toEqual([]);
  const findings = [at(2, { path: "lib/a.nix" })];
  pull.draft = true;
  await review({ findings });
  expect(alerts()).toEqual([]);
  expect(summary()).toContain("This concerns `@NixOS/lib` (`owned`).");
  pull.draft = false;
  await review({ findings });
  expect(alerts()[0]).toMatch(/^@NixOS\/lib: a finding in `owned`\.\n/);
});

test("whom the base names counts, not the head; a stranger's comment with our mark tells nobody", async () => {
  const findings = [at(1)];
  pull.head.sha = made.commit({
    ".github/verifod.yml": CONFIG.replace("@NixOS/frob", "@NixOS/everybody"),
    "ci/OWNERS": "* @NixOS/everybody\n",
    [path]: nix("3").replace("ada", "eve"),
  });
  await review({ findings });
  expect(JSON.stringify([alerts(), summary()])).not.toMatch(/everybody|eve\b/);
  const ours = fake.issueComments.pop();
  if (ours === undefined) throw new Error("no alert");
  fake.comment(pull, person(fake, "stranger", 1), ours.body);
  await review({ findings });
  expect(fake.issueComments.map(({ by }) => by.login)).toEqual(["stranger", bot.login]);
});

test.each([
  ["502 before it takes place", badGateway(false)],
  ["502 after it took place", badGateway(true)],
  ["a connection dropped after", dropped(true)],
])("%s at each request in turn: told once all the same", async (_what, fault) => {
  const findings = [at(1)];
  await review({ findings });
  const count = fake.requests.length;
  for (let failing = 1; failing <= count; failing += 1) {
    for (const list of [fake.checkRuns, fake.reviewComments, fake.issueComments, fake.requests])
      list.length = 0;
    fake.failWhen = ({ index }) => (index === failing ? fault : null);
    await review({ findings });
    expect([alerts().length, fake.checkRuns.at(-1)?.conclusion], `request ${failing}`).toEqual([
      1,
      "failure",
    ]);
  }
});

test("acknowledgements stay on their head through reviews and failures, and a push leaves them behind", async () => {
  const findings = [at(1)];
  await review({ findings });
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("failure");
  await review({ findings }, { acknowledging: findings });
  expect(fake.checkRuns.at(-1)).toMatchObject({
    conclusion: "success",
    external_id: expect.stringMatching(/ acknowledged=1$/),
  });
  expect(summary()).toContain("Acknowledged by `writer`: fine");
  expect(summary()).not.toContain("This concerns");
  await review({ findings: [...findings, at(2)] });
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("failure");
  await review({}, { fails: true }).catch(() => {});
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("action_required");
  await review({ findings });
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("success");
  await review({ findings: [at(1, { after: "sha256-other" })] });
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("failure");
  await review({ findings });
  expect(fake.checkRuns.at(-1)?.conclusion).toBe("failure");
  await review({ findings }, { acknowledging: findings });
  pull.head.sha = made.commit({ "other.nix": "1\n" });
  await review({ findings });
  expect(fake.checkRuns.at(-1)).toMatchObject({ conclusion: "failure", head_sha: pull.head.sha });
});

test("a check run that is not ours acknowledges nothing, whatever its text", async () => {
  const findings = [at(1)];
  await review({ findings }, { acknowledging: findings });
  const ours = fake.checkRuns.pop();
  if (ours === undefined) throw new Error("no check run");
  const other = { login: "verifod[bot]", id: 666, app: { id: 666, slug: "verifod" }, permissions: {} };
  fake.checkRuns.splice(0, fake.checkRuns.length, { ...ours, by: other });
  await review({ findings });
  expect(fake.checkRuns.at(-1)).toMatchObject({ by: { login: bot.login }, conclusion: "failure" });
});
