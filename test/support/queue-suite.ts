/** What any queue does, whoever keeps its jobs: the tests of both. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type GroupJob,
  type Job,
  type JobQueue,
  type PullJob,
  type QueueOptions,
  type Reason,
  subjectOf,
  UNKNOWN_HEAD,
} from "../../src/app/jobs.ts";
import { until } from "./app.ts";

export const job = (number: number, values: Partial<PullJob> = {}): PullJob => ({
  kind: "pull",
  installation: 1,
  owner: "NixOS",
  repo: "nixpkgs",
  number,
  head: "a".repeat(40),
  reason: "push",
  ...values,
});
export const head = (letter: string) => letter.repeat(40);

export interface Begun {
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly isHeld: () => Promise<boolean>;
  readonly end: () => void;
  over: boolean;
}

export interface TestQueue {
  readonly queue: JobQueue;
  readonly begun: Begun[];
  start(): Promise<void>;
  /** Waits until so many jobs in all have begun. */
  hasBegun(count: number): Promise<void>;
}

/** A queue whose jobs end when the test says so, or when they are stopped. */
export function driven(queue: JobQueue): TestQueue {
  const begun: Begun[] = [];
  return {
    queue,
    begun,
    start: () =>
      queue.start(
        (given, { signal, isHeld }) =>
          new Promise<void>((resolve) => {
            const end = () => {
              each.over = true;
              resolve();
            };
            const each: Begun = { job: given, signal, isHeld, end, over: false };
            begun.push(each);
            if (signal.aborted) end();
            signal.addEventListener("abort", end, { once: true });
          }),
      ),
    hasBegun: (count) =>
      until(
        () => begun.length >= count,
        () => begun.map(({ job: each }) => each),
      ),
  };
}

export const OPTIONS: QueueOptions = { concurrency: 2, perInstallation: 2 };

