/** What a program takes: time, and the memory of it and of what it starts. Linux's /proc only. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Usage {
  readonly seconds: number;
  /** The peak of the program and that of the largest of its children, together. */
  readonly megabytes: number;
}

/** Watches a process from now on; the function that it gives ends that, and says what was seen. */
export function watch(child: ChildProcess): () => Usage {
  const started = performance.now();
  const peaks = new Map<number, number>();
  const { pid = 0 } = child;
  const look = (): void => {
    for (const each of [pid, ...childrenOf(pid)])
      peaks.set(each, Math.max(peaks.get(each) ?? 0, peakOf(each)));
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    const own = peaks.get(pid) ?? 0;
    const others = [...peaks].filter(([each]) => each !== pid).map(([, kilobytes]) => kilobytes);
    return {
      seconds: (performance.now() - started) / 1_000,
      megabytes: (own + Math.max(0, ...others)) / 1_024,
    };
  };
}

/** In kilobytes: https://www.kernel.org/doc/html/latest/filesystems/proc.html#process-specific-subdirectories */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}
