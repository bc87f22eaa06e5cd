/** The built action killed as a runner may be: what it leaves behind is finished by the next run, and nothing is done twice. */
import { afterAll, beforeAll, test } from "vitest";
import { playKill } from "../support/publish-schedules.ts";
import { openStage, type Stage } from "../support/publish-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 240_000);
afterAll(() => stage.remove());

test("kill -9 at every request of the built action, before and after it took place", {
  timeout: 240_000,
}, async () => {
  const oneFinding = 1;
  for (let at = 1; at <= 8; at += 1) {
    for (const applied of [false, true]) await playKill(stage, { head: oneFinding, at, applied });
  }
});
