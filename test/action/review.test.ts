/** The built action in the mode `review`, against a GitHub of our own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "sarif";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openRepository } from "../../src/change/repository.ts";
import { parseMarker } from "../../src/github/comment-text.ts";
import { writeIndex } from "../../src/ledger/pin-index.ts";
import { updateIndex } from "../../src/ledger/update-index.ts";
import { reviewSchema } from "../../src/report/schema.ts";
import {
  actionsBot,
  badGateway,
  type FakeGitHub,
  type Pull,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { type ActionRun, type ReviewOptions, reviewPull, runAction } from "../support/action.ts";
import { maintainedFiles } from "../support/examples.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

/** To GitHub's API, for a pull request with one changed file. */
const mostRequests = 8;

let made: TestRepository;
let fake: FakeGitHub;
const bot = actionsBot({ contents: "read", checks: "write", pull_requests: "write" });

beforeAll(() => {
  made = makeRepository(maintainedFiles("base"));
});
beforeEach(async () => {
  made.git("checkout", "--quiet", "--detach", "main");
  fake = await startFakeGitHub({ repository: made });
});
afterEach(async () => {
  await fake.close();
});
afterAll(() => made.remove());

const review = (pull: Pull, options?: ReviewOptions): Promise<ActionRun> => reviewPull(fake, pull, options);

const openComments = () =>
  fake.reviewComments
    .filter(({ body }) => parseMarker(body)?.solved === false)
    .map(({ path, line, side }) => `${path}:${line}:${side}`);

test("an honest pull request: one check run, success, no comment, few requests", async () => {
  const pull = fake.openPull({
    head: made.commit(maintainedFiles("1-honest-bump"), "brook: 1.4.2 -> 1.5.0"),
  });
  const run = await review(pull);
  expect(fake.faults).toEqual([]);
  expect(run.stderr).toBe("");
  expect(run).toMatchObject({
    status: 0,
    outputs: { conclusion: "success", findings: "0" },
    commands: ["add-mask"],
  });
  expect(fake.checkRuns).toMatchObject([
    { name: "verifod", status: "completed", conclusion: "success", head_sha: pull.head.sha },
  ]);
  expect([fake.reviews.length, fake.reviewComments.length]).toEqual([0, 0]);
  expect(fake.requests.map(({ operation }) => operation)).toEqual([
    "graphql",
    "POST /repos/{owner}/{repo}/check-runs",
    "GET /repos/{owner}/{repo}/compare/{basehead}",
    "graphql",
    "graphql",
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
  ]);
  // The pins that changed, with a link to what upstream changed between them.
  expect(fake.checkRuns[0]?.output.text).toContain(
    "https://github.com/brook-project/brook/compare/v1.4.2...v1.5.0",
  );
  const before = fake.requests.filter(({ isWrite }) => isWrite).length;
  await review(pull, { runId: 2 });
  expect(fake.requests.filter(({ isWrite }) => isWrite).length).toBe(before);
});

describe.each([
  ["2-stale-hash", "stale-hash-on-bump", "pkgs/by-name/la/lantern/package.nix", "hash = ", 1],
  ["3-hash-alone", "hash-changed-alone", "pkgs/by-name/pe/pebble-db/package.nix", "hash = ", 1],
  // Not sure enough to interrupt anybody: an annotation alone.
  ["4-owner-swapped", "lookalike-host-or-owner", "pkgs/by-name/mo/mosswall/package.nix", "owner = ", 0],
  ["5-url-changed-hash-kept", "url-changed-hash-kept", "pkgs/by-name/qu/quillpen/package.nix", "url = ", 1],
  ["6-script-growth", "obfuscated-payload", "pkgs/by-name/ti/tidewatch/package.nix", "| sh", 1],
])("%s", (example, rule, path, code, commented) => {
  test("fails on the line that matters, in few requests; the fix solves it, also beside another", async () => {
    const pull = fake.openPull({ head: made.commit(maintainedFiles(example), `${example}: change`) });
    const run = await review(pull);
    expect(fake.faults).toEqual([]);
    expect(run).toMatchObject({ status: 0, outputs: { conclusion: "failure" } });
    expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
    const [check] = fake.checkRuns;
    expect(check).toMatchObject({ conclusion: "failure", head_sha: pull.head.sha });
    const found = check?.annotations.find(({ title }) => title?.startsWith(rule));
    expect(found?.path).toBe(path);
    const lines = (maintainedFiles(example)[path] ?? "").split("\n");
    expect(lines[(found?.start_line ?? 0) - 1]).toContain(code);
    expect(openComments().length).toBe(commented);

    fake.requests.length = 0;
    pull.head.sha = made.commit({ ...maintainedFiles("base"), ...maintainedFiles("1-honest-bump") }, "fix");
    const fixed = await review(pull, { runId: 2 });
    expect(fixed.outputs.conclusion).toBe("success");
    expect(openComments()).toEqual([]);
    expect(fake.reviewComments.length).toBe(commented);
    expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
    expect(fake.faults).toEqual([]);
  });
});

