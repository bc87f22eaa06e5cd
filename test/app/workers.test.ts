// Needs: postgresql
/** Several workers as their users run them: killed while they write. `npm run bench:workers` does it at full size. */
import { expect, test } from "vitest";
import { play } from "../support/workers-trial.ts";

test("three workers, killed at random: each pull request has one check run with its result, and no comment twice", async () => {
  const { faults, killed } = await play({ pulls: 24, workers: 3, kills: 4, seed: 8, stallMs: 0 });
  expect([faults, killed]).toEqual([[], 4]);
}, 180_000);
