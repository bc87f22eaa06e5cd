/**
 * What the shared queue asks of PostgreSQL, through what Graphile Worker makes public: its functions and its view of jobs.
 * https://worker.graphile.org/docs/sql-add-job, https://worker.graphile.org/docs/admin-functions
 */
import { VerifodError } from "../errors.ts";
import { type Database, type Queries, sql } from "../ledger/database.ts";
import { type Job, meeting, merged, type PullJob, placeOf, subjectOf } from "./jobs.ts";

/** The name that our jobs have among those of the database. */
export const TASK = "verifod";
/** The channel on which a job is told that a newer head is there: its id. */
const SUPERSEDED = "verifod_superseded";
/** How often a job is begun that no process comes to the end of; the next sweep finds it. */
const MOST_ATTEMPTS = 5;
/** Jobs that may stand for one: each is another head, or the click of somebody. What comes after them adds nothing. */
const MOST_MERGED = 100;
/** Turns are counted in seconds from 1970, as the library orders by time. What was tried before has the time it may be tried again. */
const LAST_TURN = "2000-01-01";
/** Before all turns. */
const FIRST = "1969-01-01";

type Flags = Readonly<Record<string, true>>;

/** What can be seen of a job from outside: who must not be begun beside it, and what `meeting` looks at. */
export function flagsOf(job: Job): readonly string[] {
  const { installation, head } = job;
  const about = job.kind === "pull" ? [`reason ${job.reason}`] : [];
  return [subjectFlag(job), placeFlag(job), installationFlag(installation), `head ${head}`, ...about];
}
const subjectFlag = (job: Job) => `subject ${subjectOf(job)}`;
const placeFlag = (job: Job) => `place ${placeOf(job)}`;
export const installationFlag = (installation: number) => `installation ${installation}`;

/** The other job about the same, as far as its flags tell. */
function seenAs(job: Job, flags: readonly string[]): Job {
  if (job.kind === "group") return job;
  const value = (name: string) => flags.find((flag) => flag.startsWith(`${name} `))?.slice(name.length + 1);
  const { presses: _, ...rest } = job;
  return {
    ...rest,
    head: value("head") ?? job.head,
    reason: (value("reason") ?? "push") as PullJob["reason"],
  };
}

interface Standing {
  readonly id: string;
  readonly running: boolean;
  readonly revision: number;
  readonly flags: Flags | null;
}

export interface Limits {
  readonly mostWaiting: number;
  readonly mostWaitingPerRepository: number;
}

/** Adds a job as `meeting` says; false: there is no room for it. */
export function addJob(database: Database, job: Job, limits: Limits): Promise<boolean> {
  const subject = subjectOf(job);
  return database.transaction(async (on) => {
    // Whoever adds another one about the same, waits.
    await on.query(...sql`select pg_advisory_xact_lock(hashtextextended(${subject}, 0))`);
    const standing = await on.query<Standing>(
      ...sql`
      select id, locked_at is not null as running, revision, flags from graphile_worker.jobs
      where task_identifier = ${TASK} and flags ? ${subjectFlag(job)}
        and (locked_at is not null or attempts < max_attempts)
      order by locked_at is null, id`,
    );
    // One before it may be over, and not yet written off.
    const running = standing.findLast((each) => each.running);
    const waiting = standing.findLast((each) => !each.running);
    const met = running && meeting(job, seenAs(job, Object.keys(running.flags ?? {})), true);
    const stop = (id: string) => on.query(...sql`select pg_notify(${SUPERSEDED}, ${id})`);
    if (running && met === "stop") await stop(running.id);
    if (waiting) {
      const other = seenAs(job, Object.keys(waiting.flags ?? {}));
      if (waiting.revision >= MOST_MERGED || meeting(job, other, false) === "drop") return true;
      // The library puts the lists of both together, and leaves it in its place.
      const id = await keep(on, job, {
        mode: "preserve_run_at",
        flags: flagsOf(merged(job, other)),
      });
      // It was begun since it was looked at: there are two now.
      if (id !== waiting.id && meeting(job, other, true) === "stop") await stop(waiting.id);
      return true;
    }
    if (met === "drop") return true;
    const swept = job.kind === "pull" && job.reason === "sweep";
    const turn = await turnOf(on, job, swept, limits);
    if (turn === null) return false;
    await keep(on, job, {
      mode: "replace",
      flags: flagsOf(job),
      turn,
      priority: swept ? 1 : 0,
    });
    return true;
  });
}

