// Publishing under random kills and faults:
// `npm run fuzz:publish -- [--schedules 2000] [--kills 100] [--from 1] [--at-once 6]`.
// Each schedule is made from its own number, so that a failure is seen again, and made as short as it can be, with
// `--schedules 1 --kills 0 --from NUMBER`.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import type fc from "fast-check";
import { messageOf } from "../src/errors.ts";
import { kills, play, playKill, playSeeds, schedules } from "../test/support/publish-schedules.ts";
import { foundOn, HEADS, openStage } from "../test/support/publish-stage.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "2000" },
    kills: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    "at-once": { type: "string", default: "6" },
  },
});
const from = Number(values.from);
const atOnce = Number(values["at-once"]);
const started = performance.now();
const stage = await openStage();
let failures = 0;
try {
  assert.deepEqual(foundOn(stage), HEADS);
  await repeat("schedules", Number(values.schedules), schedules, (schedule) => play(stage, schedule));
  await repeat("kill -9", Number(values.kills), kills, async (kill) => {
    await playKill(stage, kill);
  });
} finally {
  stage.remove();
}
process.exitCode = failures === 0 ? 0 : 1;

async function repeat<T>(
  what: string,
  count: number,
  arbitrary: fc.Arbitrary<T>,
  act: (value: T) => Promise<void>,
): Promise<void> {
  if (count === 0) return;
  const broken = await playSeeds(arbitrary, { from, count, atOnce, go: true }, act);
  for (const { seed, error } of broken)
    console.log(`${what}: seed ${seed} broke a promise: ${messageOf(error)}`);
  failures += broken.length;
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(
    `${what}: seeds ${from} to ${from + count - 1}, ${broken.length} broke a promise (${seconds} s)`,
  );
}