test("a push that solves one and adds another: struck through, and one more", async () => {
  const pull = fake.openPull({
    head: made.commit(maintainedFiles("3-hash-alone"), "pebble-db: refresh hash"),
  });
  await review(pull);
  expect(openComments().length).toBe(1);
  pull.head.sha = made.commit(
    { ...maintainedFiles("base"), ...maintainedFiles("2-stale-hash") },
    "lantern: 1.4.2 -> 1.4.3",
  );
  fake.requests.length = 0;
  await review(pull, { runId: 2 });
  expect(fake.faults).toEqual([]);
  expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
  expect(openComments()).toEqual([expect.stringContaining("lantern")]);
  expect(fake.reviewComments.length).toBe(2);
  expect(fake.checkRuns.at(-1)?.output.summary).toContain(
    "Maintainers, as the base has them: `ada`, `team gnome`.",
  );
});

test("a push that adds another finding leaves the comment that is there alone", async () => {
  const pull = fake.openPull({
    head: made.commit(maintainedFiles("3-hash-alone"), "pebble-db: refresh hash"),
  });
  await review(pull);
  const [first] = structuredClone(fake.reviewComments);
  pull.head.sha = made.commit(maintainedFiles("2-stale-hash"), "lantern: 1.4.2 -> 1.4.3");
  fake.requests.length = 0;
  expect((await review(pull, { runId: 2 })).outputs).toMatchObject({ conclusion: "failure", findings: "2" });
  expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
  expect(fake.reviewComments).toEqual([
    first,
    expect.objectContaining({ path: expect.stringContaining("lantern") }),
  ]);
  expect(fake.checkRuns.map(({ head_sha }) => head_sha)).toEqual([first?.commit_id, pull.head.sha]);
});

test("a renamed file: quiet by itself, and what changes with it stands on its new name", async () => {
  const [from, to] = ["pkgs/by-name/pe/pebble-db/package.nix", "pkgs/by-name/pe/pebble-db/db.nix"];
  const base = maintainedFiles("base")[from] ?? "";
  const pull = fake.openPull({ head: made.commit({ [from]: null, [to]: base }, "pebble-db: rename") });
  expect(await review(pull)).toMatchObject({ status: 0, outputs: { conclusion: "success" } });
  expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
  pull.head.sha = made.commit(
    { [to]: maintainedFiles("3-hash-alone")[from] ?? "" },
    "pebble-db: refresh hash",
  );
  fake.requests.length = 0;
  await review(pull, { runId: 2 });
  expect(fake.requests.length).toBeLessThanOrEqual(mostRequests);
  expect(fake.faults).toEqual([]);
  expect(fake.checkRuns.at(-1)).toMatchObject({ conclusion: "failure" });
  expect(fake.checkRuns.at(-1)?.annotations.map(({ path }) => path)).toEqual([to]);
  expect(openComments()).toEqual([expect.stringContaining(to)]);
});