interface Kept {
  readonly mode: "replace" | "preserve_run_at";
  readonly flags: readonly string[];
  readonly turn?: string;
  readonly priority?: number;
}

/** Has the library keep a job: the id of the one that now holds it. */
async function keep(
  on: Queries,
  job: Job,
  { mode, flags, turn = FIRST, priority = 0 }: Kept,
): Promise<string> {
  // Of a job that is begun while the library looks at it, it says nothing and does nothing: then it is there, and seen.
  for (let tries = 0; tries < 5; tries += 1) {
    const [added] = await on.query<{ id: string | null }>(
      ...sql`
      select id from graphile_worker.add_job(${TASK}, ${JSON.stringify([job])}::text::json,
        job_key => ${subjectOf(job)}, job_key_mode => ${mode}, run_at => ${turn}::timestamptz,
        priority => ${priority}::int, max_attempts => ${MOST_ATTEMPTS}::int, flags => ${flags}::text[])`,
    );
    if (added && added.id !== null) return added.id;
  }
  throw new VerifodError("outside", "PostgreSQL does not keep a job of the queue");
}

/**
 * When it is a new job's turn; null: there is no room. A repository's jobs stand one turn apart, and its first one beside
 * the first of all: so repositories take turns, whatever the length of their lines.
 */
async function turnOf(on: Queries, job: Job, swept: boolean, limits: Limits): Promise<string | null> {
  const [row] = await on.query<{ all: number; own: number; turn: string }>(
    ...sql`
    with line as (
      select run_at, priority, flags ? ${placeFlag(job)} as own from graphile_worker.jobs
      where task_identifier = ${TASK} and locked_at is null and attempts < max_attempts
    ), ordered as (
      select * from line where priority = ${swept ? 1 : 0} and run_at < ${LAST_TURN}
    )
    select
      (select count(*)::int from line) as all,
      (select count(*)::int from line where own) as own,
      greatest(
        (select min(run_at) from ordered),
        (select max(run_at) + interval '1 second' from ordered where own),
        'epoch'::timestamptz
      )::text as turn`,
  );
  if (!row || row.all >= limits.mostWaiting || row.own >= limits.mostWaitingPerRepository) return null;
  return row.turn;
}

/** What jobs are to be left alone: their subjects are worked on by other processes. */
export async function subjectsElsewhere(on: Queries, pool: string): Promise<readonly string[]> {
  const rows = await on.query<{ flag: string }>(
    ...sql`
    select flag from graphile_worker.jobs, jsonb_object_keys(flags) as flag
    where task_identifier = ${TASK} and locked_at is not null and locked_by <> ${pool} and flag like 'subject %'`,
  );
  return rows.map(({ flag }) => flag);
}

/** Whether another process began a job about the same before: both looked at the same time. */
export async function isBegunElsewhere(on: Queries, job: Job, id: string, pool: string): Promise<boolean> {
  const rows = await on.query(
    ...sql`
    select from graphile_worker.jobs
    where task_identifier = ${TASK} and flags ? ${subjectFlag(job)} and id < ${id}
      and locked_at is not null and locked_by <> ${pool}`,
  );
  return rows.length > 0;
}

