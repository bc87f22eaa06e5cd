/**
 * Reviews on threads, whose memory is bounded and which can be ended; webhooks are answered meanwhile. A thread has no
 * token and no way out: it asks here for what it reads. One that hangs, takes too much, or is not wanted any more, is
 * ended, and another takes its place.
 */
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import type { PullChange } from "./change/api.ts";
import type { Entry, FileChange, Unchecked } from "./change/change.ts";
import { type Fault, messageOf, unreachable, VerifodError } from "./errors.ts";
import type { Memory } from "./facts.ts";
import type { SourceChange } from "./pair/sources.ts";
import type { Upstream } from "./provenance/upstream.ts";
import { failedReview } from "./report/failed.ts";
import type { Review } from "./report/review.ts";
import { askUpstream } from "./upstream-thread.ts";

export type TreeName = "base" | "head" | "tip";

/** What a thread is asked to do. */
export interface ReviewTask {
  readonly trees: Readonly<Record<TreeName, { readonly commit: string; readonly remote: boolean }>>;
  readonly files: readonly FileChange[];
  readonly unchecked: readonly Unchecked[];
  /** Null: those of the change are not known. */
  readonly subjects: readonly string[] | null;
  /** The path of the configuration in the tip. */
  readonly config: string;
  /** Whether upstream can be asked here. */
  readonly asks: boolean;
  /** Whether there is a memory to ask here. */
  readonly remembers: boolean;
}

/** What a thread wants to know of a tree. */
export interface TreeQuestion {
  readonly tree: TreeName;
  readonly method: "entry" | "list" | "read";
  /** A path, or for `read` an entry. */
  readonly argument: string | Entry;
}

/** What it wants to know of upstream, answered with `UpstreamReply`. */
export interface UpstreamQuestion {
  readonly method: "upstream";
  readonly changes: readonly SourceChange[];
}

/** What it wants to know of earlier changes. */
export interface MemoryQuestion {
  readonly method: "pinsWith";
  readonly hashes: readonly string[];
}

export type Asked = TreeQuestion | UpstreamQuestion | MemoryQuestion;
export type Question = { readonly id: number } & Asked;

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
  /** The path of the configuration in the tip. */
  readonly config: string;
  /** The titles of the pull request and of its commits; null: not known. */
  readonly subjects: readonly string[] | null;
  /** Null: it is not asked. */
  readonly upstream: Upstream | null;
  /** What is remembered of earlier changes, where something is. */
  readonly memory?: Memory | null;
}

/** A review that took more time or memory than it has, or whose thread died. */
export class ReviewLost extends VerifodError {
  constructor(message: string) {
    super("outside", message);
    this.name = "ReviewLost";
  }
}

export interface ReviewThreads {
  /**
   * The review of a change, read through its trees.
   * @throws ReviewLost when it takes too much; VerifodError (outside) when it is stopped
   */
  review(change: PullChange, about: ReviewAbout, signal: AbortSignal): Promise<Review>;
  /** Ends all threads; what they were doing fails. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  readonly threads: number;
  /** How long a thread may think without asking for anything. The slowest honest review takes a tenth of that. */
  readonly limitMs?: number;
  /** How much memory the objects of one thread may take. */
  readonly memoryMb?: number;
  /** The program of a thread. */
  readonly program?: URL;
}

const LIMIT_MS = 120_000;
/** With the syntax trees, which are not among the objects, and the program itself, 512 MB. */
const MEMORY_MB = 256;
/** New objects are kept apart; by default they may take 48 MB. */
const YOUNG_MB = 16;
/** What a thread keeps for the next review, and its WebAssembly memory, only ever grow. */
const REVIEWS_PER_THREAD = 200;
/** As scripts/build.mjs puts it beside this program. */
const PROGRAM = new URL("./review-thread.mjs", import.meta.url);