test("a branch that was deleted, with its repository, is reviewed: its commits are there", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("3-hash-alone")) });
  pull.head.repositoryExists = false;
  expect(await review(pull)).toMatchObject({ status: 0, outputs: { conclusion: "failure" } });
  expect(fake.faults).toEqual([]);
  expect(openComments().length).toBe(1);
});

test("a head that GitHub has forgotten is a failure that says so, without a check run", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("1-honest-bump")) });
  const run = await review(pull, { event: { head: { sha: "d".repeat(40) } } });
  expect(run.status).toBe(1);
  expect(run.stdout).toMatch(/^::error::/m);
  expect(fake.checkRuns).toEqual([]);
});

test("the head moves while it runs: nothing on the new head, no comment", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("3-hash-alone")) });
  const old = pull.head.sha;
  fake.before = ({ operation }) => {
    if (operation?.includes("compare")) pull.head.sha = made.commit({ "README.md": "moved on\n" });
  };
  const run = await review(pull);
  expect(run).toMatchObject({ status: 0, outputs: { conclusion: "failure" } });
  expect(fake.checkRuns.map(({ head_sha }) => head_sha)).toEqual([old]);
  expect(fake.reviewComments).toEqual([]);
});

test("a token that may only read: annotations of the run, the step summary, and what is missing", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("3-hash-alone")) });
  const reader = actionsBot({ contents: "read", checks: "read", pull_requests: "read" });
  const run = await review(pull, { identity: reader });
  expect(fake.faults).toEqual([]);
  expect(run.status).toBe(1);
  expect(run.commands.filter((command) => command === "error").length).toBeGreaterThanOrEqual(2);
  expect(run.stdout).toContain("::warning::the token lacks the permission checks: write");
  expect(run.summary).toContain("hash-changed-alone");
  expect([fake.checkRuns.length, fake.reviewComments.length]).toEqual([0, 0]);
});

test("a wrong configuration on the base asks for action; one that the change brings is not looked at", async () => {
  made.git("checkout", "--quiet", "main");
  const base = made.git("rev-parse", "HEAD");
  made.commit({ ".github/verifod.yml": "fail-on: everything\n" });
  made.git("checkout", "--quiet", "--detach");
  const pull = fake.openPull({
    head: made.commit({ ...maintainedFiles("3-hash-alone"), ".github/verifod.yml": "fail-on: never\n" }),
  });
  const run = await review(pull);
  expect(run.status).toBe(1);
  expect(fake.checkRuns).toMatchObject([{ conclusion: "action_required" }]);
  expect(fake.checkRuns[0]?.output.summary).toContain(".github/verifod.yml:1");
  made.git("branch", "--force", "main", base);
});

test("a GitHub that never recovers: the run fails, and no check run is green", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("1-honest-bump")) });
  fake.failWhen = ({ operation }) => (operation?.includes("compare") ? badGateway(false) : null);
  const run = await review(pull);
  expect(run.status).toBe(1);
  expect(run.stdout).toMatch(/^::error::GitHub cannot compare/m);
  expect(fake.checkRuns).toMatchObject([{ status: "completed", conclusion: "action_required" }]);
}, 60_000);

test("hostile names and titles give no command and nothing live", async () => {
  const name = "pkgs/by-name/a/a\n::error file=x::@NixOS/security https:/evil.example/%0A/package.nix";
  const nix = (hash: string) =>
    `{ stdenv, fetchurl }:\nstdenv.mkDerivation {\n  pname = "x";\n  version = "1.0";\n  src = fetchurl {\n    url = "https://example.org/x-1.0.tar.gz";\n    hash = "${hash}";\n  };\n}\n`;
  made.git("checkout", "--quiet", "main");
  const base = made.git("rev-parse", "HEAD");
  made.commit({ [name]: nix(`sha256-${"E".repeat(43)}=`) });
  made.git("checkout", "--quiet", "--detach");
  const pull = fake.openPull({
    head: made.commit({ [name]: nix(`sha256-${"I".repeat(43)}=`) }, "x\n\n::set-output name=a::b"),
  });
  const title = "::add-mask::e\n::error::x";
  const reader = actionsBot({ contents: "read", checks: "read", pull_requests: "read" });
  for (const identity of [bot, reader]) {
    const run = await review(pull, { identity, event: { title } });
    const forged = run.stdout
      .split("\n")
      .filter((line) => /^::(add-mask|set-output)/.test(line) && !line.includes("token-"));
    expect(forged).toEqual([]);
    for (const line of run.stdout.split("\n")) expect(line).not.toMatch(/^::error file=x/);
    expect(run.stderr).toBe("");
  }
  expect(fake.faults).toEqual([]);
  expect(fake.checkRuns[0]?.annotations[0]?.path).toBe(name);
  made.git("branch", "--force", "main", base);
});

