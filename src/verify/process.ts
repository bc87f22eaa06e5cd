/** Runs a program that must not outlive us, in its own process group, with limits on time, memory and output. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

export interface RunOptions {
  /** The whole environment: nothing of ours is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly seconds: number;
  /** Address space of each process, in bytes. */
  readonly memory?: number;
  /** The largest file that it may write, in bytes. */
  readonly fileSize?: number;
  /** Bytes of standard output and of standard error that are kept; what is beyond is dropped. */
  readonly keep?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with each line of standard error, cut at `LINE_LIMIT`; standard error is then not kept. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it printed more than is kept. */
  readonly isCut: boolean;
  /** Why we ended it ourselves; null when it ended of itself. */
  readonly ended: "time" | "aborted" | null;
}

/** How long a program and its builders have to stop in good order before they are killed. */
const GRACE_MILLISECONDS = 3_000;
const KEEP = 4 * 1024 * 1024;
const LINE_LIMIT = 64 * 1024;

/** Runs a program to its end. Throws when it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const keep = options.keep ?? KEEP;
  // `ulimit` of the shell: in every POSIX system, unlike prlimit. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
  const limits = ["ulimit -c 0"];
  if (options.memory) limits.push(`ulimit -v ${Math.floor(options.memory / 1024)} 2>/dev/null`);
  if (options.fileSize) limits.push(`ulimit -f ${Math.ceil(options.fileSize / 512)}`);
  const script = `${limits.join("; ")}; exec "$@"`;
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", script, "sh", command, ...args], {
      cwd: options.cwd,
      env: { ...options.env },
      // In a group of its own: Ctrl-C on the terminal then reaches only us, and we end the group in good order.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let ended: RunResult["ended"] = null;
    let killer: NodeJS.Timeout | undefined;
    const end = (why: "time" | "aborted") => {
      if (ended !== null || child.pid === undefined) return;
      ended = why;
      const { pid } = child;
      signalGroup(pid, "SIGTERM");
      killer = setTimeout(() => {
        killTree(pid);
        // What left the tree unseen may hold these, and would be waited for.
        child.stdout.destroy();
        child.stderr.destroy();
      }, GRACE_MILLISECONDS);
    };
    const timer = setTimeout(() => end("time"), options.seconds * 1000);
    const abort = () => end("aborted");
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted) abort();

    const stdout = collect(child.stdout, keep);
    const stderr = options.onLine ? null : collect(child.stderr, keep);
    if (options.onLine) forEachLine(child.stderr, options.onLine);
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(killer);
      options.signal?.removeEventListener("abort", abort);
    };
    child.on("error", (error) => {
      finish();
      reject(error);
    });
    child.on("close", (status) => {
      finish();
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
      const isCut = stdout.isCut() || (stderr?.isCut() ?? false);
      resolve({ status, stdout: stdout.text(), stderr: stderr?.text() ?? "", isCut, ended });
    });
  });
}

function collect(stream: NodeJS.ReadableStream, keep: number): { text(): string; isCut(): boolean } {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    if (size < keep) chunks.push(chunk.subarray(0, keep - size));
    size += chunk.length;
  });
  return { text: () => Buffer.concat(chunks).toString("utf8"), isCut: () => size > keep };
}

/** Calls `onLine` with each line, cut at `LINE_LIMIT`; no more is kept of an endless line. */
function forEachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let line = "";
  stream.on("data", (chunk: Buffer) => {
    for (const [index, piece] of decoder.write(chunk).split("\n").entries()) {
      if (index > 0) {
        onLine(line);
        line = "";
      }
      line += piece.slice(0, LINE_LIMIT - line.length);
    }
  });
  stream.on("end", () => {
    if (line !== "") onLine(line);
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Kills a process, its group and all its descendants: builders have sessions of their own. Linux's /proc only. */
function killTree(pid: number): void {
  for (const descendant of [...descendants(pid), pid]) {
    try {
      process.kill(descendant, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
  signalGroup(pid, "SIGKILL");
}

function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of processIds()) {
    const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readProc(pid, "stat"))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const pending = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const below = children.get(next) ?? [];
    found.push(...below);
    pending.push(...below);
  }
  return found;
}

/**
 * Kills processes that still have `mark` (a path that only we use) in their environment: builders that left their process tree,
 * which without a sandbox can be found in no other way.
 */
export function killMarked(mark: string): void {
  for (const pid of processIds()) {
    if (pid === process.pid || !readProc(pid, "environ").includes(mark)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
}

function processIds(): readonly number[] {
  try {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch {
    return [];
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
