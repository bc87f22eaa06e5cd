/** What a program takes: time, and the memory of it and of what it starts. Linux's /proc only. */
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Usage {
  readonly seconds: number;
  /** Seconds of a processor that the program itself took. */
  readonly processor: number;
  /** The most that the program and all that it started took together. */
  readonly megabytes: number;
  /** What they took when the watching began. */
  readonly before: number;
}

/** Before anything was watched. */
export const NO_USAGE: Usage = { seconds: 0, processor: 0, megabytes: 0, before: 0 };

/** Watches a process from now on; the function that it gives ends that, and says what was seen. */
export function watch(child: ChildProcess): () => Usage {
  const started = performance.now();
  const { pid = 0 } = child;
  const before = treeOf(pid).reduce((sum, each) => sum + kilobytesOf(each, "VmRSS"), 0);
  const processorBefore = processorOf(pid);
  let processor = processorBefore;
  let peak = 0;
  const look = (): void => {
    // Each with its own peak: what lies between two looks is not missed, and the sum is never too small.
    const now = treeOf(pid).reduce((sum, each) => sum + kilobytesOf(each, "VmHWM"), 0);
    peak = Math.max(peak, now);
    processor = Math.max(processor, processorOf(pid));
  };
  look();
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    look();
    return {
      seconds: (performance.now() - started) / 1_000,
      processor: processor - processorBefore,
      megabytes: peak / 1_024,
      before: before / 1_024,
    };
  };
}

/** https://www.kernel.org/doc/html/latest/filesystems/proc.html#process-specific-subdirectories */
function kilobytesOf(pid: number, field: "VmHWM" | "VmRSS"): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** In seconds, of 100 ticks each: https://www.kernel.org/doc/html/latest/filesystems/proc.html#id10 */
function processorOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

/** A process and those that it started, and so on; one that is not yet another program is still its parent. */
function treeOf(pid: number): number[] {
  const started = childrenOf(pid).filter((each) => programOf(each) !== programOf(pid));
  return [pid, ...started.flatMap(treeOf)];
}

/** Those that any of its threads started. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).trim().split(" ").filter(Boolean).map(Number),
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}