async function emptied(queue: JobQueue): Promise<void> {
  for (;;) {
    const { waiting, running } = await queue.counts();
    if (waiting + running === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const step = fc.oneof(
  fc.record({
    what: fc.constant("add" as const),
    repo: fc.integer({ min: 0, max: 2 }),
    number: fc.integer({ min: 1, max: 3 }),
    head: fc.constantFrom("a", "b", "c"),
    reason: fc.constantFrom<Reason>("push", "edit", "comment", "recheck"),
  }),
  fc.record({ what: fc.constant("end" as const), index: fc.nat(9) }),
);

/** Registers the tests. `open`: an empty queue, closed after the test. `runs`: of random orders. */
export function testQueue(open: (options: QueueOptions) => Promise<JobQueue>, runs: number): void {
  const make = async (options: Partial<QueueOptions> = {}) => driven(await open({ ...OPTIONS, ...options }));

  test("of one pull request one job runs: the same head is dropped, another stops it and comes next", async () => {
    const { queue, begun, start, hasBegun } = await make();
    await start();
    await queue.add(job(1));
    await hasBegun(1);
    await queue.add(job(1));
    await queue.add(job(1, { reason: "sweep", head: head("f") }));
    expect(await queue.counts()).toEqual({ waiting: 0, running: 1 });
    await queue.add(job(1, { head: head("b") }));
    await queue.add(job(1, { head: head("c") }));
    await until(
      () => begun.at(-1)?.job.head === head("c"),
      () => begun.map(({ job: each, over }) => [each, over]),
    );
    expect(begun[0]?.signal.reason).toBe("superseded");
    // The one between may have begun before the last came.
    expect(begun.length).toBeLessThanOrEqual(3);
    expect(begun.filter(({ over }) => !over).length).toBe(1);
  });

  test("who asks again waits for what runs, once, and is not forgotten over a push", async () => {
    const { queue, begun, start, hasBegun } = await make();
    await start();
    await queue.add(job(1));
    await hasBegun(1);
    const presses = [{ by: { id: 1, login: "ada" }, finding: "01234567", head: head("a") }];
    for (let i = 0; i < 50; i += 1) await queue.add(job(1, { reason: "recheck", head: UNKNOWN_HEAD }));
    await queue.add(job(1, { reason: "comment", presses }));
    expect(await queue.counts()).toEqual({ waiting: 1, running: 1 });
    await queue.add(job(1, { head: head("b") }));
    await hasBegun(2);
    expect(begun.map(({ job: each }) => each)).toEqual([
      job(1),
      job(1, { head: head("b"), reason: "recheck", presses }),
    ]);
  });

  test("repositories take turns, installations have their share, and a sweep stands behind events", async () => {
    const { queue, begun, start, hasBegun } = await make({ concurrency: 3, perInstallation: 2 });
    for (let number = 1; number <= 40; number += 1) await queue.add(job(number, { reason: "sweep" }));
    for (const number of [998, 999]) await queue.add(job(number));
    await queue.add(job(1, { repo: "other" }));
    await queue.add(job(1, { installation: 2, owner: "acme", repo: "tiny" }));
    // Found by a sweep, and now told of.
    await queue.add(job(40));
    await start();
    const order = () => begun.map(({ job: { repo, number } }) => `${repo}#${number}`);
    await hasBegun(3);
    expect(new Set(order())).toEqual(new Set(["nixpkgs#998", "other#1", "tiny#1"]));
    for (let count = 4; count <= 6; count += 1) {
      begun.find(({ job: { installation }, over }) => installation === 1 && !over)?.end();
      await hasBegun(count);
    }
    expect(new Set(order().slice(3, 5))).toEqual(new Set(["nixpkgs#999", "nixpkgs#40"]));
    expect(order()[5]).toBe("nixpkgs#1");
    expect((await queue.counts()).running).toBe(3);
  });

  test("what there is no room for is told, not kept; a group is done once", async () => {
    const full: Job[] = [];
    const onFull = (each: Job) => void full.push(each);
    const { queue } = await make({ mostWaiting: 10, mostWaitingPerRepository: 6, onFull });
    for (let number = 1; number <= 8; number += 1) await queue.add(job(number));
    for (let number = 1; number <= 8; number += 1) await queue.add(job(number, { repo: "other" }));
    expect([(await queue.counts()).waiting, full.length]).toEqual([10, 6]);
    const place = { installation: 1, owner: "a", repo: "b", number: 1 };
    const group: GroupJob = { kind: "group", ...place, head: head("a"), base: head("b") };
    const other = await make();
    await other.queue.add(group);
    await other.queue.add(group);
    expect((await other.queue.counts()).waiting).toBe(1);
    await other.start();
    await other.hasBegun(1);
    await other.queue.add(group);
    expect([other.begun[0]?.job, await other.queue.counts()]).toEqual([group, { waiting: 0, running: 1 }]);
  });

  test("stopping lets what runs end, stops it after that, and takes nothing more", async () => {
    const { queue, begun, start, hasBegun } = await make();
    await start();
    for (const number of [1, 2, 3]) await queue.add(job(number));
    await hasBegun(2);
    const stopped = queue.stop(50);
    begun.find(({ job: { number } }) => number === 1)?.end();
    await queue.add(job(4));
    await stopped;
    const seen = begun.map(({ job: { number }, signal }) => [number, signal.reason as unknown]);
    expect(new Map(seen as [number, unknown][])).toEqual(
      new Map([
        [1, undefined],
        [2, "stopping"],
      ]),
    );
  });

  test("a job that throws is told of, and stops nothing", async () => {
    const errors: [unknown, number][] = [];
    const onError = (error: unknown, { number }: Job) => void errors.push([error, number]);
    const queue = await open({ concurrency: 1, perInstallation: 1, onError });
    const done: number[] = [];
    const bug = new Error("a bug");
    await queue.start(async ({ number }) => {
      done.push(number);
      throw bug;
    });
    for (const number of [1, 2]) await queue.add(job(number));
    await until(() => errors.length === 2);
    await emptied(queue);
    expect([done, errors]).toEqual([
      [1, 2],
      [
        [bug, 1],
        [bug, 2],
      ],
    ]);
  });

  test("any order of jobs and ends: never two of one at once, never more than the limits, and the last head is done", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const { queue, begun, start } = await make({ concurrency: 3, perInstallation: 2 });
        await start();
        const last = new Map<string, string>();
        const open = () => begun.filter(({ over }) => !over);
        const look = () => {
          const subjects = open().map(({ job: each }) => subjectOf(each));
          expect(new Set(subjects).size).toBe(subjects.length);
          expect(subjects.length).toBeLessThanOrEqual(3);
          for (const one of [1, 2]) {
            const share = open().filter(({ job: { installation } }) => installation === one);
            expect(share.length).toBeLessThanOrEqual(2);
          }
        };
        for (const each of steps) {
          if (each.what === "add") {
            const given = job(each.number, {
              repo: `r${each.repo}`,
              installation: each.repo === 2 ? 2 : 1,
              head: head(each.head),
              reason: each.reason,
            });
            last.set(subjectOf(given), given.head);
            await queue.add(given);
          } else open()[each.index % Math.max(1, open().length)]?.end();
          await new Promise((resolve) => setImmediate(resolve));
          look();
        }
        for (;;) {
          const { waiting, running } = await queue.counts();
          if (waiting + running === 0) break;
          look();
          for (const each of open()) each.end();
          await new Promise((resolve) => setImmediate(resolve));
        }
        for (const [subject, wanted] of last) {
          const done = begun.filter(
            ({ job: each, signal }) => subjectOf(each) === subject && !signal.aborted,
          );
          expect(done.at(-1)?.job.head).toBe(wanted);
        }
        await queue.stop(0);
      }),
      { numRuns: runs },
    );
  });
}
