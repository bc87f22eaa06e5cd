/**
 * Fuzzing: random inputs to all that reads what strangers write. Every input is made from the seed, the target's name and
 * its number, so that it can be made again.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { codeTargets } from "./code-targets.ts";
import { randomOf } from "./random.ts";
import type { Target } from "./target.ts";
import { textTargets } from "./text-targets.ts";

export const targets: readonly Target[] = [...codeTargets, ...textTargets];

/** The input with a number. */
export function inputOf(target: Target, seed: string, index: number): string {
  return target.generate(randomOf(`${seed}/${target.name}/${index}`));
}

/** What is known of a target so far. */
interface Progress {
  done: number;
  seconds: number;
  slowestMs: number;
  slowest: number;
  failures: { readonly index: number; readonly message: string }[];
  /** In megabytes, after the first thousand executions and now. */
  memory: [number, number];
}

interface State {
  readonly seed: string;
  readonly targets: Record<string, Progress>;
}

setFlagsFromString("--expose-gc");
/** A context made now has the function that the flag gives. */
const collectGarbage = runInNewContext("gc") as () => void;

const LONGEST_MS = 5_000;
/** Of what is in use: what Node keeps free besides is its choice, and several times as much. */
const MOST_GROWTH_MB = 200;
const MOST_FAILURES = 20;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      executions: { type: "string", default: "100000" },
      minutes: { type: "string", default: "10" },
      target: { type: "string", multiple: true },
      state: { type: "string" },
    },
  });
  const state = readState(values.state, values.seed);
  const deadline = performance.now() + Number(values.minutes) * 60_000;
  const wanted = targets.filter(({ name }) => !values.target || values.target.includes(name));
  const share = wanted.reduce((total, target) => total + target.share, 0);
  const watchdog = startWatchdog();
  for (const target of wanted) {
    const count = Math.ceil((Number(values.executions) * target.share) / share);
    await run(target, state, count, deadline, watchdog, () => writeState(values.state, state));
    target.close?.();
  }
  await watchdog.end();
  report(state);
  return Object.values(state.targets).some(({ failures }) => failures.length > 0) ? 1 : 0;
}

async function run(
  target: Target,
  { seed, targets: known }: State,
  count: number,
  deadline: number,
  watchdog: Watchdog,
  save: () => void,
): Promise<void> {
  const progress = known[target.name] ?? {
    done: 0,
    seconds: 0,
    slowestMs: 0,
    slowest: 0,
    failures: [],
    memory: [0, 0] as [number, number],
  };
  known[target.name] = progress;
  for (let index = progress.done; index < count && performance.now() < deadline; index++) {
    const input = inputOf(target, seed, index);
    watchdog.next(`${target.name} ${index} of seed ${seed}`);
    const started = performance.now();
    const failure = await failureOf(target, input);
    const ms = performance.now() - started;
    progress.done = index + 1;
    progress.seconds += ms / 1_000;
    if (ms > progress.slowestMs) [progress.slowestMs, progress.slowest] = [ms, index];
    const message = failure ?? (ms > LONGEST_MS ? `took ${Math.round(ms)} ms` : null);
    if (message !== null) {
      progress.failures.push({ index, message });
      console.error(`${target.name} ${index}: ${message.slice(0, 500)}`);
      if (progress.failures.length >= MOST_FAILURES) break;
    }
    if (index % 1_000 === 999) {
      const megabytes = usedMegabytes();
      progress.memory = [progress.memory[0] || megabytes, megabytes];
      save();
    }
  }
  const [before, after] = progress.memory;
  if (after - before > MOST_GROWTH_MB) {
    progress.failures.push({ index: progress.done, message: `memory grew from ${before} to ${after} MB` });
  }
  save();
}

/** What objects and buffers take when all garbage is collected. */
function usedMegabytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** Why an input is not taken as it should be; null when it is. */
export async function failureOf(target: Target, input: string): Promise<string | null> {
  try {
    await target.check(input);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function readState(file: string | undefined, seed: string): State {
  if (file === undefined || !existsSync(file)) return { seed, targets: {} };
  const state = JSON.parse(readFileSync(file, "utf8")) as State;
  if (state.seed !== seed) throw new Error(`${file} is of the seed ${state.seed}: give --seed ${state.seed}`);
  return state;
}

function writeState(file: string | undefined, state: State): void {
  if (file === undefined) return;
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2));
  renameSync(`${file}.new`, file);
}

function report({ seed, targets: known }: State): void {
  console.log(
    `seed ${seed}\n| target | executions | seconds | each second | slowest (ms) | memory (MB) | failures |`,
  );
  console.log("|---|---:|---:|---:|---:|---:|---:|");
  for (const [name, { done, seconds, slowestMs, memory, failures }] of Object.entries(known)) {
    const cells = [name, done, seconds.toFixed(0), Math.round(done / seconds), slowestMs.toFixed(0)];
    console.log(`| ${[...cells, memory.map(Math.round).join(" → "), failures.length].join(" | ")} |`);
  }
  const total = Object.values(known).reduce((sum, { done }) => sum + done, 0);
  console.log(`${total} executions`);
}

interface Watchdog {
  next(what: string): void;
  end(): Promise<unknown>;
}

/** Ends the process when one execution hangs, and says which: nothing else here runs then. */
function startWatchdog(): Watchdog {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     let what = "", since = Date.now();
     parentPort.on("message", (next) => { what = next; since = Date.now(); });
     setInterval(() => {
       if (Date.now() - since < 60_000) return;
       require("node:fs").writeSync(2, "hangs: " + what + "\\n");
       process.kill(process.pid, "SIGKILL");
     }, 1_000);`,
    { eval: true },
  );
  let told = 0;
  return {
    next(what) {
      const now = performance.now();
      // Not each one: most take less time than the message.
      if (now - told < 500) return;
      told = now;
      worker.postMessage(what);
    },
    end: () => worker.terminate(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
