/** The built action against a GitHub that fails once, at each request in turn. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMarker } from "../../src/github/comment-text.ts";
import {
  badGateway,
  dropped,
  type FakeGitHub,
  type Fault,
  type LoggedRequest,
  primaryLimit,
  secondaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { type ActionRun, reviewPull } from "../support/action.ts";
import { maintainedFiles } from "../support/examples.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let head: string;
let other: string;
beforeAll(() => {
  made = makeRepository(maintainedFiles("base"));
  made.git("checkout", "--quiet", "--detach");
  head = made.commit(maintainedFiles("3-hash-alone"), "pebble-db: refresh hash");
  const next = { ...maintainedFiles("base"), ...maintainedFiles("2-stale-hash") };
  other = made.commit(next, "lantern: 1.4.2 -> 1.4.3");
});
afterAll(() => made.remove());

interface Case {
  readonly run: ActionRun;
  readonly fake: FakeGitHub;
  /** What a person sees in the end. */
  readonly visible: object;
}

async function once(failWhen: (request: LoggedRequest) => Fault | null, pace = 0): Promise<Case> {
  const fake = await startFakeGitHub({ repository: made });
  try {
    fake.failWhen = failWhen;
    const run = await reviewPull(fake, fake.openPull({ head }), { pace });
    expect(fake.faults).toEqual([]);
    return { run, fake, visible: visibleOf(fake) };
  } finally {
    await fake.close();
  }
}

function visibleOf(fake: FakeGitHub): object {
  return {
    checks: fake.checkRuns.map(({ head_sha, status, conclusion, output, annotations }) => ({
      head_sha,
      status,
      conclusion,
      output,
      annotations,
    })),
    reviews: fake.reviews.length,
    comments: fake.reviewComments.map(({ path, line, body }) => ({ path, line, ...parseMarker(body) })),
  };
}

const faults: readonly [string, Fault][] = [
  ["502 before it takes place", badGateway(false)],
  ["502 after it took place", badGateway(true)],
  ["a connection dropped after it took place", dropped(true)],
  ["the primary limit", primaryLimit(0)],
  ["a secondary limit with retry-after", secondaryLimit(1)],
  ["a secondary limit without", secondaryLimit()],
];

let wanted: Case;
beforeAll(async () => {
  wanted = await once(() => null);
});

/**
 * Three faults at each request, and each fault at three requests or more. The library meets all of them at each request in
 * test/github/publish.test.ts; `npm run fuzz:publish` plays any of them at any request of this program.
 */
test("a fault at each request in turn: the same in the end, and nothing twice", {
  timeout: 120_000,
}, async () => {
  expect(wanted.run.outputs).toMatchObject({ conclusion: "failure", findings: "1" });
  const count = wanted.fake.requests.length;
  expect(count).toBeGreaterThanOrEqual(6);
  expect(count).toBeLessThanOrEqual(8);
  const cases = wanted.fake.requests.flatMap(({ index }) =>
    faults
      .filter((_fault, place) => place % 2 === index % 2)
      .map(([what, fault]) => ({ index, what, fault })),
  );
  await inPairs(cases, async (failing) => {
    const at = `request ${failing.index}: ${failing.what}`;
    const { run, fake, visible } = await once(({ index }) =>
      index === failing.index ? failing.fault : null,
    );
    expect(visible, at).toEqual(wanted.visible);
    expect(run, at).toMatchObject({ status: 0, stderr: "", outputs: wanted.run.outputs });
    // It looks again; where nothing is left to write, that look serves in place of the next one.
    expect(fake.requests.length).toBeGreaterThanOrEqual(count);
  });
});

test.each(faults.filter((_fault, place) => place % 2 === 0))(
  "%s, at the edit of a comment: struck through once",
  { timeout: 60_000 },
  async (_what, fault) => {
    const fake = await startFakeGitHub({ repository: made });
    const pull = fake.openPull({ head });
    await reviewPull(fake, pull);
    pull.head.sha = other;
    let edits = 0;
    fake.failWhen = ({ operation, isWrite }) =>
      operation === "graphql" && isWrite && ++edits === 1 ? fault : null;
    const run = await reviewPull(fake, pull, { runId: 2 });
    await fake.close();
    expect(fake.faults).toEqual([]);
    expect(run).toMatchObject({ status: 0, stderr: "", outputs: { conclusion: "failure", findings: "1" } });
    const comments = fake.reviewComments.map(({ body, minimized }) => [parseMarker(body)?.solved, minimized]);
    expect(comments).toEqual([
      [true, "outdated"],
      [false, null],
    ]);
    expect(fake.reviewComments[0]?.body.match(/Solved in/g)).toHaveLength(1);
    expect(fake.checkRuns.map(({ conclusion }) => conclusion)).toEqual(["failure", "failure"]);
  },
);

const lasting: readonly [string, (first: boolean) => Fault][] = [
  ["a 502 that stays", (first) => badGateway(first)],
  ["a limit for the next hour", () => primaryLimit(Math.floor(Date.now() / 1_000) + 3_600)],
];

test("one of two that stay, from each request on: an honest failure, never green, nothing twice", {
  timeout: 120_000,
}, async () => {
  await inPairs(wanted.fake.requests, async ({ index: from }) => {
    const [what, fault] = lasting[from % 2] ?? expect.unreachable();
    const at = `request ${from}: ${what}`;
    const { run, fake } = await once(({ index }) => (index >= from ? fault(index === from) : null));
    expect(run.status, at).toBe(1);
    expect(run.stdout, at).toMatch(/^::error::GitHub /m);
    expect(run.stdout, at).not.toContain("This is a bug");
    expect(fake.checkRuns.length, at).toBeLessThanOrEqual(1);
    expect(fake.checkRuns.map(({ conclusion }) => conclusion)).not.toContain("success");
    expect(fake.reviewComments.length, at).toBeLessThanOrEqual(1);
  });
});

test("outside of tests, writes are a second apart", async () => {
  const at: number[] = [];
  await once((request) => {
    if (request.isWrite) at.push(performance.now());
    return null;
  }, 1);
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(gaps.length).toBeGreaterThanOrEqual(2);
  expect(Math.min(...gaps)).toBeGreaterThan(900);
});

/** Two at a time: a run waits as much as it works. */
async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all([worker(), worker()]);
}
