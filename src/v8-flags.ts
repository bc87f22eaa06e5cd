/**
 * What V8 is told about this process: when it optimizes WebAssembly (https://v8.dev/docs/wasm-compilation-pipeline) and when
 * it collects garbage. Flags hold for all threads of a process: only the main thread, which knows what they are for, sets
 * them, or the one thread that does all of its work.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread, workerData } from "node:worker_threads";

/** What a thread is given that does all of its process's work. */
export const ALONE = "alone";

/**
 * Makes V8 optimize WebAssembly later, so that only long runs pay for it. A program does not end before V8 is done with what
 * it has begun to optimize, which is seconds of a processor for a large module; by default it begins after some 1.8 million
 * bytes of code have run. To be called before the module is compiled.
 */
export function optimizeLater(): void {
  set("--wasm-tiering-budget=100000000");
}

/**
 * Keeps V8 from optimizing WebAssembly that has not yet run in this process: for a module that takes longer to optimize than
 * any one run would gain. V8 reads this when code first runs.
 */
export function optimizeNothingMore(): void {
  set("--no-wasm-tier-up");
  set("--no-wasm-dynamic-tiering");
}

/** The V8 of Node 22; from here on, a compiler that takes little time comes first. */
const V8_WITH_MAGLEV = 12;

/**
 * Makes an older V8 compile a function only after four times the work: most of thousands of functions do too little in one
 * run for compiling to pay.
 */
export function compileLess(): void {
  if (Number.parseInt(process.versions.v8, 10) < V8_WITH_MAGLEV) set("--interrupt-budget=500000");
}

/**
 * Makes heaps grow by so many percent of what is in use before garbage is collected: less memory for more time. V8's own
 * choice is up to 300.
 */
export function growHeapBy(percent: number): void {
  set(`--heap-growing-percent=${percent}`);
}

let collect: (() => void) | undefined;

/**
 * Collects garbage now: for a thread that has made much of it and then waits. V8 itself collects when memory is asked for,
 * which such a thread may not do for long. https://nodejs.org/api/v8.html#v8setflagsfromstringflags
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
    setFlagsFromString("--no-expose-gc");
  }
  collect();
}

function set(flag: string): void {
  if (isMainThread || workerData === ALONE) setFlagsFromString(flag);
}
