/**
 * Reviews on threads, so that webhooks are answered while files are parsed. A thread has no token and no way out: it asks
 * here for what it reads. One that hangs, or is not wanted any more, is ended, and another takes its place.
 */
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import type { PullChange } from "../change/api.ts";
import type { Entry, FileChange, Unchecked } from "../change/change.ts";
import { type Fault, messageOf, unreachable, VerifodError } from "../errors.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { Upstream } from "../provenance/upstream.ts";
import type { Review } from "../report/review.ts";
import { askUpstream } from "./upstream-thread.ts";

export type TreeName = "base" | "head" | "tip";

/** What a thread is asked to do. */
export interface ReviewTask {
  readonly trees: Readonly<Record<TreeName, { readonly commit: string; readonly remote: boolean }>>;
  readonly files: readonly FileChange[];
  readonly unchecked: readonly Unchecked[];
  readonly subjects: readonly string[];
  /** The path of the configuration in the tip. */
  readonly config: string;
  /** Whether upstream can be asked here. */
  readonly asks: boolean;
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

export type Question = { readonly id: number } & (TreeQuestion | UpstreamQuestion);

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
  /** The titles of the pull request and of its commits. */
  readonly subjects: readonly string[];
  /** Null: it is not asked. */
  readonly upstream: Upstream | null;
}

export interface ReviewThreads {
  /**
   * The review of a change, read through its trees.
   * @throws VerifodError (outside) when it takes too long, or is stopped
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
const MEMORY_MB = 2_000;
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
    const worker = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: memoryMb } });
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
    upstream: Upstream | null,
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
      const fail = (message: string) => settle(true, () => reject(new VerifodError("outside", message)));
      function late(): void {
        fail(`the review took longer than ${limitMs / 1_000} s: review this change with verifod review`);
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
            void answer(change, upstream, message.questions).then((answers) => {
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
    async review(change, { config, subjects, upstream }, signal) {
      const { base, head, tip, files, unchecked } = change;
      const tree = ({ commit, remote = false }: PullChange["tip"]) => ({ commit, remote });
      const trees = { base: tree(base), head: tree(head), tip: tree(tip) };
      const task = { trees, files, unchecked, subjects, config, asks: upstream !== null };
      return queue.add(() => {
        if (signal.aborted || closed) throw stopped();
        return run(idle.pop() ?? start(), change, upstream, task, signal);
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
  upstream: Upstream | null,
  questions: readonly Question[],
): Promise<readonly Answer[]> {
  return Promise.all(
    questions.map(async (question): Promise<Answer> => {
      const { id } = question;
      try {
        const value =
          question.method === "upstream"
            ? await askUpstream(upstream, question.changes)
            : await ask(change, question);
        return { id, outcome: { kind: "value", value } };
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
