/**
 * The queue of several processes, in PostgreSQL. Graphile Worker keeps the jobs, wakes who waits for them, and gives each
 * to one process; here is which may be begun, and what becomes of those of a process that is no more.
 */
import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger, run as runLibrary, runMigrations, type WorkerEvents } from "graphile-worker";
import * as z from "zod";
import { messageOf, VerifodError } from "../errors.ts";
import { connectServer, type Database } from "../ledger/database.ts";
import {
  type Job,
  type JobQueue,
  MOST_WAITING,
  MOST_WAITING_PER_REPOSITORY,
  meeting,
  merged,
  type QueueOptions,
  type Stop,
  subjectOf,
  type Work,
} from "./jobs.ts";
import * as jobs from "./shared-jobs.ts";

export interface SharedQueueOptions extends QueueOptions {
  /** `postgres://…` */
  readonly url: string;
  /** How often it is looked for processes that are no more. */
  readonly lookMs?: number;
  /** How long a process may not be heard of. */
  readonly staleMs?: number;
  /** Told how many jobs of processes that are no more were freed. */
  readonly onFreed?: (count: number) => void;
  /** Told of a job that was begun often and never ended: what is known of it. */
  readonly onGivenUp?: (flags: readonly string[]) => void;
  /** Told of what the database refused, and will be asked again. */
  readonly onTrouble?: (error: unknown) => void;
}

const LOOK_MS = 2_000;
const STALE_MS = 30_000;
/** Between two looks for jobs that nobody told of: those that were freed, or had to wait for another one. */
const POLL_MS = 1_000;
/** How long the database may take to say whether a job is still held. */
const ANSWER_MS = 10_000;
/** Jobs told to stop, of all processes. */
const MOST_REMEMBERED = 1_000;
/** Connections besides those that listen. */
const CONNECTIONS = 4;

const place = {
  installation: z.number(),
  owner: z.string(),
  repo: z.string(),
  number: z.number(),
  head: z.string(),
};
const press = z.object({
  by: z.object({ id: z.number(), login: z.string() }),
  finding: z.string(),
  head: z.string(),
});
const jobSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("pull"),
    ...place,
    reason: z.enum(["push", "edit", "comment", "recheck", "sweep"]),
    presses: z.array(press).exactOptional(),
  }),
  z.object({ kind: z.literal("group"), ...place, base: z.string() }),
]) satisfies z.ZodType<Job>;
const payloadSchema = z.tuple([jobSchema], jobSchema);

