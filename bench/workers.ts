// Pull requests reviewed by one, two and three workers, and by three that are killed at random and one of which hangs:
// `npm run bench:workers -- [--pulls 500] [--kills 40] [--seed 1]`. Fails when a result is not visible exactly once.
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { play, type Trial } from "../test/support/workers-trial.ts";

const { values } = parseArgs({
  options: {
    pulls: { type: "string", default: "500" },
    kills: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    stall: { type: "string", default: "40000" },
    /** Only the last row. */
    proof: { type: "boolean", default: false },
  },
});
const pulls = Number(values.pulls);
const seed = Number(values.seed);
const plain = [1, 2, 3].map((workers) => ({ pulls, workers, kills: 0, seed, stallMs: 0 }));
// Longer than a worker may not be heard of.
const proof = { pulls, workers: 3, kills: Number(values.kills), seed, stallMs: Number(values.stall) };
const trials: readonly Trial[] = values.proof ? [proof] : [...plain, proof];

for (const trial of trials) {
  const { seconds, killed, freed, faults } = await play(trial);
  const each = (seconds / trial.pulls) * 1_000;
  console.log(
    `${trial.workers} workers, ${trial.pulls} pull requests: ${seconds.toFixed(1)} s, ${(1_000 / each).toFixed(1)} a second; ${killed} workers killed, ${freed} jobs freed by those at the end; ${faults.length} results not visible exactly once`,
  );
  for (const fault of faults) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
console.log(
  `Node ${process.version}, ${availableParallelism()} processors, load ${(loadavg()[0] ?? 0).toFixed(1)}.`,
);
