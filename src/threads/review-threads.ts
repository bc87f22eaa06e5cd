/**
 * Reviews on threads, so that none goes on for ever, and webhooks are answered while files are parsed. A thread has no token
 * and no way out: it reads this machine's git, and asks here for all else. One that hangs, or is not wanted any more, is
 * ended, and another takes its place.
 */
import { getHeapStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import type { PullChange } from "../change/api.ts";
import type { Change, Content, Entry, FileChange, Range, Unchecked } from "../change/change.ts";
import { type Fault, messageOf, unreachable, VerifodError } from "../errors.ts";
import type { Memory } from "../facts/gather.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { Upstream } from "../provenance/upstream.ts";
import { failedReview } from "../report/failed.ts";
import type { Review } from "../report/review.ts";
import { ALONE, collectGarbage } from "../v8-flags.ts";
import { LIMIT_MS, MEMORY_MB } from "./limits.ts";
import { askUpstream } from "./upstream.ts";

export type TreeName = "base" | "head" | "tip";

/** What a thread is asked to do. */
export interface ReviewTask {
  /** Where all trees are read; null: they are asked for. */
  readonly directory: string | null;
  readonly trees: Readonly<Record<TreeName, { readonly commit: string; readonly remote: boolean }>>;
  /** Null: what differs is to be found out, in `directory`. */
  readonly files: readonly FileChange[] | null;
  readonly unchecked: readonly Unchecked[];
  /** Null: not known. */
  readonly subjects: readonly string[] | null;
  readonly config: ConfigPlace;
  /** Whether upstream can be asked here. */
  readonly asks: boolean;
  /** Whether it can be asked here what is remembered. */
  readonly remembers: boolean;
}

/** Where the configuration is. */
export interface ConfigPlace {
  readonly of: "tip" | "machine";
  readonly path: string;
}

/** What a thread wants to know of a tree. */
export interface TreeQuestion {
  readonly tree: TreeName;
  readonly method: "entry" | "list" | "read" | "size";
  /** A path, or for `read` and `size` an entry. */
  readonly argument: string | Entry;
}

/** What it wants to know of upstream, answered with `UpstreamReply`. */
export interface UpstreamQuestion {
  readonly method: "upstream";
  readonly changes: readonly SourceChange[];
}

/** What it wants to know of earlier changes, answered with `KnownPin`s. */
export interface MemoryQuestion {
  readonly method: "memory";
  readonly hashes: readonly string[];
}

export type Question = { readonly id: number } & (TreeQuestion | UpstreamQuestion | MemoryQuestion);

export interface Answer {
  readonly id: number;
  readonly outcome:
    | { readonly kind: "value"; readonly value: unknown }
    | { readonly kind: "refused"; readonly message: string };
}

export type ThreadMessage =
  | { readonly kind: "ask"; readonly questions: readonly Question[] }
  | { readonly kind: "done"; readonly result: Review }
  /** `fault` null: a bug of ours. */
  | {
      readonly kind: "failed";
      readonly fault: Fault | null;
      readonly message: string;
      readonly stack: string | null;
    };

/** What a review needs beside the change. */
export interface ReviewAbout {
  readonly config: ConfigPlace;
  /** The titles of the pull request and of its commits; null: not known. */
  readonly subjects: readonly string[] | null;
  /** Null: it is not asked. */
  readonly upstream: Upstream | null;
  /** Null: nothing is remembered. */
  readonly memory: Memory | null;
}

/** A range whose base is the tip of its branch. */
export type TippedRange = Range & Pick<PullChange, "tip">;

export interface ReviewThreads {
  /**
   * The review of a change, read through its trees.
   * @throws VerifodError (outside) when it takes too long, needs too much memory, or is stopped
   */
  review(change: PullChange | TippedRange, about: ReviewAbout, signal?: AbortSignal): Promise<Review>;
  /** Ends all threads; what they were doing fails. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  readonly threads: number;
  /** How long a thread may think while it waits for no answer. The slowest honest review takes a tenth of that. */
  readonly limitMs?: number;
  /** How long a review may take, what it waits for included. */
  readonly longestMs?: number;
  /** How much memory the objects of one thread may take. */
  readonly memoryMb?: number;
  /** The one thread does all of this process's work, and starts at once. */
  readonly alone?: true;
  /** The program of a thread. */
  readonly program?: URL;
}

/** A third of what V8 takes: 567 MB instead of 593 for 100,000 files, in no more time (`npm run bench:nasty`, median of 3). */
const YOUNG_MB = 16;
/**
 * After so many characters of texts sent to threads, garbage is collected here. GitHub's answer for a text takes three times
 * its memory, and little else is done here while threads work on it: 40 files of 5 MB left 140 MB.
 */
const MANY_CHARACTERS = 8_000_000;
/** As long as the App has for all of a job: longer than GitHub's limits make a review wait. */
const LONGEST_MS = 30 * 60_000;
/** A thread is replaced after so many: what it keeps for the next review, and its WebAssembly memory, only ever grow. */
const REVIEWS_PER_THREAD = 200;
/** As scripts/build.mjs puts it beside this program. */
const PROGRAM = new URL("./review-thread.mjs", import.meta.url);

/** What a review takes on a machine that does ten other things is a tenth of that. */
const LONGEST_ALONE_MS = 15 * 60_000;

/** For a process that does one review after the other, and does not wait longer than a quarter of an hour for any. */
export function openReviewThread(): ReviewThreads {
  const most = getHeapStatistics().heap_size_limit / 2 ** 20;
  return openReviewThreads({
    threads: 1,
    alone: true,
    limitMs: LONGEST_ALONE_MS,
    longestMs: LONGEST_ALONE_MS,
    memoryMb: Math.min(MEMORY_MB, most),
  });
}

/**
 * The review of a change of this machine's git; of one that is too much, a report that is not complete and says why.
 * @throws VerifodError (configuration) when that is wrong
 */
export async function reviewHere(
  threads: ReviewThreads,
  change: Change | Range,
  about: ReviewAbout,
): Promise<Review> {
  try {
    return await threads.review({ ...change, tip: change.base }, about);
  } catch (error) {
    if (!(error instanceof VerifodError) || error.fault !== "outside") throw error;
    return failedReview(change.base.commit, change.head.commit, error.message);
  }
}

/** The same on a thread for this one review, where nothing is remembered and nobody is asked. */
export async function reviewAlone(change: Change, config: ConfigPlace): Promise<Review> {
  const thread = openReviewThread();
  try {
    return await reviewHere(thread, change, {
      config,
      subjects: change.subjects,
      upstream: null,
      memory: null,
    });
  } finally {
    await thread.close();
  }
}

/** Opens threads as they are needed; they stay for what comes next. */
export function openReviewThreads(options: ThreadOptions): ReviewThreads {
  const { threads, alone = false, program = PROGRAM } = options;
  const { limitMs = LIMIT_MS, longestMs = LONGEST_MS, memoryMb = MEMORY_MB } = options;
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const queue = new PQueue({ concurrency: threads });
  const reviewed = new WeakMap<Worker, number>();
  let closed = false;
  /** Characters of answers since garbage was collected. */
  let told = 0;
  const countText = (content: Content): void => {
    if (content.kind === "text") told += content.text.length;
  };

  function start(): Worker {
    const worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
      workerData: alone ? ALONE : null,
    });
    all.add(worker);
    // Without a listener, what a thread throws while it is idle would end the process.
    worker.on("error", () => {});
    worker.on("exit", () => {
      all.delete(worker);
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    });
    return worker;
  }

  function run(
    worker: Worker,
    change: PullChange | TippedRange,
    about: ReviewAbout,
    task: ReviewTask,
    signal: AbortSignal,
  ): Promise<Review> {
    return new Promise((resolve, reject) => {
      let timer = setTimeout(late, limitMs, limitMs);
      const whole = setTimeout(late, longestMs, longestMs);
      /** Messages with questions that have no answer yet: while there are any, the thread may wait for them. */
      let asked = 0;
      let isOver = false;
      function settle(lost: boolean, act: () => void): void {
        isOver = true;
        clearTimeout(timer);
        clearTimeout(whole);
        signal.removeEventListener("abort", aborted);
        worker.off("message", received).off("error", failed).off("exit", ended);
        const reviews = (reviewed.get(worker) ?? 0) + 1;
        reviewed.set(worker, reviews);
        if (lost || reviews >= REVIEWS_PER_THREAD) void worker.terminate();
        else idle.push(worker);
        act();
      }
      const fail = (message: string) => settle(true, () => reject(new VerifodError("outside", message)));
      function late(limit: number): void {
        fail(`the review took longer than ${limit / 1_000} s: review its commits one by one`);
      }
      function aborted(): void {
        settle(true, () => reject(stopped()));
      }
      function failed(error: unknown): void {
        fail(`the review ended early: ${messageOf(error)}`);
      }
      function ended(code: number): void {
        fail(`the review ended early, with status ${code}`);
      }
      function received(message: ThreadMessage): void {
        switch (message.kind) {
          case "ask":
            clearTimeout(timer);
            asked += 1;
            void answer(change, about, message.questions, countText).then((answers) => {
              asked -= 1;
              if (isOver || !all.has(worker)) return;
              if (asked === 0) timer = setTimeout(late, limitMs, limitMs);
              worker.postMessage(answers);
              if (told < MANY_CHARACTERS) return;
              told = 0;
              // When nothing here holds them any more.
              setImmediate(collectGarbage);
            });
            return;
          case "done":
            settle(false, () => resolve(message.result));
            return;
          case "failed":
            settle(false, () => reject(errorOf(message)));
            return;
          default:
            unreachable(message);
        }
      }
      worker.on("message", received).on("error", failed).on("exit", ended);
      signal.addEventListener("abort", aborted, { once: true });
      worker.postMessage(task);
    });
  }

  if (alone) idle.push(start());
  return {
    async review(change, about, signal = new AbortController().signal) {
      const { base, head, tip, files, unchecked, directory = null } = change;
      const { config, subjects, upstream, memory } = about;
      const tree = ({ commit, remote = false }: PullChange["tip"]) => ({ commit, remote });
      const trees = { base: tree(base), head: tree(head), tip: tree(tip) };
      const [asks, remembers] = [upstream !== null, memory !== null];
      const task = { directory, trees, files, unchecked, subjects, config, asks, remembers };
      return queue.add(() => {
        if (signal.aborted || closed) throw stopped();
        return run(idle.pop() ?? start(), change, about, task, signal);
      });
    },
    async close() {
      closed = true;
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

function stopped(): VerifodError {
  return new VerifodError("outside", "the review was stopped");
}

function errorOf({ fault, message, stack }: Extract<ThreadMessage, { kind: "failed" }>): Error {
  if (fault !== null) return new VerifodError(fault, message);
  const error = new Error(message);
  if (stack !== null) error.stack = stack;
  return error;
}

type Trees = Pick<PullChange, TreeName>;

/** Answers questions that were asked together, all at once; `onRead` is called for each content. */
function answer(
  change: Trees,
  about: ReviewAbout,
  questions: readonly Question[],
  onRead: (content: Content) => void,
): Promise<readonly Answer[]> {
  return Promise.all(
    questions.map(async (question): Promise<Answer> => {
      const { id } = question;
      try {
        return { id, outcome: { kind: "value", value: await ask(change, about, question, onRead) } };
      } catch (error) {
        return { id, outcome: { kind: "refused", message: messageOf(error) } };
      }
    }),
  );
}

async function ask(
  change: Trees,
  { upstream, memory }: ReviewAbout,
  question: Question,
  onRead: (content: Content) => void,
): Promise<unknown> {
  if (question.method === "upstream") return askUpstream(upstream, question.changes);
  if (question.method === "memory") return memory?.pinsWith(question.hashes);
  const { method, argument } = question;
  const tree = change[question.tree];
  if (typeof argument === "string") return method === "list" ? tree.list(argument) : tree.entry(argument);
  if (method === "size") return tree.size?.(argument) ?? null;
  const content = await tree.read(argument);
  onRead(content);
  return content;
}