test("on an enterprise server, with a report and SARIF in files", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("3-hash-alone")) });
  const [report, sarif] = ["report.json", "findings.sarif"].map((name) => join(made.folder(), name)) as [
    string,
    string,
  ];
  const run = await runAction({
    inputs: { token: fake.token(bot), report, sarif },
    event: "pull_request_target",
    payload: { pull_request: fake.pullData(pull) },
    apiUrl: `${fake.url}/api/v3`,
  });
  expect(run).toMatchObject({ status: 0, stderr: "", outputs: { conclusion: "failure", report, sarif } });
  expect(fake.faults).toEqual([]);
  expect(fake.checkRuns).toMatchObject([{ conclusion: "failure" }]);
  expect(openComments().length).toBe(1);
  const { findings } = reviewSchema.parse(JSON.parse(readFileSync(report, "utf8")));
  const { runs } = JSON.parse(readFileSync(sarif, "utf8")) as Log;
  expect(findings.map(({ rule }) => rule)).toEqual(["hash-changed-alone"]);
  expect(runs[0]?.results?.map(({ ruleId }) => ruleId)).toEqual(["hash-changed-alone"]);
});

test("with a checkout git is read instead of the API, and gives the same", async () => {
  const pull = fake.openPull({ head: made.commit(maintainedFiles("3-hash-alone")) });
  const run = await review(pull, { workspace: made.directory });
  expect(run.outputs.conclusion).toBe("failure");
  expect(fake.requests.some(({ operation }) => operation?.includes("compare"))).toBe(false);
  const [local] = structuredClone(fake.checkRuns);
  fake.checkRuns.length = 0;
  await review(pull, { runId: 2 });
  expect(fake.checkRuns[0]?.annotations).toEqual(local?.annotations);
});

test("a hash that the index knows of another source is found; without the index the run says so", async () => {
  const index = join(made.folder(), "pins.jsonl");
  const honest = made.commit(maintainedFiles("1-honest-bump"), "brook: 1.4.2 -> 1.5.0");
  const pull = fake.openPull({ head: honest });
  const without = await review(pull, { inputs: { index } });
  expect(without).toMatchObject({ status: 0, outputs: { conclusion: "success", findings: "0" } });
  expect(without.stdout).toMatch(/^::notice::without the index: /m);
  // What a stranger seeded once: the hash of the bump, under a name of their own. It is gone from the base since.
  const repository = await openRepository(made.directory);
  const bumped = await updateIndex(repository, await repository.resolve(honest), null);
  repository.close();
  const files = [...bumped.files.values()].map((file) => ({
    ...file,
    path: `pkgs/by-name/ot/other/${file.path.replaceAll("/", "-")}`,
    pins: file.pins.map((pin) => ({
      ...pin,
      rev: null,
      urls: [`https://elsewhere.example/${pin.binding}.zip`],
    })),
  }));
  // An index of another version is none: the action is of the version that is to be released.
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const header = { ...bumped.header, tool: version };
  await writeIndex(index, { ...bumped, header, files: new Map(files.map((file) => [file.path, file])) });
  const run = await review(pull, { inputs: { index }, runId: 2 });
  expect(run).toMatchObject({ status: 0, outputs: { conclusion: "failure" } });
  expect(fake.checkRuns.at(-1)?.annotations.map(({ title }) => title)).toEqual([
    expect.stringContaining("fod-hash-reuse"),
  ]);
});
