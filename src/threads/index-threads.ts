/** Reads the pins of many files on several threads. A file that crashes its thread counts as one that could not be read. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Entry } from "../change/change.ts";
import { runGit } from "../change/git-process.ts";
import type { IndexedFile } from "../ledger/pin-index.ts";
import { blobKey, canHoldPins } from "../ledger/read-pins.ts";
import type { ReadMany } from "../ledger/update-index.ts";
import { exchange } from "./exchange.ts";
import { LIMIT_MS, MEMORY_MB, MOST_THREADS } from "./limits.ts";

/** What a thread starts with. */
export interface IndexThreadSettings {
  /** The directory of the repository. */
  readonly repository: string;
  readonly commit: string;
  /** The tree object of the commit. */
  readonly tree: string;
}

/** The entries that a thread reads; it answers with an `IndexedFile` or null for each, in order. */
export type IndexJob = readonly Entry[];

export interface IndexThreadOptions {
  /** Threads. */
  readonly workers?: number;
  /** How long one file may take. */
  readonly limitMs?: number;
  /** The program of a thread. */
  readonly program?: URL;
}

const FILES_PER_JOB = 100;
/** Nodes and values live as long as their file is being read: with twice the usual space, fewer of them are copied. */
const YOUNG_MB = 96;
/** The longest answer of git in bytes: a size, or that an object is missing. */
const LONGEST_ANSWER = 80;
/** The thread's program, which scripts/build.mjs puts beside this one. */
const PROGRAM = new URL("./index-thread.mjs", import.meta.url);

/** Reads files of a commit of the repository in `directory`, each on one of several threads. */
export function readOnThreads(directory: string, options: IndexThreadOptions = {}): ReadMany {
  return async (entries, commit, onFile) => {
    const jobs: Entry[][] = [];
    for (let at = 0; at < entries.length; at += FILES_PER_JOB)
      jobs.push(entries.slice(at, at + FILES_PER_JOB));
    const count = Math.min(options.workers ?? availableParallelism(), MOST_THREADS, jobs.length);
    const sizes = await sizesOf(directory, entries);
    const sizeOf = (job: readonly Entry[]) => job.reduce((sum, { path }) => sum + (sizes.get(path) ?? 0), 0);
    // A job with a file of megabytes at the end would keep one thread busy while the others wait.
    jobs.sort((a, b) => sizeOf(b) - sizeOf(a));
    const next = () => jobs.shift();
    const settings = { repository: directory, commit: commit.oid, tree: commit.tree };
    await Promise.all(Array.from({ length: count }, () => runThread(settings, options, next, onFile)));
  };
}

/** The sizes of the files that can hold pins, by path. They cost git little beside the names that it has read. */
async function sizesOf(directory: string, entries: readonly Entry[]): Promise<ReadonlyMap<string, number>> {
  const asked = entries.filter(canHoldPins);
  const { stdout } = await runGit(directory, ["cat-file", "--batch-check=%(objectsize)"], {
    input: asked.map(({ oid }) => `${oid}\n`).join(""),
    mostBytes: 1_000_000 + asked.length * LONGEST_ANSWER,
  });
  const sizes = stdout.split("\n");
  // A missing object has no size.
  return new Map(asked.map(({ path }, index) => [path, Number(sizes[index]) || 0]));
}

/** One thread after another, until there is no more to do. */
async function runThread(
  settings: IndexThreadSettings,
  { limitMs = LIMIT_MS, program = PROGRAM }: IndexThreadOptions,
  next: () => Entry[] | undefined,
  onFile: (file: IndexedFile | null) => void,
): Promise<void> {
  let worker: Worker | null = null;
  let alone = false;
  try {
    for (let job = next(); job !== undefined; job = next()) {
      while (job.length > 0) {
        worker ??= start(settings, program);
        const part: readonly Entry[] = alone ? job.slice(0, 1) : job;
        let done = 0;
        const reason = await exchange<IndexedFile | null>(worker, part, {
          answers: part.length,
          what: "reading it",
          limitMs,
          onAnswer(file) {
            done += 1;
            onFile(file);
          },
        });
        job = job.slice(done);
        if (reason === null) continue;
        await worker.terminate();
        worker = null;
        // A thread's last answers may be lost with it: only a file that was read alone is known to be the cause.
        const [lost] = job;
        if (part.length === 1 && lost !== undefined) {
          const { path, oid } = lost;
          onFile({ path, blob: blobKey(oid), needed: [], neededBlobs: "", pins: [], reason });
          job = job.slice(1);
        }
        alone = part.length > 1;
      }
    }
  } finally {
    await worker?.terminate();
  }
}

function start(settings: IndexThreadSettings, program: URL): Worker {
  const worker = new Worker(program, {
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // Errors of a thread that was given up are ignored.
  worker.on("error", () => {});
  return worker;
}
