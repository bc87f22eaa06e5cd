/** The built action killed as a runner may be: what it leaves behind is finished by the next run, and nothing is done twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { playKill } from "../support/publish-schedules.ts";
import { openStage, type Stage } from "../support/publish-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 240_000);
afterAll(() => stage.remove());

test("kill -9 at every request of the built action before it took place, and at every write after", {
  timeout: 240_000,
}, async () => {
  const oneFinding = 1;
  let writes = 0;
  for (let at = 1; at <= 8; at += 1) {
    const wasWrite = await playKill(stage, { head: oneFinding, at, applied: false });
    // A read leaves the same behind, whether it took place or not.
    if (!wasWrite) continue;
    writes += 1;
    await playKill(stage, { head: oneFinding, at, applied: true });
  }
  // The check run, its result, and the comment.
  expect(writes).toBe(3);
});