/** The one job that stands for all that came while it waited. */
function jobIn(payload: unknown): Job {
  const [first, ...more] = payloadSchema.parse(payload);
  return more.reduce<Job>(
    (waiting, job) => (meeting(job, waiting, false) === "drop" ? waiting : merged(job, waiting)),
    first,
  );
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Thrown so that the library keeps a job: it is not finished. */
class Unfinished extends Error {}

interface Running {
  readonly job: Job;
  readonly id: string;
  readonly controller: AbortController;
  readonly begun: number;
}

/**
 * Connects, and makes the library's tables where they lack.
 * @throws VerifodError (outside) when PostgreSQL cannot be reached, or refuses
 */
export async function openSharedQueue(options: SharedQueueOptions): Promise<JobQueue> {
  const { url, onFull = () => {}, onTrouble = () => {} } = options;
  const { mostWaiting = MOST_WAITING, mostWaitingPerRepository = MOST_WAITING_PER_REPOSITORY } = options;
  const logger = new Logger(() => (level, _message, meta) => {
    // That of a job that is kept is no trouble.
    if (level === "error" && meta?.failure !== true) onTrouble(meta?.error ?? meta?.fatalError);
  });
  const database = await connectServer({ location: url, max: CONNECTIONS, applicationName: "verifod" });
  try {
    await runMigrations({ connectionString: url, logger });
  } catch (error) {
    await database.close();
    throw new VerifodError("outside", `PostgreSQL refuses the queue's tables: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const failed = deferred<Error>();
  let worker: { stop(graceMs: number): Promise<void> } | null = null;
  let stopped: Promise<void> | null = null;
  async function stop(graceMs: number): Promise<void> {
    await worker?.stop(graceMs);
    await database.close();
  }
  return {
    async add(job) {
      if (stopped) return;
      if (!(await jobs.addJob(database, job, { mostWaiting, mostWaitingPerRepository }))) onFull(job);
    },
    async start(work) {
      worker = await startWorker({ ...options, database, logger, work, onFailed: failed.resolve });
    },
    stop(graceMs) {
      stopped ??= stop(graceMs);
      return stopped;
    },
    counts: () => jobs.countJobs(database),
    failed: failed.promise,
  };
}

interface WorkerParts extends SharedQueueOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly work: Work;
  readonly onFailed: (error: Error) => void;
}

async function startWorker(parts: WorkerParts): Promise<{ stop(graceMs: number): Promise<void> }> {
  const { url, database, logger, work, concurrency, perInstallation, onFailed } = parts;
  const { onError = () => {}, onTrouble = () => {}, onFreed = () => {}, onGivenUp = () => {} } = parts;
  const { lookMs = LOOK_MS, staleMs = STALE_MS } = parts;
  const running = new Map<string, Running>();
  // The word may come before the job itself does: PostgreSQL gave it away, and it is still on its way here.
  const superseded = new Set<string>();
  const handedBack: string[] = [];
  const events = new EventEmitter() as WorkerEvents;
  let pool = "";
  const announced = deferred<void>();
  events.on("pool:create", ({ workerPool }) => {
    pool = workerPool.id;
  });

  function stopJob({ controller }: Running, why: Stop): void {
    controller.abort(why);
  }

  function supersede(id: string): void {
    superseded.add(id);
    const [oldest = id] = superseded;
    if (superseded.size > MOST_REMEMBERED) superseded.delete(oldest);
    for (const each of running.values()) if (each.id === id) stopJob(each, "superseded");
  }

  // One after the other: what is taken counts before the next is looked for.
  let free = Promise.resolve();
  let leave = () => {};
  async function forbidden(): Promise<string[]> {
    const before = free;
    const mine = deferred<void>();
    free = mine.promise;
    await before;
    leave = mine.resolve;
    const busy = new Map<number, number>();
    for (const { job } of running.values()) busy.set(job.installation, (busy.get(job.installation) ?? 0) + 1);
    const full = [...busy].filter(([, count]) => count >= perInstallation);
    return [
      ...[...running.keys()].map((subject) => `subject ${subject}`),
      ...full.map(([installation]) => jobs.installationFlag(installation)),
      ...(await jobs.subjectsElsewhere(database, pool)),
    ];
  }
  for (const event of ["job:start", "worker:getJob:empty", "worker:getJob:error"] as const) {
    events.on(event, () => leave());
  }

  async function isHeld(each: Running): Promise<boolean> {
    const late = sleep(ANSWER_MS, null, { ref: false });
    const held = await Promise.race([jobs.heldBy(database, pool), late]).catch((error: unknown) => {
      onTrouble(error);
      return null;
    });
    // Who does not know lets go.
    if (!held?.has(each.id)) stopJob(each, "lost");
    return !each.controller.signal.aborted;
  }

  async function run(payload: unknown, id: string): Promise<void> {
    const job = jobIn(payload);
    const subject = subjectOf(job);
    const controller = new AbortController();
    const { signal } = controller;
    const each: Running = { job, id, controller, begun: performance.now() };
    // Before anything is waited for: the next look for a job counts it.
    running.set(subject, each);
    if (superseded.has(id)) stopJob(each, "superseded");
    try {
      await announced.promise;
      if (await jobs.isBegunElsewhere(database, job, id, pool))
        throw new Unfinished("another process is at it");
      await work(job, { signal, isHeld: () => isHeld(each) }).catch((error: unknown) => onError(error, job));
      const isOver = !signal.aborted || signal.reason === "superseded";
      if (isOver && (await jobs.endJob(database, id, pool))) return;
      if (isOver) throw new Unfinished("lost");
      if (signal.reason === "stopping") handedBack.push(id);
      throw new Unfinished(String(signal.reason));
    } finally {
      running.delete(subject);
    }
  }

  const runner = await runLibrary({
    connectionString: url,
    logger,
    events,
    concurrency,
    maxPoolSize: CONNECTIONS,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    parsedCronItems: [],
    forbiddenFlags: forbidden,
    taskList: { [jobs.TASK]: (payload, { job: { id } }) => run(payload, id) },
    // What cannot be written is tried again for minutes; without this, it would end the process.
    preset: {
      worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0, gracefulShutdownAbortTimeout: 600_000 },
    },
  });
  const session = await connectServer({
    location: url,
    max: 1,
    applicationName: jobs.sessionOf(pool),
    heard: supersede,
  });
  await jobs.listen(session);
  announced.resolve();
  let stopping = false;
  runner.promise.then(
    () => stopping || onFailed(new Error("the queue has ended")),
    (error: unknown) => onFailed(new Error("the queue has ended", { cause: error })),
  );
  let suspects: ReadonlySet<string> = new Set();
  /** Tells by asking that this process lives, and looks for those that do not. */
  async function look(): Promise<void> {
    // The connection may be another one than at the last look.
    await jobs.listen(session);
    const asked = performance.now();
    const held = await jobs.heldBy(session, pool);
    for (const each of running.values()) if (each.begun < asked && !held.has(each.id)) stopJob(each, "lost");
    const lost = await jobs.findLost(session, pool, staleMs);
    // Not at the first look: what it asked of GitHub last may still be on its way.
    const dead = lost.filter((each) => suspects.has(each));
    suspects = new Set(lost);
    const { freed, givenUp } = await jobs.tidy(session, dead);
    if (freed > 0) onFreed(freed);
    for (const flags of givenUp) onGivenUp(flags);
  }
  const ending = new AbortController();
  async function keepLooking(): Promise<void> {
    while (!ending.signal.aborted) {
      await look().catch(onTrouble);
      await sleep(lookMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  }
  const looking = keepLooking();

  return {
    async stop(graceMs) {
      stopping = true;
      const ended = runner.stop();
      const late = setTimeout(() => {
        for (const each of running.values()) stopJob(each, "stopping");
      }, graceMs);
      await ended;
      clearTimeout(late);
      ending.abort();
      await looking;
      // Without an answer they wait until others see that this process is no more.
      await jobs.handBack(database, handedBack).catch(onTrouble);
      await session.close();
    },
  };
}
