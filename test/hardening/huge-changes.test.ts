/** The built program on changes of a size that no people make, with the memory that a machine of 512 MB gives to Node. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { makeHuge, NEEDLE, type Shape } from "../support/huge-repository.ts";
import { type Usage, watch } from "../support/measure.ts";

const NODE_OPTIONS = "--max-old-space-size=320";

// Sizes that pass each limit by little: `npm run bench:nasty` measures more.
test.each<{ shape: Shape; scale: number; open: RegExp | null }>([
  { shape: "wide", scale: 0.01, open: null },
  { shape: "deep", scale: 1, open: null },
  { shape: "blobs", scale: 0.11, open: /more than the 20 MB that are read/ },
  { shape: "texts", scale: 0.15, open: /50 MB that are read of one change|more than 1 million lines/ },
  { shape: "rewritten", scale: 0.004, open: null },
  { shape: "pins", scale: 0.01, open: null },
])(
  "$shape: the swapped hash is found, and what was not read is said",
  { timeout: 120_000 },
  async ({ shape, scale, open }) => {
    const folder = mkdtempSync(join(tmpdir(), "verifod-huge-"));
    try {
      const directory = join(folder, "repository");
      const { base, head } = makeHuge(directory, shape, scale);
      const watching: (() => Usage)[] = [];
      const run = await verifod(["review", `${base}..${head}`, "--repo", directory, "--format", "json"], {
        env: { NODE_OPTIONS },
        onSpawn: (child) => watching.push(watch(child)),
      });
      for (const usage of watching.map((done) => done())) {
        expect(usage.megabytes).toBeLessThan(512);
        expect(usage.seconds).toBeLessThan(60);
      }
      expect([run.status, run.stderr]).toEqual([1, ""]);
      const review = JSON.parse(run.stdout) as Review;
      expect(review.findings.map(({ path }) => path)).toContain(NEEDLE);
      expect(review.complete).toBe(open === null);
      for (const { reason } of review.unchecked) expect(reason).toMatch(open ?? /nothing/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
