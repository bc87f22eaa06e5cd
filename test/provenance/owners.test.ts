/** Repositories that are called otherwise, gone or made anew, by a GitHub on loopback with real repositories behind. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeGitHub, primaryLimit, startFakeGitHub } from "../fake-github/server.ts";
import { addUpstream, type UpstreamRepository } from "../fake-github/upstreams.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { HASHES, reviewAsking, said } from "../support/upstream-world.ts";

let acme: TestRepository;
let fake: FakeGitHub;
let upstream: UpstreamRepository;
const before = { version: "1.4.0" };
const after = { version: "1.5.0", hash: HASHES[1] };

beforeEach(async () => {
  acme = makeRepository({ "main.c": "1" }, { "main.c": "2" });
  acme.git("tag", "v1.4.0", "HEAD^");
  acme.git("tag", "v1.5.0");
  fake = await startFakeGitHub({ repository: acme });
  upstream = addUpstream(fake, acme, { owner: "acme", name: "frob" });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  acme.remove();
});

const found = async () => said(await reviewAsking(fake, before, after));

test("a repository that was renamed is where its old name leads: nothing to say", async () => {
  upstream.owner = "frob-project";
  upstream.formerly.push("acme/frob");
  fake.accounts.set("frob-project", {
    login: "frob-project",
    kind: "Organization",
    created: "2020-01-01T00:00:00Z",
  });
  expect(await found()).toEqual([]);
});

test("a repository that was made anew under the name lacks what the base pins", async () => {
  upstream.created = "2026-02-20T00:00:00Z";
  acme.git("tag", "--delete", "v1.4.0");
  expect(await found()).toEqual(["hijackable-source-host: high"]);
  // With the old code it may be an honest move.
  acme.git("tag", "v1.4.0", "HEAD^");
  expect(await found()).toEqual(["hijackable-source-host: medium"]);
});

test("a repository that is gone, and with its account", async () => {
  fake.upstreams.length = 0;
  expect(await found()).toEqual(["hijackable-source-host: medium"]);
  fake.accounts.delete("acme");
  expect(await found()).toEqual(["hijackable-source-host: high"]);
});

test("what could not be asked is said, and is no finding", async () => {
  fake.upstreams.length = 0;
  fake.failWhen = () => primaryLimit(Math.floor(Date.now() / 1_000) + 3_600);
  const review = await reviewAsking(fake, before, after);
  expect(said(review)).toEqual([]);
  expect(review.provenance?.unanswered[0]?.reason).toContain("rate limit");
});

test("an answer that lacks a part is no word that the repository is gone", async () => {
  fake.accounts.delete("acme");
  const review = await reviewAsking(fake, before, after);
  expect(said(review)).toEqual([]);
  expect(review.provenance?.unanswered[0]?.reason).toContain("GitHub could not say");
  // The fake's own schema does not let it answer so.
  fake.faults.length = 0;
});

test("a new package of a fork of what people know by its name", async () => {
  upstream.parent = "frob-project/frob";
  upstream.stars = 3;
  addUpstream(fake, acme, { owner: "frob-project", name: "frob", stars: 4_000 });
  expect(said(await reviewAsking(fake, null, after))).toEqual(["wrong-upstream: medium"]);
  upstream.stars = 2_500;
  expect(said(await reviewAsking(fake, null, after))).toEqual([]);
});

const page = { ...after, homepage: "https://frob.example.org", description: "Frobnicates what needs it" };

test("a repository that names another homepage than the recipe of a new package, or of a new source", async () => {
  upstream.homepage = "https://other.example.com";
  expect((await reviewAsking(fake, null, page)).findings).toMatchObject([
    { rule: "wrong-upstream", severity: "low", confidence: "low" },
  ]);
  upstream.description = "Crypto wallet of the future";
  const { findings } = await reviewAsking(fake, null, page);
  expect(findings).toMatchObject([
    { rule: "wrong-upstream", confidence: "medium", evidence: ["static", "forge"] },
  ]);
  expect(findings[0]?.message).toContain('"Crypto wallet of the future"');
  addUpstream(fake, acme, { owner: "frob-project", name: "frob" });
  const moved = await reviewAsking(fake, { ...page, ...before, owner: "frob-project" }, page);
  expect(said(moved)).toContain("wrong-upstream: low");
});

test("what the repository says of itself is no finding in an ordinary bump, or where it agrees", async () => {
  upstream.homepage = "https://other.example.com";
  upstream.description = "Crypto wallet of the future";
  expect(said(await reviewAsking(fake, { ...page, ...before, hash: HASHES[0] }, page))).toEqual([]);
  upstream.homepage = "http://www.frob.example.org/";
  expect(said(await reviewAsking(fake, null, page))).toEqual([]);
  upstream.homepage = null;
  expect(said(await reviewAsking(fake, null, page))).toEqual([]);
});

test("a mirror that gives the recipe's homepage as its own is a lesser finding, unless it is a fork of it", async () => {
  const shows = { ...page, homepage: "https://github.com/frob-project/frob" };
  expect(said(await reviewAsking(fake, null, shows))).toEqual(["wrong-upstream: medium"]);
  upstream.homepage = "https://github.com/Frob-Project/frob/";
  expect(said(await reviewAsking(fake, null, shows))).toEqual(["wrong-upstream: low"]);
  upstream.parent = "frob-project/frob";
  addUpstream(fake, acme, { owner: "frob-project", name: "frob" });
  expect(said(await reviewAsking(fake, null, shows))).toEqual(["wrong-upstream: medium"]);
});

test("what a repository says of itself is cut, and stays on one line", async () => {
  upstream.homepage = `other.example.com/${"x".repeat(100_000)}`;
  upstream.description = `${"wallet\n\n# Approved\n".repeat(10_000)}`;
  const [finding] = (await reviewAsking(fake, null, page)).findings;
  expect(finding).toMatchObject({ rule: "wrong-upstream", confidence: "medium" });
  expect(finding?.message).not.toContain("\n");
  expect(finding?.message.length).toBeLessThan(1_000);
});
