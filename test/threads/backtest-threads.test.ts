import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommitPair } from "../../src/change/history.ts";
import type { Review } from "../../src/report/review.ts";
import { type BacktestThreadOptions, reviewPairs } from "../../src/threads/backtest-threads.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const program = new URL("../../dist/backtest-thread.mjs", import.meta.url);
const COMMITS = 40;

let repository: TestRepository;
let history: CommitPair[];
/** A commit that takes the parser to its limit of two seconds. */
let slow: CommitPair;
/** A commit whose review takes much memory. */
let heavy: CommitPair;

beforeAll(() => {
  const versions = Array.from({ length: COMMITS }, (_, index) => ({
    "pkgs/a/default.nix": recipe("a", index),
    [`pkgs/${index}/default.nix`]: recipe(`p${index}`, index),
  }));
  repository = makeRepository(...versions);
  const ids = repository.git("rev-list", "--reverse", "HEAD").split("\n");
  history = ids.slice(1).map((head, index) => ({ base: ids[index] ?? "", head }));
  const after = (files: Record<string, string>): CommitPair => {
    const base = repository.git("rev-parse", "HEAD");
    return { base, head: repository.commit(files) };
  };
  slow = after({ "bomb.nix": `{ x = ${"a.".repeat(50_000)}b\n` });
  heavy = after({ "heavy.txt": "ab\n".repeat(990_000) });
});
afterAll(() => repository.remove());

function recipe(name: string, version: number): string {
  const hash = Buffer.alloc(32, `${name}${version}`).toString("base64");
  return `{ stdenv, fetchurl }: stdenv.mkDerivation rec {
  pname = "${name}"; version = "1.${version}";
  src = fetchurl { url = "https://example.org/\${pname}-\${version}.tar.gz"; hash = "sha256-${hash}"; };
}
`;
}

async function reviews(
  pairs: Iterable<CommitPair>,
  options: Partial<BacktestThreadOptions> = {},
): Promise<Review[]> {
  const results: Review[] = [];
  const settings = { repository: repository.directory, configFile: null, program, ...options };
  for await (const { result, bug } of reviewPairs(pairs, settings)) {
    expect(bug).toBeNull();
    results.push(result);
  }
  return results;
}

/** All of a review but the time that it took. */
const timeless = ({ stats, ...review }: Review) => JSON.stringify({ ...review, files: stats.files });

describe("reviewPairs", () => {
  it("gives the reviews in the order of the pairs, the same whatever the number of threads", async () => {
    const one = await reviews(history, { workers: 1 });
    const three = await reviews(history, { workers: 3 });
    expect(one.map(({ head }) => head)).toEqual(history.map(({ head }) => head));
    expect(one.every(({ complete, sources }) => complete && sources.length === 2)).toBe(true);
    expect(three.map(timeless)).toEqual(one.map(timeless));
  });

  it("ends a review that takes too long, and goes on with the next", async () => {
    const [first, second, third] = history;
    const pairs = [first, slow, second, third].filter((pair) => pair !== undefined);
    // Of the slow one, the parser alone takes the 2.2 s that it has.
    const results = await reviews(pairs, { workers: 1, limitMs: 2_000 });
    expect(results.map(({ complete }) => complete)).toEqual([true, false, true, true]);
    expect(results[1]).toMatchObject({
      base: slow.base,
      head: slow.head,
      unchecked: [{ what: slow.head, reason: "the review took longer than 2 s" }],
    });
  });

  it("goes on after a review that takes its thread down", async () => {
    const [first, second] = history;
    const pairs = [first, heavy, second].filter((pair) => pair !== undefined);
    const results = await reviews(pairs, { workers: 1, memoryMb: 24 });
    expect(results.map(({ complete }) => complete)).toEqual([true, false, true]);
    expect(results[1]?.unchecked[0]?.reason).toMatch(/^the review ended early: .*memory/);
  });

  it("says of each pair that its thread cannot start", async () => {
    const folder = repository.folder();
    const results = await reviews(history.slice(0, 2), { repository: folder });
    expect(results.map(({ unchecked }) => unchecked[0]?.reason)).toEqual(
      Array(2).fill(expect.stringContaining(`${folder} is not a git repository`)),
    );
  });

  it("takes no more pairs than there is room for, and ends its threads when the caller stops", async () => {
    let taken = 0;
    function* endless(): Generator<CommitPair> {
      for (;;) {
        const pair = history[taken++ % history.length];
        if (pair) yield pair;
      }
    }
    let given = 0;
    const settings = { repository: repository.directory, configFile: null, program, workers: 2 };
    for await (const { result } of reviewPairs(endless(), settings)) {
      expect(result.complete).toBe(true);
      if (++given === 30) break;
    }
    expect(taken).toBeLessThan(600);
  });
});
