/**
 * Publishing while everything goes wrong: runs of the action on one pull request that are killed, refused, answered
 * late or not at all, while people push, close and answer. What must hold is checked at each write and at the end.
 */

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import fc from "fast-check";
import PQueue from "p-queue";
import { VerifodError } from "../../src/errors.ts";
import {
  badGateway,
  dropped,
  type Fault,
  type LoggedRequest,
  primaryLimit,
  secondaryLimit,
} from "../fake-github/server.ts";
import { reviewPull } from "./action.ts";
import { checkAlways } from "./publish-promises.ts";
import { end, HEADS, openWorld, runReview, type Stage, type World, watch } from "./publish-stage.ts";

const FAULTS: Readonly<Record<string, Fault>> = {
  "502 before": badGateway(false),
  "502 after": badGateway(true),
  "dropped before": dropped(false),
  "dropped after": dropped(true),
  "primary limit": primaryLimit(0),
  "secondary limit": secondaryLimit(),
  "secondary limit with retry-after": secondaryLimit(1),
  // A query that took GitHub too long, for one.
  "graphql error": {
    status: 200,
    applied: false,
    data: { data: null, errors: [{ message: "Something went wrong while executing your query." }] },
  },
  forbidden: { status: 403, applied: false, message: "Resource not accessible by integration" },
};

/** One run of the action, and what happens at its n-th request. */
export interface Step {
  /** Which commit is the pull request's head when the run starts; null: that of the step before. */
  readonly head: number | null;
  /** An older run that starts late: its number is below that of the step before, and the head has moved on. */
  readonly late: boolean;
  readonly faults: readonly { readonly at: number; readonly fault: string }[];
  /** `batch`: at the first annotations that are not all. */
  readonly kill: { readonly at: number | "batch"; readonly applied: boolean } | null;
  readonly events: readonly { readonly at: number; readonly event: "push" | "close" | "reopen" | "answer" }[];
}
export interface Schedule {
  readonly steps: readonly Step[];
  readonly last: number;
}

/** The end of the built action's process: at which request, and whether that still takes place. */
export interface Kill {
  readonly head: number;
  readonly at: number;
  readonly applied: boolean;
}

const at = fc.integer({ min: 1, max: 12 });
const step: fc.Arbitrary<Step> = fc.record({
  // The same head again is where something could be done twice.
  head: fc.option(fc.nat({ max: HEADS.length - 1 }), { freq: 2 }),
  late: fc.nat({ max: 5 }).map((n) => n === 0),
  faults: fc.array(fc.record({ at, fault: fc.constantFrom(...Object.keys(FAULTS)) }), { maxLength: 4 }),
  kill: fc.option(
    fc.record({
      at: fc.oneof({ weight: 4, arbitrary: at }, { weight: 1, arbitrary: fc.constant("batch" as const) }),
      applied: fc.boolean(),
    }),
    { freq: 2 },
  ),
  events: fc.array(
    fc.record({
      at,
      event: fc.constantFrom("push" as const, "close" as const, "reopen" as const, "answer" as const),
    }),
    { maxLength: 2 },
  ),
});
export const kills: fc.Arbitrary<Kill> = fc.record({
  head: fc.nat({ max: HEADS.length - 1 }),
  at,
  applied: fc.boolean(),
});
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  last: fc.nat({ max: HEADS.length - 1 }),
});

/**
 * Plays what is made from each of `count` seeds, several at once: most of their time are the client's short waits between
 * requests. Gives what broke a promise; with `go` false it stops there.
 */
export async function playSeeds<T>(
  arbitrary: fc.Arbitrary<T>,
  { from, count, atOnce, go }: { from: number; count: number; atOnce: number; go: boolean },
  act: (value: T) => Promise<void>,
): Promise<readonly { readonly seed: number; readonly error: unknown }[]> {
  const queue = new PQueue({ concurrency: atOnce });
  const broken: { seed: number; error: unknown }[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    void queue.add(async () => {
      try {
        await fc.assert(fc.asyncProperty(arbitrary, act), { numRuns: 1, seed, endOnFailure: count > 1 });
      } catch (error) {
        broken.push({ seed, error });
        if (!go) queue.clear();
      }
    });
  }
  await queue.onIdle();
  return broken;
}

