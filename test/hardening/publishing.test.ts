/** Publishing under random kills and faults: never green without a finished review, never on the wrong commit, nothing twice. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { play, playKill, schedules } from "../support/publish-schedules.ts";
import { openStage, type Stage } from "../support/publish-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.remove());

test("the heads of the schedules are of every conclusion", () => {
  const conclusions = [...stage.expected.values()].map(({ conclusion }) => conclusion);
  expect(new Set(conclusions)).toEqual(new Set(["success", "failure", "action_required"]));
});

test("any schedule of kills, faults and pushes ends as the newest head deserves", {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(schedules, (schedule) => play(stage, schedule)),
    { numRuns: 25 },
  );
});

test("kill -9 at every request of the built action, before and after it took place", {
  timeout: 240_000,
}, async () => {
  const oneFinding = 1;
  for (let at = 1; at <= 8; at += 1) {
    for (const applied of [false, true]) await playKill(stage, { head: oneFinding, at, applied });
  }
});
