/** Whose a commit is, by a GitHub on loopback with real repositories: in how many requests, and when it does not answer. */
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  badGateway,
  dropped,
  type FakeGitHub,
  type Fault,
  primaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { addUpstream, type UpstreamRepository } from "../fake-github/upstreams.ts";
import { git, makeRepository, type TestRepository } from "../support/repository.ts";
import { HASHES, reviewAsking, said } from "../support/upstream-world.ts";

let acme: TestRepository;
let fake: FakeGitHub;
let upstream: UpstreamRepository;

beforeEach(async () => {
  acme = makeRepository({ "main.c": "1" });
  acme.git("tag", "--annotate", "--message", "1.4.0", "v1.4.0");
  acme.commit({ "main.c": "2" });
  acme.git("tag", "v1.5.0");
  fake = await startFakeGitHub({ repository: acme });
  upstream = addUpstream(fake, acme, { owner: "acme", name: "frob" });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  acme.remove();
});

/** A commit of a fork, whose objects GitHub keeps with those of the repository: it has no ref there. */
function commitOfFork(): string {
  const fork = acme.folder();
  git(fork, "clone", "--quiet", acme.directory, ".");
  git(fork, "commit", "--quiet", "--allow-empty", "--message", "anybody's");
  const id = git(fork, "rev-parse", "HEAD");
  acme.git("fetch", "--quiet", "--no-write-fetch-head", fork, id);
  return id;
}

const before = { version: "1.4.0" };
const atCommit = (rev: string) => ({ version: "1.5.0-unstable-2026-03-01", rev, hash: HASHES[1] });

test("a bump from tag to tag: one request says all, and a second review costs one more", async () => {
  const after = { version: "1.5.0", hash: HASHES[1] };
  const reviewed = await reviewAsking(fake, before, after);
  expect(reviewed.complete).toBe(true);
  expect(said(reviewed)).toEqual([]);
  expect(reviewed.provenance).toEqual({ requests: 1, unanswered: [] });
  expect(reviewed.sources[0]?.upstream).toEqual({
    project: "github.com/acme/frob",
    commit: acme.git("rev-parse", "v1.5.0"),
    published: "2024-01-01T00:00:00.000Z",
    publisher: null,
    compare: "https://github.com/acme/frob/compare/v1.4.0...v1.5.0",
    unknown: [],
  });
  expect(fake.requests.length).toBe(1);
  await reviewAsking(fake, before, after);
  expect(fake.requests.length).toBe(2);
});

