/** Publishing under random kills and faults: never green without a finished review, never on the wrong commit, nothing twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { play, playSeeds, schedules } from "../support/publish-schedules.ts";
import { foundOn, HEADS, openStage, type Stage } from "../support/publish-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 240_000);
afterAll(() => stage.remove());

test("in peace each head has what it deserves", () => {
  expect(foundOn(stage)).toEqual(HEADS);
});

test("any schedule of kills, faults and pushes ends as the newest head deserves", {
  timeout: 240_000,
}, async () => {
  const seeds = { from: 1, count: 25, atOnce: 6, go: false };
  expect(await playSeeds(schedules, seeds, (schedule) => play(stage, schedule))).toEqual([]);
});

test("a run that fails after another was killed between two batches of annotations", async () => {
  const sixty = { head: 3, late: false, faults: [], events: [] };
  for (const applied of [false, true]) {
    const killed = { ...sixty, kill: { at: "batch" as const, applied } };
    const fails = { ...sixty, faults: [{ at: 2, fault: "forbidden" }], kill: null };
    await play(stage, { steps: [killed, fails], last: 3 });
  }
});
