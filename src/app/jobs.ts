/** What there is to do, as plain values: a queue may write them down, and another process may do them. */
import type { Press } from "../github/decide.ts";

/** Why a pull request is looked at. */
export type Reason =
  /** It was opened, or has another head. */
  | "push"
  /** It has another base, or is ready for review. */
  | "edit"
  /** Somebody said something that is meant for us. */
  | "comment"
  /** Somebody pressed a button: it is reviewed again, even where nothing has changed. */
  | "recheck"
  /** No event told of it, or what an event began was cut off. */
  | "sweep";

/** Where a job belongs: the installation's token is what it is done with. */
export interface Place {
  readonly installation: number;
  readonly owner: string;
  readonly repo: string;
}

/** The head of a job whose event names none. */
export const UNKNOWN_HEAD = "0".repeat(40);

/** A pull request to review. */
export interface PullJob extends Place {
  readonly kind: "pull";
  readonly number: number;
  /** As the event had it. What is reviewed is the head that the pull request has when the job is done. */
  readonly head: string;
  readonly reason: Reason;
  /** Buttons that were pressed: GitHub does not remember them. */
  readonly presses?: readonly Press[];
}

/** A merge group to answer for: its head, on its base, with the pull request that its branch names. */
export interface GroupJob extends Place {
  readonly kind: "group";
  readonly number: number;
  readonly head: string;
  readonly base: string;
}

export type Job = PullJob | GroupJob;

/** Why a job is stopped, as the `reason` of its signal. */
export type Stop =
  /** A newer head is there. */
  | "superseded"
  /** The process ends. */
  | "stopping"
  /** Another process has it by now, or may have. */
  | "lost";

/** What whoever does a job has of it. */
export interface Hold {
  /** Tells that nobody wants its result from here any more. */
  readonly signal: AbortSignal;
  /** Whether it is still this process's to do, which is to be asked before each write. False: the signal is aborted. */
  isHeld(): Promise<boolean>;
}

/** Does a job; rejects only for what is a bug of ours. */
export type Work = (job: Job, hold: Hold) => Promise<void>;

/**
 * Jobs, done by however many processes hold the queue. Repositories take turns, and what a sweep finds stands behind what
 * events tell. Of one pull request there is at most one job running and one waiting. Nothing that waits has to survive the
 * process: whoever starts looks for what is unfinished.
 */
export interface JobQueue {
  /**
   * Takes a job. It may be dropped, or stand for another one of the same pull request: see `meeting`.
   * @throws when it cannot be written down
   */
  add(job: Job): Promise<void>;
  /** Begins to do jobs with `work`; called once, and never by a process that only takes events. */
  start(work: Work): Promise<void>;
  /** Takes no more jobs, and resolves when what runs has ended: of itself within `graceMs`, or by its signal. */
  stop(graceMs: number): Promise<void>;
  /** How many jobs wait and run, in all processes. @throws when it cannot be known */
  counts(): Promise<{ readonly waiting: number; readonly running: number }>;
  /** Resolves when no more jobs will be done here, with why: the process has to end. */
  readonly failed: Promise<Error>;
}

export interface QueueOptions {
  /** Jobs done at once, by this process. */
  readonly concurrency: number;
  /** Jobs of one installation done at once: they wait for its limits at GitHub, which must not make others wait. */
  readonly perInstallation: number;
  /** Jobs that may wait, in all and for one repository; the next sweep finds what was turned away. */
  readonly mostWaiting?: number;
  readonly mostWaitingPerRepository?: number;
  /** Told of a job that there was no room for. */
  readonly onFull?: (job: Job) => void;
  /** Told of what `work` threw, and of the job. */
  readonly onError?: (error: unknown, job: Job) => void;
}

export const MOST_WAITING = 20_000;
export const MOST_WAITING_PER_REPOSITORY = 5_000;

/** The repository of a job, of which not too many are done at once. */
export function placeOf({ installation, owner, repo }: Place): string {
  return `${installation} ${owner}/${repo}`.toLowerCase();
}

/** What a job is about: two of the same are never done at once. */
export function subjectOf(job: Job): string {
  const what = job.kind === "pull" ? `#${job.number}` : `group ${job.head}`;
  return `${placeOf(job)} ${what}`;
}

/** What becomes of a new job that meets another one about the same. */
export type Meeting =
  /** The other one does for it. */
  | "drop"
  /** It stands in the other one's place, or waits for it to end. */
  | "replace"
  /** The running one is stopped for it. */
  | "stop";

/**
 * A head that is none any more is not reviewed to its end. Deliveries may come late, twice or in any order: that is not
 * known here, and need not be, because the job looks at the pull request itself. A sweep knows less than an event.
 */
export function meeting(job: Job, other: Job, running: boolean): Meeting {
  if (job.kind === "group" || other.kind === "group" || job.reason === "sweep") return "drop";
  if (job.head !== other.head && job.head !== UNKNOWN_HEAD) {
    return running && other.head !== UNKNOWN_HEAD ? "stop" : "replace";
  }
  // What only a sweep has found stands behind what events tell.
  if (job.reason === "push") return !running && other.reason === "sweep" ? "replace" : "drop";
  // Whoever asks again while it waits gets the one answer.
  const asksMore = job.presses !== undefined || strength(job.reason) > strength(other.reason);
  return running || asksMore ? "replace" : "drop";
}

/** Reasons that ask for more come later. */
const STRENGTH: readonly Reason[] = ["sweep", "push", "edit", "comment", "recheck"];
function strength(reason: Reason): number {
  return STRENGTH.indexOf(reason);
}

/** The job that stands in the place of a waiting one: what somebody asked for is not forgotten over a push. */
export function merged(job: Job, waiting: Job): Job {
  if (job.kind === "group" || waiting.kind === "group") return job;
  const head = job.head === UNKNOWN_HEAD ? waiting.head : job.head;
  const reason = strength(waiting.reason) > strength(job.reason) ? waiting.reason : job.reason;
  const presses = [...(waiting.presses ?? []), ...(job.presses ?? [])].slice(0, MOST_PRESSES);
  return { ...job, head, reason, ...(presses.length > 0 && { presses }) };
}

/** Each is the click of somebody who may write. */
const MOST_PRESSES = 20;

/** Whether a job looks for what people have asked. A push voids what they did. */
export function listens({ reason }: PullJob): boolean {
  return reason === "comment" || reason === "recheck" || reason === "sweep";
}