describe("whose a commit is", () => {
  test("the default branch leads to it: one request", async () => {
    const reviewed = await reviewAsking(fake, before, atCommit(acme.git("rev-parse", "main~0")));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(true);
    expect(fake.requests.length).toBe(1);
  });

  test.each([
    ["is the tip of a branch", "branch", 0, 2],
    ["is the tip of a tag", "tag", 0, 2],
    ["is below the tip of a branch", "branch", 1, 3],
    ["is below an annotated tag", "tag", 1, 3],
  ] as const)("it %s: not an impostor, and in few requests", async (_, kind, below, requests) => {
    acme.git("checkout", "--quiet", "--detach");
    acme.commit({ "side.c": "1" });
    acme.commit({ "side.c": "2" });
    if (kind === "branch") acme.git("branch", "release");
    else acme.git("tag", "--annotate", "--message", "t", "side");
    const id = acme.git("rev-parse", `HEAD~${below}`);
    acme.git("checkout", "--quiet", "main");
    const reviewed = await reviewAsking(fake, before, atCommit(id));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(true);
    expect(fake.requests.length).toBe(requests);
  });

  test("a commit that only a fork has: an impostor, within six requests", async () => {
    const reviewed = await reviewAsking(fake, before, atCommit(commitOfFork()));
    expect(said(reviewed)).toEqual(["impostor-commit: block"]);
    expect(reviewed.findings[0]?.evidence).toContain("forge");
    expect(fake.requests.length).toBeLessThanOrEqual(6);
  });

  test.each([
    ["OPEN", "high"],
    ["CLOSED", "high"],
    ["MERGED", "medium"],
  ])("one that a pull request brought (%s): %s", async (state, severity) => {
    const id = commitOfFork();
    upstream.pulls.push({ number: 7, state, commits: [id] });
    expect(said(await reviewAsking(fake, before, atCommit(id)))).toEqual([`impostor-commit: ${severity}`]);
  });

  test("a commit of a repository with one branch and no tag is decided without comparing more", async () => {
    for (const tag of ["v1.4.0", "v1.5.0"]) acme.git("tag", "--delete", tag);
    expect(said(await reviewAsking(fake, null, atCommit(commitOfFork())))).toContain(
      "impostor-commit: block",
    );
    expect(fake.requests.length).toBe(2);
  });

  test("more branches than are looked at: undecided, never cleared", async () => {
    const tree = acme.git("rev-parse", "HEAD^{tree}");
    const other = acme.git("commit-tree", tree, "-m", "of its own");
    const updates = Array.from({ length: 260 }, (_, i) => `create refs/heads/b${i} ${other}\n`).join("");
    execFileSync("git", ["update-ref", "--stdin"], { cwd: acme.directory, input: updates });
    const reviewed = await reviewAsking(fake, before, atCommit(commitOfFork()));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(false);
    expect(reviewed.unchecked[0]?.reason).toMatch(/impostor-commit: .*only some were looked at/);
    expect(fake.requests.length).toBeLessThanOrEqual(6);
  });

  test("a branch on a later page of many is found", async () => {
    const id = commitOfFork();
    const child = acme.git("commit-tree", `${id}^{tree}`, "-p", id, "-m", "on top");
    const names = Array.from({ length: 120 }, (_, i) => `refs/heads/a${i}`);
    for (const name of names) acme.git("update-ref", name, "main");
    acme.git("update-ref", "refs/heads/z", child);
    const reviewed = await reviewAsking(fake, before, atCommit(id));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(true);
  });
});

describe("when GitHub does not answer", () => {
  const limited = primaryLimit(4_000_000_000);
  test.each<[string, Fault, string]>([
    ["a rate limit", limited, "the rate limit of GitHub is reached"],
    ["a server error, twice", badGateway(false), "status 502"],
    ["dropped connections", dropped(false), "could not be asked"],
  ])("%s from the first request on: undecided", async (_, fault, reason) => {
    fake.failWhen = () => fault;
    const reviewed = await reviewAsking(fake, before, atCommit(commitOfFork()));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(false);
    expect(reviewed.unchecked.map(({ reason }) => reason).join()).toContain("impostor-commit");
    expect(reviewed.provenance?.unanswered.map(({ reason }) => reason).join()).toContain(reason);
  });

  test.each([2, 3])("a rate limit in the middle, at request %i: undecided", async (at) => {
    const id = commitOfFork();
    fake.failWhen = ({ index }) => (index === at ? limited : null);
    const reviewed = await reviewAsking(fake, before, atCommit(id));
    expect(said(reviewed)).toEqual([]);
    expect(reviewed.complete).toBe(false);
  });

  test("one server error is no reason to give up", async () => {
    fake.failWhen = ({ index }) => (index === 1 ? badGateway(false) : null);
    const reviewed = await reviewAsking(fake, before, atCommit(commitOfFork()));
    expect(said(reviewed)).toEqual(["impostor-commit: block"]);
  });

  test("a bump that needs no answer stays complete, and says what could not be asked", async () => {
    fake.failWhen = () => limited;
    const reviewed = await reviewAsking(fake, before, { version: "1.5.0", hash: HASHES[1] });
    expect(reviewed.complete).toBe(true);
    expect(reviewed.provenance?.unanswered.length).toBeGreaterThan(0);
    expect(reviewed.sources[0]?.upstream?.unknown.join()).toContain("rate limit");
  });

  test("a budget that is used up is said", async () => {
    const reviewed = await reviewAsking(fake, before, atCommit(commitOfFork()), { requests: 1 });
    expect(reviewed.unchecked.map(({ reason }) => reason).join()).toContain("1 requests for one review");
    expect(fake.requests.length).toBe(1);
  });
});
