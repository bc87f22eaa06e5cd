/** When V8 optimizes WebAssembly: https://v8.dev/docs/wasm-compilation-pipeline */
import { setFlagsFromString } from "node:v8";
import { isMainThread } from "node:worker_threads";

/**
 * Makes only long runs pay for it. A program does not end before what V8 has begun to optimize is done, which is seconds of a
 * processor for a large module; by default that begins after some 1.8 million bytes of code have run.
 * To be called before the module is compiled.
 */
export function optimizeLater(): void {
  setShortRun("--wasm-tiering-budget=100000000");
}

/**
 * Makes code that has not yet run stay as it is in this process: for a module that takes longer to optimize than any one run
 * would gain. V8 reads this when code first runs.
 */
export function optimizeNothingMore(): void {
  setShortRun("--no-wasm-tier-up");
  setShortRun("--no-wasm-dynamic-tiering");
}

/** Other threads are there for long runs. */
function setShortRun(flag: string): void {
  if (isMainThread) setFlagsFromString(flag);
}
