import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type GroupJob,
  type Job,
  type PullJob,
  type Reason,
  subjectOf,
  UNKNOWN_HEAD,
} from "../../src/app/jobs.ts";
import { createQueue, type QueueOptions } from "../../src/app/queue.ts";

const job = (number: number, values: Partial<PullJob> = {}): PullJob => ({
  kind: "pull",
  installation: 1,
  owner: "NixOS",
  repo: "nixpkgs",
  number,
  head: "a".repeat(40),
  reason: "push",
  ...values,
});
const head = (letter: string) => letter.repeat(40);

/** A queue whose jobs end when the test says so. */
function make(options: Partial<QueueOptions> = {}) {
  const begun: { job: Job; signal: AbortSignal; end: () => void }[] = [];
  const queue = createQueue({ concurrency: 2, perInstallation: 2, ...options });
  const start = () =>
    queue.start(
      (given, signal) =>
        new Promise<void>((resolve) => {
          begun.push({ job: given, signal, end: resolve });
          signal.addEventListener("abort", () => resolve(), { once: true });
        }),
    );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { queue, begun, start, settle };
}

test("of one pull request one job runs: the same head is dropped, another stops it and comes next", async () => {
  const { queue, begun, start, settle } = make();
  await start();
  await queue.add(job(1));
  await settle();
  await queue.add(job(1));
  await queue.add(job(1, { reason: "sweep", head: head("f") }));
  expect(queue.counts()).toEqual({ waiting: 0, running: 1 });
  await queue.add(job(1, { head: head("b") }));
  await queue.add(job(1, { head: head("c") }));
  await settle();
  await settle();
  expect(begun.map(({ job: { head: at }, signal }) => [at[0], signal.reason as unknown])).toEqual([
    ["a", "superseded"],
    ["c", undefined],
  ]);
});

test("who asks again waits for what runs, once, and is not forgotten over a push", async () => {
  const { queue, begun, start, settle } = make();
  await start();
  await queue.add(job(1));
  await settle();
  for (let i = 0; i < 50; i += 1) await queue.add(job(1, { reason: "recheck", head: UNKNOWN_HEAD }));
  expect(queue.counts()).toEqual({ waiting: 1, running: 1 });
  await queue.add(job(1, { head: head("b") }));
  await settle();
  await settle();
  expect(begun.map(({ job: { head: at, ...rest } }) => [at[0], "reason" in rest && rest.reason])).toEqual([
    ["a", "push"],
    ["b", "recheck"],
  ]);
});

test("repositories take turns, installations have their share, and a sweep stands behind events", async () => {
  const { queue, begun, start, settle } = make({ concurrency: 3, perInstallation: 2 });
  for (let number = 1; number <= 200; number += 1) await queue.add(job(number, { reason: "sweep" }));
  await queue.add(job(999));
  await queue.add(job(1, { repo: "other" }));
  await queue.add(job(1, { installation: 2, owner: "acme", repo: "tiny" }));
  await start();
  for (let i = 0; i < 4; i += 1) {
    await settle();
    begun[i]?.end();
  }
  const order = begun.slice(0, 4).map(({ job: { repo, number } }) => `${repo}#${number}`);
  expect(order).toEqual(["nixpkgs#999", "other#1", "tiny#1", "nixpkgs#1"]);
});

test("what there is no room for is told, not kept; a group is done once", async () => {
  const full: Job[] = [];
  const { queue } = make({ mostWaiting: 10, mostWaitingPerRepository: 6, onFull: (each) => full.push(each) });
  for (let number = 1; number <= 8; number += 1) await queue.add(job(number));
  for (let number = 1; number <= 8; number += 1) await queue.add(job(number, { repo: "other" }));
  expect([queue.counts().waiting, full.length]).toEqual([10, 6]);
  const group: GroupJob = {
    kind: "group",
    installation: 1,
    owner: "a",
    repo: "b",
    number: 1,
    head: head("a"),
    base: head("b"),
  };
  const other = make();
  await other.queue.add(group);
  await other.queue.add(group);
  expect(other.queue.counts().waiting).toBe(1);
});

test("stopping lets what runs end, stops it after that, and takes nothing more; a job that throws stops nothing", async () => {
  const errors: unknown[] = [];
  const { queue, begun, start, settle } = make({ concurrency: 2, onError: (error) => errors.push(error) });
  await start();
  for (const number of [1, 2, 3]) await queue.add(job(number));
  await settle();
  const stopped = queue.stop(20);
  begun[0]?.end();
  await queue.add(job(4));
  await stopped;
  expect(begun.map(({ job: { number }, signal }) => [number, signal.reason as unknown])).toEqual([
    [1, undefined],
    [2, "stopping"],
  ]);
  const throwing = createQueue({
    concurrency: 1,
    perInstallation: 1,
    onError: (error) => errors.push(error),
  });
  const done: number[] = [];
  await throwing.start(async ({ number }) => {
    done.push(number);
    throw new Error("a bug");
  });
  await throwing.add(job(1));
  await throwing.add(job(2));
  await settle();
  await settle();
  expect([done, errors.length]).toEqual([[1, 2], 2]);
});

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

test("any order of jobs and ends: never two of one at once, never more than the limits, and the last head is done", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, begun, start, settle } = make({ concurrency: 3, perInstallation: 2 });
      await start();
      const open = new Set<(typeof begun)[number]>();
      const last = new Map<string, string>();
      let seen = 0;
      const look = async () => {
        await settle();
        await settle();
        for (; seen < begun.length; seen += 1) open.add(begun[seen] as (typeof begun)[number]);
        for (const each of open) if (each.signal.aborted) open.delete(each);
        const subjects = [...open].map(({ job: each }) => subjectOf(each));
        expect(new Set(subjects).size).toBe(subjects.length);
        expect(subjects.length).toBeLessThanOrEqual(3);
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
        } else {
          const ended = [...open][each.index % Math.max(1, open.size)];
          if (ended) {
            open.delete(ended);
            ended.end();
          }
        }
        await look();
      }
      for (let i = 0; i < 100 && queue.counts().running > 0; i += 1) {
        for (const each of open) each.end();
        open.clear();
        await look();
      }
      expect(queue.counts()).toEqual({ waiting: 0, running: 0 });
      for (const [subject, wanted] of last) {
        const done = begun.filter(({ job: each, signal }) => subjectOf(each) === subject && !signal.aborted);
        expect(done.at(-1)?.job.head).toBe(wanted);
      }
    }),
    { numRuns: 200 },
  );
});
