/**
 * Reviews of many pairs of commits, on several threads. A review that hangs or takes its thread down is one review that
 * could not be done: the others go on.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { CommitPair } from "../change/history.ts";
import { failedReview } from "../report/failed.ts";
import type { Review } from "../report/review.ts";
import type { Threshold } from "../report/status.ts";
import { compileLess, growHeapBy } from "../v8-flags.ts";
import { exchange } from "./exchange.ts";
import { LIMIT_MS, MEMORY_MB, MOST_THREADS } from "./limits.ts";

/** What a thread starts with. */
export interface BacktestThreadSettings {
  /** The directory of the repository. */
  readonly repository: string;
  /** A file with the configuration of all pairs; null: each pair's is that of its base. */
  readonly configFile: string | null;
}

/** What a thread is asked to do. It answers with a `PairReview` for each pair, in order. */
export interface Job {
  readonly pairs: readonly CommitPair[];
}

/** The review of one pair. */
export interface PairReview {
  readonly result: Review;
  /** The severity from which the pair's configuration wants a failure. */
  readonly failOn: Threshold;
  /** The stack of an error that is a bug of ours; null: there is none. */
  readonly bug: string | null;
}

export interface BacktestThreadOptions extends BacktestThreadSettings {
  /** Threads. */
  readonly workers?: number;
  /** How long one review may take. */
  readonly limitMs?: number;
  /** How much memory the objects of one thread may take. */
  readonly memoryMb?: number;
  /** The program of a thread. */
  readonly program?: URL;
}

/** Consecutive commits change the same files: together on one thread, the trees of these are at hand. */
const PAIRS_PER_JOB = 12;
/** Jobs that may be done or under way before the oldest one is: what bounds the memory of reviews not yet taken. */
const JOBS_AHEAD = 24;
/** With V8's own choice, what several threads hold of large commits is most of the memory. */
const HEAP_GROWTH_PERCENT = 40;
/** As scripts/build.mjs puts it beside this program. */
const PROGRAM = new URL("./backtest-thread.mjs", import.meta.url);

/** A job, with the reviews of those of its pairs that are done. */
interface Task {
  readonly pairs: readonly CommitPair[];
  readonly reviews: PairReview[];
  whenDone: Promise<void>;
}

/**
 * Reviews pairs of commits of one repository; gives the reviews in the order of the pairs, the same whatever the number
 * of threads. Pairs are taken as there is room for them. When the caller stops early, the threads end.
 */
export async function* reviewPairs(
  pairs: AsyncIterable<CommitPair> | Iterable<CommitPair>,
  options: BacktestThreadOptions,
): AsyncGenerator<PairReview> {
  growHeapBy(HEAP_GROWTH_PERCENT);
  compileLess();
  const most = options.workers ?? Math.min(availableParallelism(), MOST_THREADS);
  const threads: Thread[] = [];
  const idle: Thread[] = [];
  const waiting: ((thread: Thread) => void)[] = [];
  const freeThread = (): Thread | Promise<Thread> => {
    const free = idle.pop();
    if (free) return free;
    if (threads.length >= most) return new Promise((resolve) => waiting.push(resolve));
    const thread = createThread(options);
    threads.push(thread);
    return thread;
  };
  const run = async (task: Task): Promise<void> => {
    const thread = await freeThread();
    await thread.run(task);
    const next = waiting.shift();
    if (next) next(thread);
    else idle.push(thread);
  };

  const open: Task[] = [];
  try {
    for await (const chunk of chunksOf(pairs)) {
      const task: Task = { pairs: chunk, reviews: [], whenDone: Promise.resolve() };
      task.whenDone = run(task);
      open.push(task);
      if (open.length >= JOBS_AHEAD) yield* finished(open.shift());
    }
    while (open.length > 0) yield* finished(open.shift());
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

async function* finished(task: Task | undefined): AsyncGenerator<PairReview> {
  await task?.whenDone;
  yield* task?.reviews ?? [];
}

async function* chunksOf(pairs: AsyncIterable<CommitPair> | Iterable<CommitPair>) {
  let chunk: CommitPair[] = [];
  for await (const pair of pairs) {
    if (chunk.push(pair) < PAIRS_PER_JOB) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

interface Thread {
  /** Fills in the task's reviews; never rejects. */
  run(task: Task): Promise<void>;
  end(): Promise<void>;
}

/** A thread that is started anew when it is lost. */
function createThread(options: BacktestThreadOptions): Thread {
  const { repository, configFile, limitMs = LIMIT_MS, memoryMb = MEMORY_MB, program = PROGRAM } = options;
  let worker: Worker | null = null;
  let over = false;

  function start(): Worker {
    const settings: BacktestThreadSettings = { repository, configFile };
    const thread = new Worker(program, {
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    // What a thread says that was given up is of no use.
    thread.on("error", () => {});
    return thread;
  }

  /** Does what it can of a task's open pairs; gives why the next one of these could not be done, or null. */
  async function attempt(task: Task): Promise<string | null> {
    const isFresh = worker === null;
    worker ??= start();
    const pairs = task.pairs.slice(task.reviews.length);
    const job: Job = { pairs };
    const reason = await exchange<PairReview>(worker, job, {
      answers: pairs.length,
      what: "the review",
      limitMs,
      ...(isFresh && { startMs: Math.max(limitMs, LIMIT_MS) }),
      onAnswer: (review) => task.reviews.push(review),
    });
    if (reason !== null) {
      void worker.terminate();
      worker = null;
    }
    return reason;
  }

  return {
    async run(task) {
      while (task.reviews.length < task.pairs.length && !over) {
        const reason = await attempt(task);
        const pair = task.pairs[task.reviews.length];
        if (reason !== null && pair) {
          const result = failedReview(pair.base, pair.head, reason);
          task.reviews.push({ result, failOn: "high", bug: null });
        }
      }
    },
    async end() {
      over = true;
      await worker?.terminate();
    },
  };
}