/** Plays a schedule to its end. @throws AssertionError when something has happened that must never be */
export async function play(stage: Stage, { steps, last }: Schedule): Promise<void> {
  const world = await openWorld(stage);
  try {
    let current = 0;
    for (const each of steps) {
      current = each.head ?? current;
      await playStep(world, each, current);
    }
    const head = stage.commits[last] ?? "";
    world.pull.state = "open";
    await end(world, head);
  } finally {
    await world.fake.close();
  }
}

/**
 * Runs the built action and ends its process as `kill -9` does at its n-th request; then a run in peace finishes.
 * @returns whether that request was to write
 * @throws AssertionError when something has happened that must never be
 */
export async function playKill(stage: Stage, { head: index, at, applied }: Kill): Promise<boolean> {
  const world = await openWorld(stage);
  const { fake, pull } = world;
  try {
    const head = stage.commits[index] ?? "";
    pull.head.sha = head;
    let child: ChildProcess | null = null;
    fake.failWhen = ({ index: nth }) => {
      if (nth < at) return null;
      child?.kill("SIGKILL");
      return dropped(applied && nth === at);
    };
    const onSpawn = (started: ChildProcess) => {
      child = started;
    };
    // Of a process of its own it is not known when its review is done.
    const running = { head, run: Number.MAX_SAFE_INTEGER, finished: true, peaceful: false, seen: null };
    const checked = watch(world, running, ({ index }) => index <= at);
    const { status } = await reviewPull(fake, pull, { runId: world.number, onSpawn });
    checked();
    const killed = fake.requests[at - 1];
    if (killed) assert.equal(status, null, "it was not killed");
    checkAlways(fake, stage.expected);
    world.number *= 1_000;
    await end(world, head);
    return killed?.isWrite ?? false;
  } finally {
    await fake.close();
  }
}

async function playStep(world: World, { late, faults, kill, events }: Step, index: number): Promise<void> {
  const { fake, pull, stage } = world;
  const head = stage.commits[index] ?? "";
  if (!late) pull.head.sha = head;
  world.number += 10;
  const first = fake.requests.length;
  let dead = false;
  const failWhen = (request: LoggedRequest): Fault | null => {
    if (dead) return dropped(false);
    const { index: number, operation } = request;
    const nth = number - first;
    if (kill !== null && (kill.at === "batch" ? isBatch(request) : kill.at === nth)) {
      dead = true;
      return dropped(kill.applied);
    }
    const { fault } = faults.find((each) => each.at === nth) ?? {};
    if (fault === "graphql error" && operation !== "graphql") return badGateway(false);
    return fault === undefined ? null : (FAULTS[fault] ?? null);
  };
  fake.failWhen = failWhen;
  const meanwhile = ({ index: number }: LoggedRequest) => {
    for (const { event } of events.filter((each) => each.at === number - first)) happen(world, event);
  };
  const number = world.number - (late ? 15 : 0);
  const error = await runReview(world, head, number, { meanwhile, isDead: () => dead });
  if (!dead && error !== null)
    assert.ok(error instanceof VerifodError, `a failure of our own: ${error.stack}`);
  checkAlways(fake, stage.expected);
}

/** Whether a request adds annotations to a check run and does not complete it. */
function isBatch({ operation, body }: LoggedRequest): boolean {
  const { status, output } = (body ?? {}) as { status?: string; output?: { annotations?: unknown[] } };
  const annotations = output?.annotations ?? [];
  return operation?.includes("/check-runs") === true && status === "in_progress" && annotations.length > 0;
}

function happen({ fake, pull, stage }: World, event: Step["events"][number]["event"]): void {
  const [first] = fake.reviewComments;
  switch (event) {
    case "push":
      pull.head.sha = stage.commits[(stage.commits.indexOf(pull.head.sha) + 1) % HEADS.length] ?? "";
      break;
    case "close":
      pull.state = "closed";
      break;
    case "reopen":
      pull.state = "open";
      break;
    case "answer":
      if (first !== undefined) {
        const by = { login: "reviewer", id: 7, app: null, permissions: {} };
        fake.reviewComments.push({
          ...first,
          id: fake.nextId(),
          nodeId: `PRRC_${fake.nextId()}`,
          by,
          inReplyTo: first.id,
          body: "Why?",
        });
      }
      break;
    default:
      event satisfies never;
  }
}
