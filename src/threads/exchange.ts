/** A job of a thread: what it is given, and what it answers one by one. */
import type { Worker } from "node:worker_threads";
import { messageOf } from "../errors.ts";

/** What a thread says once, when it has started and takes jobs. */
export const READY = "ready";

export interface Exchange<T> {
  /** How many answers there are to the job. */
  readonly answers: number;
  /** What each of them takes, as messages say it: "the review". */
  readonly what: string;
  /** How long each may take. */
  readonly limitMs: number;
  /** How long the thread may take until it is ready; absent: it is. */
  readonly startMs?: number;
  readonly onAnswer: (answer: T) => void;
}

/**
 * Gives a thread a job and takes its answers, in order. Gives why not all of them came, or null; never rejects. Whoever
 * started a thread that could not go on ends it.
 */
export function exchange<T>(
  thread: Worker,
  job: unknown,
  { answers, what, limitMs, startMs, onAnswer }: Exchange<T>,
): Promise<string | null> {
  return new Promise((resolve) => {
    let left = answers;
    let timer = setTimeout(late, startMs ?? limitMs);
    function stop(reason: string | null): void {
      clearTimeout(timer);
      thread.off("message", received).off("error", failed).off("exit", ended);
      resolve(reason);
    }
    function late(): void {
      stop(`${what} took longer than ${limitMs / 1_000} s`);
    }
    function received(message: T | typeof READY): void {
      clearTimeout(timer);
      if (message !== READY) {
        left -= 1;
        onAnswer(message);
      }
      if (left === 0) stop(null);
      else timer = setTimeout(late, limitMs);
    }
    function failed(error: unknown): void {
      stop(`${what} ended early: ${messageOf(error)}`);
    }
    function ended(code: number): void {
      stop(`${what} ended early, with status ${code}`);
    }
    thread.on("message", received).on("error", failed).on("exit", ended);
    thread.postMessage(job);
  });
}
