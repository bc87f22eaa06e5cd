// Needs: postgresql
/** The queue of several processes, on a real PostgreSQL. */
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JobQueue } from "../../src/app/jobs.ts";
import { openSharedQueue, type SharedQueueOptions } from "../../src/app/shared-queue.ts";
import { until } from "../support/app.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { driven, head, job, OPTIONS, type TestQueue, testQueue } from "../support/queue-suite.ts";

let server: PostgresServer;
const opened: JobQueue[] = [];
beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((queue) => queue.stop(0)));
});
afterAll(() => server.stop());

async function open(options: Omit<SharedQueueOptions, "url">, url = server.database()): Promise<JobQueue> {
  const queue = await openSharedQueue({ ...options, url });
  opened.push(queue);
  return queue;
}

/** Queues on one database, as of as many processes. */
async function several(...all: readonly Partial<SharedQueueOptions>[]): Promise<TestQueue[]> {
  const url = server.database();
  const queues: TestQueue[] = [];
  for (const options of all) queues.push(driven(await open({ ...OPTIONS, ...options }, url)));
  return queues;
}

/** A process that others do not hear of, though it lives, and one that looks for such. */
const SILENT = { lookMs: 600_000 };
const EAGER = { lookMs: 20, staleMs: 100 };

// The first, since what is recovered then is little.
test("a database that crashes is waited for: what was taken is done when it is back", async () => {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown) => troubles.push(error);
  const [queue] = (await several({ ...EAGER, onTrouble })) as [TestQueue];
  await queue.start();
  await queue.queue.add(job(1));
  await queue.hasBegun(1);
  await queue.queue.add(job(2));
  await queue.hasBegun(2);
  await queue.queue.add(job(3));
  await server.crash();
  for (const each of queue.begun) each.end();
  await until(() => queue.begun.some(({ job: { number } }) => number === 3));
  for (const each of queue.begun) each.end();
  for (;;) {
    const { waiting, running } = await queue.queue.counts();
    if (waiting + running === 0) break;
    for (const each of queue.begun) each.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

describe("what any queue does", () => {
  testQueue(open, 4);
});

test("what was taken is done once, by whichever process, also when it comes after all have ended", async () => {
  const [first, receiver] = (await several({}, {})) as [TestQueue, TestQueue];
  await first.queue.add(job(1, { reason: "recheck" }));
  await first.queue.stop(0);
  const later = (await several({}, {})) as [TestQueue, TestQueue];
  expect(later.length).toBe(2);
  await receiver.start();
  await receiver.hasBegun(1);
  expect(receiver.begun[0]?.job).toEqual(job(1, { reason: "recheck" }));
});

test("a pull request is one process's: another head stops its job there, and is done after it", async () => {
  const [a, b, receiver] = (await several({}, {}, {})) as [TestQueue, TestQueue, TestQueue];
  await a.start();
  await receiver.queue.add(job(1));
  await a.hasBegun(1);
  await b.start();
  await receiver.queue.add(job(1, { reason: "recheck" }));
  await receiver.queue.add(job(2));
  await until(() => a.begun.length + b.begun.length === 2);
  // Both have room, and the one that waits is about what runs.
  expect(await receiver.queue.counts()).toEqual({ waiting: 1, running: 2 });
  await receiver.queue.add(job(1, { head: head("b") }));
  await until(() => a.begun.length + b.begun.length === 3);
  expect(a.begun[0]?.signal.reason).toBe("superseded");
  const next = [...a.begun, ...b.begun].find(({ job: each }) => each.head === head("b"));
  expect(next?.job).toEqual(job(1, { head: head("b"), reason: "recheck" }));
});

test("the word that a job is superseded counts also when it comes before the job", async () => {
  const url = server.database();
  const queue = driven(await open({ ...OPTIONS, concurrency: 1 }, url));
  await queue.start();
  for (const number of [1, 2]) await queue.queue.add(job(number));
  await queue.hasBegun(1);
  const client = new Client(url);
  await client.connect();
  // The second first: once the first has stopped, both words have come.
  await client.query(
    "select pg_notify('verifod_superseded', id::text) from graphile_worker.jobs order by id desc",
  );
  await client.end();
  await queue.hasBegun(2);
  expect(queue.begun.map(({ job: { number }, signal }) => [number, signal.reason as unknown])).toEqual([
    [1, "superseded"],
    [2, "superseded"],
  ]);
});

test("of heads that come while a job begins, is stopped or ends, the last one is done", async () => {
  const [queue] = (await several({})) as [TestQueue];
  await queue.start();
  const of = (number: number) => queue.begun.filter(({ job: each }) => each.number === number);
  for (let number = 1; number <= 30; number += 1) {
    for (const letter of ["a", "b", "c", "d"]) await queue.queue.add(job(number, { head: head(letter) }));
    await until(
      () => of(number).at(-1)?.job.head === head("d"),
      () => of(number).map(({ job: each, over }) => [each.head[0], over]),
    );
    of(number).at(-1)?.end();
  }
});

test("who stops hands back what it has not finished, and another process begins it at once", async () => {
  const [a, b] = (await several({}, {})) as [TestQueue, TestQueue];
  await a.start();
  await a.queue.add(job(1));
  await a.hasBegun(1);
  await a.queue.stop(0);
  expect(a.begun[0]?.signal.reason).toBe("stopping");
  expect(await b.queue.counts()).toEqual({ waiting: 1, running: 0 });
  await b.start();
  await b.hasBegun(1);
  b.begun[0]?.end();
});

test("a process that is not heard of loses its jobs, and writes nothing more of them though it lives", async () => {
  const freed: number[] = [];
  const [silent, eager] = (await several(SILENT, { ...EAGER, onFreed: (count) => freed.push(count) })) as [
    TestQueue,
    TestQueue,
  ];
  await silent.start();
  await silent.queue.add(job(1));
  await silent.hasBegun(1);
  const [old] = silent.begun;
  expect(await old?.isHeld()).toBe(true);
  await eager.start();
  await eager.hasBegun(1);
  expect([eager.begun[0]?.job, freed]).toEqual([job(1), [1]]);
  expect(await old?.isHeld()).toBe(false);
  expect(old?.signal.reason).toBe("lost");
  // What it leaves is not taken for the end of the other's.
  await silent.queue.stop(0);
  expect(await eager.begun[0]?.isHeld()).toBe(true);
  expect(await eager.queue.counts()).toEqual({ waiting: 0, running: 1 });
  eager.begun[0]?.end();
  await until(() => eager.begun[0]?.over === true);
});

test("a process that comes back takes nothing from the one that has its job since", async () => {
  const [paused, eager] = (await several(SILENT, EAGER)) as [TestQueue, TestQueue];
  await paused.start();
  await paused.queue.add(job(1));
  await paused.hasBegun(1);
  await eager.start();
  await eager.hasBegun(1);
  // It had written all by the time it was stopped: nothing makes it ask whose the job is.
  paused.begun[0]?.end();
  await until(() => paused.begun[0]?.over === true);
  await paused.queue.stop(0);
  expect(await eager.queue.counts()).toEqual({ waiting: 0, running: 1 });
  expect(await eager.begun[0]?.isHeld()).toBe(true);
  eager.begun[0]?.end();
});

test("nothing that was asked is lost with a process, though a push has come since", async () => {
  const presses = [{ by: { id: 1, login: "ada" }, finding: "01234567", head: head("a") }];
  const pressed = job(1, { reason: "comment", presses });
  const [silent, eager] = (await several(SILENT, EAGER)) as [TestQueue, TestQueue];
  await silent.start();
  await silent.queue.add(pressed);
  await silent.hasBegun(1);
  await eager.queue.add(job(1, { reason: "recheck" }));
  await eager.start();
  await eager.hasBegun(1);
  expect(eager.begun[0]?.job).toEqual(pressed);
  eager.begun[0]?.end();
  await eager.hasBegun(2);
  expect(eager.begun[1]?.job).toEqual(job(1, { reason: "recheck" }));
});

test("a job that no process comes to the end of is given up, and told of", async () => {
  const given: (readonly string[])[] = [];
  const url = server.database();
  const silent = driven(await open({ ...OPTIONS, ...SILENT }, url));
  await silent.start();
  await silent.queue.add(job(1));
  await silent.hasBegun(1);
  const client = new Client(url);
  await client.connect();
  await client.query("update graphile_worker._private_jobs set attempts = max_attempts");
  await client.end();
  const eager = driven(await open({ ...OPTIONS, ...EAGER, onGivenUp: (flags) => given.push(flags) }, url));
  await eager.start();
  await until(() => given.length === 1);
  expect(given[0]).toContain("subject 1 nixos/nixpkgs #1");
  expect([await eager.queue.counts(), eager.begun]).toEqual([{ waiting: 0, running: 0 }, []]);
  await eager.queue.add(job(1));
  await eager.hasBegun(1);
});
