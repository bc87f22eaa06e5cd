/** The queue of one process. */
import {
  type Job,
  type JobQueue,
  MOST_WAITING,
  MOST_WAITING_PER_REPOSITORY,
  meeting,
  merged,
  placeOf,
  type QueueOptions,
  type Stop,
  subjectOf,
  type Work,
} from "./jobs.ts";

interface Running {
  readonly job: Job;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** The jobs of a repository that wait, in two lines: what a sweep finds stands behind what events tell. */
interface Line {
  readonly told: Map<string, Job>;
  readonly swept: Map<string, Job>;
}

/** A queue in the memory of this process. Repositories take turns, whatever the length of their lines. */
export function createQueue(options: QueueOptions): JobQueue {
  const { concurrency, perInstallation, mostWaiting = MOST_WAITING } = options;
  const { mostWaitingPerRepository = MOST_WAITING_PER_REPOSITORY } = options;
  const { onFull = () => {}, onError = () => {} } = options;
  // A Map iterates in the order of insertion: whose turn it was goes to the end.
  const lines = new Map<string, Line>();
  const running = new Map<string, Running>();
  let waiting = 0;
  let work: Work | null = null;
  let stopped = false;

  function lineOf(job: Job): Line {
    const place = placeOf(job);
    const known = lines.get(place);
    if (known) return known;
    const line: Line = { told: new Map(), swept: new Map() };
    lines.set(place, line);
    return line;
  }

  function add(job: Job): void {
    const subject = subjectOf(job);
    const line = lineOf(job);
    const current = running.get(subject);
    const met = current && meeting(job, current.job, true);
    if (current && met === "stop") stop(current, "superseded");
    const queued = line.told.get(subject) ?? line.swept.get(subject);
    if (queued) {
      if (meeting(job, queued, false) === "drop") return;
      // In the same place, so that whoever pushes often does not wait for ever; what only a sweep found is now told of.
      line.swept.delete(subject);
      line.told.set(subject, merged(job, queued));
      return;
    }
    if (current && met === "drop" && !current.controller.signal.aborted) return;
    if (waiting >= mostWaiting || line.told.size + line.swept.size >= mostWaitingPerRepository) {
      onFull(job);
      return;
    }
    (job.kind === "pull" && job.reason === "sweep" ? line.swept : line.told).set(subject, job);
    waiting += 1;
    turn();
  }

  function stop({ controller }: Running, why: Stop): void {
    controller.abort(why);
  }

  /** Begins what there is room for. */
  function turn(): void {
    while (work !== null && !stopped && running.size < concurrency) {
      const next = takeNext();
      if (next === null) return;
      begin(next, work);
    }
  }

  function takeNext(): Job | null {
    const busy = new Map<number, number>();
    for (const { job } of running.values()) busy.set(job.installation, (busy.get(job.installation) ?? 0) + 1);
    for (const [place, line] of lines) {
      if (line.told.size + line.swept.size === 0) lines.delete(place);
      const [first] = line.told.size > 0 ? line.told.values() : line.swept.values();
      if (first === undefined || (busy.get(first.installation) ?? 0) >= perInstallation) continue;
      const found = firstOf(line.told) ?? firstOf(line.swept);
      if (found === null) continue;
      waiting -= 1;
      lines.delete(place);
      lines.set(place, line);
      return found;
    }
    return null;
  }

  /** Takes out the first job whose predecessor has ended. */
  function firstOf(jobs: Map<string, Job>): Job | null {
    for (const [subject, job] of jobs) {
      if (running.has(subject)) continue;
      jobs.delete(subject);
      return job;
    }
    return null;
  }

  function begin(job: Job, doWork: Work): void {
    const subject = subjectOf(job);
    const controller = new AbortController();
    const ended = Promise.resolve()
      .then(() => doWork(job, { signal: controller.signal, isHeld: () => Promise.resolve(true) }))
      .catch((error: unknown) => onError(error, job))
      .finally(() => {
        running.delete(subject);
        turn();
      });
    running.set(subject, { job, controller, ended });
  }

  return {
    add(job) {
      if (!stopped) add(job);
      return Promise.resolve();
    },
    start(given) {
      work = given;
      turn();
      return Promise.resolve();
    },
    async stop(graceMs) {
      stopped = true;
      const timer = setTimeout(() => {
        for (const each of running.values()) stop(each, "stopping");
      }, graceMs);
      await Promise.all([...running.values()].map(({ ended }) => ended));
      clearTimeout(timer);
    },
    counts: () => Promise.resolve({ waiting, running: running.size }),
    failed: new Promise(() => {}),
  };
}
