/** The built action in the modes `analyze` and `publish`, and on another Node. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reviewSchema } from "../../src/report/schema.ts";
import {
  actionsBot,
  badGateway,
  dropped,
  type FakeGitHub,
  type Pull,
  secondaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { type ActionRun, runAction } from "../support/action.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
let report: string;
const path = "pkgs/by-name/fr/frob/package.nix";
const hash = (letter: string) => `sha256-${letter.repeat(43)}=`;
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "${hash(letter)}";\n  };\n}\n`;

beforeEach(async () => {
  made = makeRepository({ [path]: nix("1.0", "A") });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  pull = fake.openPull({ head: made.commit({ [path]: nix("1.1", "E") }, "frob: 1.0 -> 1.1") });
  report = join(made.folder(), "report.json");
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

const bot = actionsBot({ contents: "read", checks: "write", pull_requests: "write" });

/** Analyzes the merge of the pull request, as the runner checks it out. */
function analyze(inputs: Record<string, string> = {}): Promise<ActionRun> {
  made.git("checkout", "--quiet", "--detach", "main");
  made.git("merge", "--quiet", "--no-ff", "--no-edit", pull.head.sha);
  return runAction({
    inputs: { mode: "analyze", verify: "never", report, ...inputs },
    event: "pull_request",
    payload: { pull_request: fake.pullData(pull) },
    apiUrl: fake.url,
    workspace: made.directory,
  });
}

function publish(run: object = {}): Promise<ActionRun> {
  const head_repository = { id: pull.head.repositoryId, owner: { login: pull.head.owner } };
  const workflow_run = {
    event: "pull_request",
    conclusion: "success",
    head_sha: pull.head.sha,
    head_branch: pull.head.ref,
    head_repository,
    // Empty, as for all forks.
    pull_requests: [],
    ...run,
  };
  return runAction({
    inputs: { mode: "publish", token: fake.token(bot), report },
    event: "workflow_run",
    payload: { workflow_run },
    apiUrl: fake.url,
  });
}

/** The report with a verdict about the changed pin. */
function addVerdict(outcome: string, got: string | null): void {
  const review = JSON.parse(readFileSync(report, "utf8")) as { verdicts: object[] };
  review.verdicts = [
    {
      name: "frob-1.1.tar.gz",
      drvPath: "/nix/store/x.drv",
      attrs: ["frob"],
      declared: hash("E"),
      got,
      outcome,
      reason: "@NixOS/security told so",
      introduced: true,
      urls: [],
      seconds: 1,
    },
  ];
  writeFileSync(report, JSON.stringify(review));
}

test("analyze leaves a report of the head, without a request to GitHub, and refuses a token", async () => {
  const run = await analyze();
  expect(run).toMatchObject({ status: 0, stderr: "" });
  const review = reviewSchema.parse(JSON.parse(readFileSync(report, "utf8")));
  expect(review.head).toBe(pull.head.sha);
  expect(review.sources.length).toBe(1);
  expect(fake.requests).toEqual([]);
  expect(run.summary).toContain("1 source pin changed");
  expect(await analyze({ token: "secret-canary" })).toMatchObject({
    status: 1,
    stdout: expect.stringContaining("::error::mode analyze"),
  });
});

test("publish takes a match for a changed pin, and says on whose word", async () => {
  await analyze();
  addVerdict("match", null);
  const run = await publish();
  expect(run).toMatchObject({ status: 0, outputs: { conclusion: "success" } });
  expect(fake.checkRuns).toMatchObject([{ head_sha: pull.head.sha, conclusion: "success" }]);
  expect(fake.checkRuns[0]?.output.summary).toMatch(
    /^What was fetched again is told by a run of this pull request's own/,
  );
  expect(fake.checkRuns[0]?.output.summary).not.toMatch(/(?<!`)@NixOS/);
  expect(fake.requests.length).toBeLessThanOrEqual(8);
});

test("a mismatch fails the check, on the pin", async () => {
  await analyze();
  addVerdict("mismatch", hash("I"));
  await publish();
  expect(fake.checkRuns).toMatchObject([{ conclusion: "failure" }]);
  expect(fake.checkRuns[0]?.annotations).toMatchObject([{ path, title: "fod-refetch-mismatch (block)" }]);
  expect(fake.reviewComments.length).toBe(1);
  expect(fake.requests.length).toBeLessThanOrEqual(8);
});

test("a report that is missing, forged to be empty, or of another head is not green", async () => {
  await publish();
  expect(fake.checkRuns.at(-1)).toMatchObject({ conclusion: "action_required" });
  await analyze();
  fake.checkRuns.length = 0;
  await publish();
  expect(fake.checkRuns).toMatchObject([{ conclusion: "action_required" }]);
  expect(fake.checkRuns[0]?.output.summary).toContain("no verdict about this source pin was reported");
  writeFileSync(report, readFileSync(report, "utf8").replaceAll(pull.head.sha, "c".repeat(40)));
  fake.checkRuns.length = 0;
  await publish();
  expect(fake.checkRuns[0]?.output.summary).toContain("of another head");
});

test("only the open pull request with the run's own head is published on", async () => {
  await analyze();
  const other = fake.openPull({ head: "main", branch: "other" });
  const moved = await publish({ head_sha: "d".repeat(40) });
  expect(moved).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("::notice::no open pull request"),
  });
  await publish({ head_repository: { id: 1_234, owner: { login: pull.head.owner } } });
  await publish({ event: "push" });
  pull.state = "closed";
  await publish();
  expect([fake.checkRuns, other.head.ref]).toEqual([[], "other"]);
});

test("a GitHub that fails once when it is asked for the pull request is asked again", {
  timeout: 60_000,
}, async () => {
  await analyze();
  for (const fault of [badGateway(false), dropped(false), secondaryLimit()]) {
    for (const list of [fake.checkRuns, fake.requests]) list.length = 0;
    fake.failWhen = ({ index }) => (index === 1 ? fault : null);
    expect(await publish()).toMatchObject({ status: 0, outputs: { conclusion: "action_required" } });
    expect(fake.requests.slice(0, 2).map(({ operation }) => operation)).toEqual(
      Array.from({ length: 2 }, () => "GET /repos/{owner}/{repo}/pulls"),
    );
    expect(fake.checkRuns.length).toBe(1);
  }
});

test("the program needs nothing but its own folder, on each Node that is at hand", async () => {
  const folder = made.folder();
  cpSync(fileURLToPath(new URL("../../dist", import.meta.url)), join(folder, "dist"), { recursive: true });
  const second = process.env.VERIFOD_TEST_NODE;
  for (const node of [process.execPath, ...(second && existsSync(second) ? [second] : [])]) {
    fake.checkRuns.length = 0;
    const run = await runAction({
      inputs: { token: fake.token(bot) },
      event: "pull_request_target",
      payload: { pull_request: fake.pullData(pull) },
      apiUrl: fake.url,
      node,
      program: join(folder, "dist/action.mjs"),
    });
    expect(run).toMatchObject({ status: 0, stderr: "", outputs: { conclusion: "success" } });
  }
});
