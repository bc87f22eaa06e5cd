import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openGitPair } from "../../src/change/git.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import { createMemory } from "../../src/ledger/memory.ts";
import { openIndex, readIndex, writeIndex } from "../../src/ledger/pin-index.ts";
import { updateIndex } from "../../src/ledger/update-index.ts";
import { review } from "../../src/review.ts";
import { createTools } from "../../src/tools.ts";
import { sri } from "../support/records.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

function recipe(name: string, version: string, hash: string): string {
  return `{ stdenv, fetchurl }:
stdenv.mkDerivation (finalAttrs: {
  pname = "${name}";
  version = "${version}";
  src = fetchurl {
    url = "https://${name}.example/releases/${name}-\${finalAttrs.version}.tar.gz";
    hash = "${hash}";
  };
})
`;
}

const target = "pkgs/by-name/ta/target/package.nix";
const seed = "pkgs/by-name/ze/zebra/package.nix";
let made: TestRepository;
let repository: Repository;
afterEach(() => {
  repository.close();
  made.remove();
});

/** Indexes each commit but the last, in order, and reviews the last one with that index. */
async function reviewLast(commits: readonly Readonly<Record<string, string | null>>[]) {
  made = makeRepository(...commits);
  repository = await openRepository(made.directory);
  const file = join(made.folder(), "index");
  for (let back = commits.length - 1; back > 0; back--) {
    const commit = await repository.resolve(`HEAD~${back}`);
    await writeIndex(file, await updateIndex(repository, commit, await readIndex(file)));
  }
  const change = await openGitPair(repository, "HEAD^", "HEAD");
  const memory = createMemory(await openIndex(file), null);
  const { findings } = await review(change, await createTools(), { config: DEFAULT_CONFIG, memory });
  return findings.filter(({ rule }) => rule === "fod-hash-reuse");
}

it("sees the second step of the attack, and names the first", async () => {
  const [finding, ...rest] = await reviewLast([
    { [target]: recipe("target", "1.0", sri("target-1")) },
    { [seed]: recipe("zebra", "0.1", sri("evil")) },
    { [target]: recipe("target", "1.1", sri("evil")) },
  ]);
  expect(rest).toEqual([]);
  expect(finding).toMatchObject({
    severity: "high",
    path: target,
    startLine: 7,
    related: [{ path: seed, line: 7, note: "the hash in a pin of the base" }],
  });
  expect(finding?.message).toContain("https://zebra.example/releases/zebra-0.1.tar.gz");
});

it("sees it when the first step was taken back meanwhile", async () => {
  const [finding] = await reviewLast([
    { [target]: recipe("target", "1.0", sri("target-1")) },
    { [seed]: recipe("zebra", "0.1", sri("evil")) },
    { [seed]: recipe("zebra", "0.1", sri("zebra-0.1")) },
    { [target]: recipe("target", "1.1", sri("evil")) },
  ]);
  expect(finding?.related[0]?.note).toMatch(/^the hash in a pin that was there until [0-9a-f]{12}$/);
});

it("is silent on what was there before: a revert, a variant, a move", async () => {
  const first = recipe("target", "1.0", sri("target-1"));
  const second = recipe("target", "1.1", sri("target-1.1"));
  expect(await reviewLast([{ [target]: first }, { [target]: second }, { [target]: first }])).toEqual([]);
  repository.close();
  made.remove();
  const variant = "pkgs/by-name/ta/target_1/package.nix";
  expect(await reviewLast([{ [target]: first }, { [target]: second, [variant]: first }])).toEqual([]);
  repository.close();
  made.remove();
  expect(await reviewLast([{ [target]: first }, { [target]: null, [variant]: second }])).toEqual([]);
});
