// Publishing under random kills and faults: `npm run fuzz:publish -- [--schedules 2000] [--kills 100] [--from 1]`.
// Each schedule is made from its own number, so that a failure is seen again with `--schedules 1 --from NUMBER`.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { kills, play, playKill, schedules } from "../test/support/publish-schedules.ts";
import { openStage } from "../test/support/publish-stage.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "2000" },
    kills: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
  },
});
const from = Number(values.from);
const started = performance.now();
const stage = await openStage();
try {
  await repeat("schedules", Number(values.schedules), schedules, (schedule) => play(stage, schedule));
  await repeat("kill -9", Number(values.kills), kills, (kill) => playKill(stage, kill));
} finally {
  stage.remove();
}

async function repeat<T>(
  what: string,
  count: number,
  arbitrary: fc.Arbitrary<T>,
  act: (value: T) => Promise<void>,
): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    await fc.assert(fc.asyncProperty(arbitrary, act), { numRuns: 1, seed });
    const done = seed - from + 1;
    if (done % 100 === 0 || done === count) {
      const seconds = ((performance.now() - started) / 1_000).toFixed(0);
      console.log(`${what}: seeds ${from} to ${seed}, none broke a promise (${seconds} s)`);
    }
  }
}