/** Opens threads as they are needed; they stay for what comes next. */
export function openReviewThreads(options: ThreadOptions): ReviewThreads {
  const { threads, limitMs = LIMIT_MS, memoryMb = MEMORY_MB, program = PROGRAM } = options;
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const queue = new PQueue({ concurrency: threads });
  const reviewed = new WeakMap<Worker, number>();
  let closed = false;

  function start(): Worker {
    const worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
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
    change: PullChange,
    about: ReviewAbout,
    task: ReviewTask,
    signal: AbortSignal,
  ): Promise<Review> {
    return new Promise((resolve, reject) => {
      let timer = setTimeout(late, limitMs);
      function settle(lost: boolean, act: () => void): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        worker.off("message", received).off("error", failed).off("exit", ended);
        const count = (reviewed.get(worker) ?? 0) + 1;
        reviewed.set(worker, count);
        if (lost || count >= REVIEWS_PER_THREAD) void worker.terminate();
        else idle.push(worker);
        act();
      }
      const fail = (message: string) => settle(true, () => reject(new ReviewLost(message)));
      function late(): void {
        fail(`the review took longer than ${limitMs / 1_000} s: review this change with verifod review`);
      }
      function aborted(): void {
        settle(true, () => reject(stopped()));
      }
      function failed(error: unknown): void {
        if (isOutOfMemory(error)) fail(`the review took more memory than the ${memoryMb} MB that it has`);
        else fail(`the review ended early: ${messageOf(error)}`);
      }
      function ended(code: number): void {
        fail(`the review ended early, with status ${code}`);
      }
      function received(message: ThreadMessage): void {
        switch (message.kind) {
          case "ask":
            clearTimeout(timer);
            void answer(change, about, message.questions).then((answers) => {
              if (signal.aborted || !all.has(worker)) return;
              timer = setTimeout(late, limitMs);
              worker.postMessage(answers);
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

  return {
    async review(change, about, signal) {
      const { config, subjects, upstream, memory = null } = about;
      const { base, head, tip, files, unchecked } = change;
      const tree = ({ commit, remote = false }: PullChange["tip"]) => ({ commit, remote });
      const trees = { base: tree(base), head: tree(head), tip: tree(tip) };
      const may = { asks: upstream !== null, remembers: memory !== null };
      const task = { trees, files, unchecked, subjects, config, ...may };
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

/** Answers what was asked together, together. */
function answer(
  change: PullChange,
  { upstream, memory = null }: ReviewAbout,
  questions: readonly Question[],
): Promise<readonly Answer[]> {
  function answerTo(question: Question): Promise<unknown> {
    switch (question.method) {
      case "upstream":
        return askUpstream(upstream, question.changes);
      case "pinsWith":
        return memory?.pinsWith(question.hashes) ?? Promise.resolve([]);
      default:
        return ask(change, question);
    }
  }
  return Promise.all(
    questions.map(async (question): Promise<Answer> => {
      const { id } = question;
      try {
        return { id, outcome: { kind: "value", value: await answerTo(question) } };
      } catch (error) {
        return { id, outcome: { kind: "refused", message: messageOf(error) } };
      }
    }),
  );
}

function ask(change: PullChange, { tree: name, method, argument }: TreeQuestion): Promise<unknown> {
  const tree = change[name];
  if (typeof argument !== "string") return tree.read(argument);
  return method === "list" ? tree.list(argument) : tree.entry(argument);
}

/** https://nodejs.org/api/errors.html#err_worker_out_of_memory */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

/** The review of one change on a thread of its own. One that is lost is told as a review that could not be done. */
export async function reviewOnThread(change: PullChange, about: ReviewAbout): Promise<Review> {
  const threads = openReviewThreads({ threads: 1 });
  try {
    return await threads.review(change, about, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof ReviewLost)) throw error;
    return failedReview(change.base.commit, change.head.commit, error.message);
  } finally {
    await threads.close();
  }
}