/** Which jobs a process has. */
export async function heldBy(on: Queries, pool: string): Promise<ReadonlySet<string>> {
  const rows = await on.query<{ id: string }>(
    ...sql`select id from graphile_worker.jobs where locked_by = ${pool}`,
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Ends a job that a process has; false: it has it no more. The library ends jobs without looking whose they are, and would
 * take away what another process has begun since, or what was added to the job while it waited again.
 */
export async function endJob(on: Queries, id: string, pool: string): Promise<boolean> {
  // There is no function for it: those that are public leave alone what is locked.
  const ended = await on.query(
    ...sql`
    delete from graphile_worker._private_jobs where id = ${id} and locked_by = ${pool} returning id`,
  );
  return ended.length > 0;
}

export async function countJobs(
  on: Queries,
): Promise<{ readonly waiting: number; readonly running: number }> {
  const [row] = await on.query<{ waiting: number; running: number }>(
    ...sql`
    select count(*) filter (where locked_at is null)::int as waiting, count(locked_at)::int as running
    from graphile_worker.jobs where task_identifier = ${TASK}`,
  );
  return row ?? { waiting: 0, running: 0 };
}

/** Has a connection hear of the jobs that were superseded; more than once is once. */
export async function listen(on: Queries): Promise<void> {
  await on.query(`listen ${SUPERSEDED}`);
}

/** Gives jobs that were not finished to whoever has room, as if they had not been begun. */
export async function handBack(on: Queries, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await on.query(
    ...sql`select from graphile_worker.reschedule_jobs(${ids}::bigint[], run_at => ${FIRST}, attempts => 0)`,
  );
}

/** The name of a process's session by which the others see that it lives. */
export function sessionOf(pool: string): string {
  return `verifod ${pool}`;
}

/** The processes that have jobs and no session, or one that has not asked for anything for so long. */
export async function findLost(on: Queries, pool: string, staleMs: number): Promise<readonly string[]> {
  // Of the sessions of other roles PostgreSQL does not tell when they asked for something.
  const rows = await on.query<{ pool: string }>(
    ...sql`
    select distinct locked_by as pool from graphile_worker.jobs
    where task_identifier = ${TASK} and locked_by <> ${pool} and not exists (
      select from pg_stat_activity
      where application_name = ${sessionOf("")} || locked_by
        and (state_change is null or state_change > clock_timestamp() - ${staleMs} * interval '1 millisecond'))`,
  );
  return rows.map((row) => row.pool);
}

export interface Tidied {
  /** How many jobs of processes that are no more wait again. */
  readonly freed: number;
  /** The flags of those that were begun often enough, and are no more. */
  readonly givenUp: readonly (readonly string[])[];
}

/**
 * Frees the jobs of processes that are no more, and ends what was begun often enough. A job that another one about the
 * same was added behind, the library would not begin again: it is begun once more, since somebody may have pressed a
 * button for it.
 */
export async function tidy(database: Database, pools: readonly string[]): Promise<Tidied> {
  return database.transaction(async (on) => {
    const held = await on.query(
      ...sql`select from graphile_worker.jobs where locked_by = any(${pools}::text[])`,
    );
    if (held.length > 0)
      await on.query(...sql`select graphile_worker.force_unlock_workers(${pools}::text[])`);
    const over = await on.query<{ id: string; again: boolean; flags: Flags | null }>(
      ...sql`
      select id, key is null and max_attempts = ${MOST_ATTEMPTS} as again, flags from graphile_worker.jobs
      where task_identifier = ${TASK} and locked_at is null and attempts >= max_attempts`,
    );
    const [again, ended] = [over.filter((row) => row.again), over.filter((row) => !row.again)];
    const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);
    if (again.length > 0) {
      await on.query(
        ...sql`select from graphile_worker.reschedule_jobs(${ids(again)}::bigint[],
        run_at => ${FIRST}, max_attempts => ${MOST_ATTEMPTS + 1}::int)`,
      );
    }
    if (ended.length > 0) {
      await on.query(...sql`select from graphile_worker.complete_jobs(${ids(ended)}::bigint[])`);
    }
    return { freed: held.length, givenUp: ended.map(({ flags }) => Object.keys(flags ?? {})) };
  });
}
