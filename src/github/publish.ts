/**
 * Publishes a review on a pull request, for the Action and the App alike. Every write is planned from what GitHub shows,
 * so that publishing again, after whatever went wrong, ends in the same state: no write is repeated blindly.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Change } from "../change/change.ts";
import { type GitHubApi, isForbidden, isGraphqlError, statusOf } from "../change/github-api.ts";
import { attempt, messageOf, VerifodError } from "../errors.ts";
import type { Review } from "../report/review.ts";
import type { CheckOutput } from "./check-output.ts";
import { addComments, editComments } from "./comments.ts";
import { type Placement, placeFindings } from "./placement.ts";
import {
  type CheckAction,
  type CheckWrite,
  cancellation,
  checkRequest,
  isSuperseded,
  planCheck,
  planComments,
  planStart,
  type Reporter,
} from "./plan.ts";
import { type OwnCheck, type Published, type PullRequest, readPublished } from "./published.ts";

const MOST_ATTEMPTS = 4;

export interface PublishOptions {
  /** Which run reports. */
  readonly reporter: Reporter;
  /** The page of the run, as https://…; null: none. */
  readonly details: string | null;
  /** Buttons of the completed check run. */
  readonly actions?: readonly CheckAction[];
  /** Begins a new check run, even where one is finished: GitHub waits for one after a request to run again. */
  readonly again?: boolean;
  /** A factor for the pauses before another attempt; 1 outside of tests. */
  readonly pace?: number;
}

/** A permission that the token lacks, as GitHub's settings call it. */
export type Permission = "checks: write" | "pull-requests: write";

/** What became of a publication. */
export interface Publication {
  /** `superseded`: a later run has reported on this head. `denied`: the token may not write it. */
  readonly check: "written" | "unchanged" | "superseded" | "denied";
  /** `skipped`: the pull request is closed, or has another head by now. */
  readonly comments: "written" | "unchanged" | "skipped" | "denied";
  readonly missing: readonly Permission[];
}

/**
 * Says on the head that a review is under way, so that a crash leaves a pending check and not none. Gives what GitHub
 * knows of the pull request.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function startCheck(
  api: GitHubApi,
  pull: PullRequest,
  options: PublishOptions,
  known?: Published,
): Promise<{ readonly published: Published; readonly mayWrite: boolean }> {
  const start = async (published: Published) => {
    const { reporter, details, again } = options;
    const late = isSuperseded(published.checks, reporter);
    const write = late ? null : planStart(published.checks, reporter, details, again);
    if (write === null) return { published, mayWrite: true };
    const written = await allowed(() => writeCheck(api, pull, write));
    return { published, mayWrite: written !== null };
  };
  return converge(api, pull, options, start, known);
}

/**
 * Ends, without a result, the check runs that `reporter` and earlier runs left open on a head that nobody waits for any more.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function cancelChecks(
  api: GitHubApi,
  pull: PullRequest,
  options: PublishOptions,
): Promise<void> {
  await converge(api, pull, options, async ({ checks }) => {
    const open = checks.filter(({ completed, mark }) => !completed && mark.run <= options.reporter.run);
    for (const check of open) await allowed(() => writeCheck(api, pull, cancellation(check)));
  });
}

/**
 * Completes the check run of a head with `output`.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function publishCheck(
  api: GitHubApi,
  pull: PullRequest,
  output: CheckOutput,
  options: PublishOptions,
  known?: Published,
): Promise<{ readonly check: Publication["check"] }> {
  const { reporter, details, actions } = options;
  const complete = async (published: Published): Promise<{ readonly check: Publication["check"] }> => {
    if (isSuperseded(published.checks, reporter)) return { check: "superseded" };
    let checks = published.checks;
    let check: Publication["check"] = "unchanged";
    for (;;) {
      const write = planCheck(checks, output, reporter, details, actions);
      if (write === null) return { check };
      const written = await allowed(() => writeCheck(api, pull, write));
      if (written === null) return { check: "denied" };
      checks = [written, ...checks.filter(({ id }) => id !== written.id)];
      check = "written";
    }
  };
  return converge(api, pull, options, complete, known);
}

/**
 * Publishes a review: first line comments for findings that deserve them, then the check run on the head, so that a completed
 * check run means that everything is published. When the pull request has moved on or is closed, only the check run of the
 * reviewed head is completed.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function publish(
  api: GitHubApi,
  pull: PullRequest,
  review: Review,
  change: Change,
  output: CheckOutput,
  options: PublishOptions,
): Promise<Publication> {
  const placements = await placeFindings(change, review);
  const said = await attempt(() =>
    converge(api, pull, options, (published) => comment(api, pull, options, published, review, placements)),
  );
  // A comment that GitHub refused does not hold back the verdict. If it accepted them, the state read before them still
  // serves: comments do not change check runs, and nothing is read between batches of annotations either.
  const known = said.failure === null ? said.value.published : undefined;
  const { check } = await publishCheck(api, pull, output, options, known);
  if (said.failure !== null) throw said.failure;
  const comments = check === "superseded" ? "skipped" : said.value.comments;
  const missing: Permission[] = [
    ...(check === "denied" ? (["checks: write"] as const) : []),
    ...(comments === "denied" ? (["pull-requests: write"] as const) : []),
  ];
  return { check, comments, missing };
}

interface Commented {
  readonly comments: Publication["comments"];
  /** What was published before. */
  readonly published: Published;
}

async function comment(
  api: GitHubApi,
  pull: PullRequest,
  { reporter }: PublishOptions,
  published: Published,
  review: Review,
  placements: readonly Placement[],
): Promise<Commented> {
  const late = isSuperseded(published.checks, reporter);
  if (late || !published.open || published.currentHead !== pull.head)
    return { comments: "skipped", published };
  const plan = planComments(published, review, placements, pull.head);
  if (plan.edits.length === 0 && plan.additions.length === 0) return { comments: "unchanged", published };
  const done = await allowed(async () => {
    if (plan.additions.length > 0) await addComments(api, pull, plan.additions);
    if (plan.edits.length > 0) await editComments(api, plan.edits);
    return true;
  });
  return { comments: done === null ? "denied" : "written", published };
}

/** Reads the state and acts on it; starts again after a failure whose outcome is not known. */
function converge<T>(
  api: GitHubApi,
  pull: PullRequest,
  { pace }: PublishOptions,
  act: (published: Published) => Promise<T>,
  known?: Published,
): Promise<T> {
  return untilAnswered(pace, async (attempt) =>
    act(attempt === 1 && known ? known : await readPublished(api, pull)),
  );
}

/**
 * Does something, and when it is not known whether it was done does it again, which must not do it twice.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function untilAnswered<T>(
  pace: number | undefined,
  act: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(attempt);
    } catch (error) {
      if (error instanceof VerifodError) throw error;
      const status = statusOf(error);
      const mayPass = status !== null && status >= 500;
      if (!mayPass || attempt >= MOST_ATTEMPTS) throw outside(error);
      await sleep(attempt * attempt * 1_000 * (pace ?? 1));
    }
  }
}

function outside(error: unknown): Error {
  const status = statusOf(error);
  if (status === null && !isGraphqlError(error))
    return error instanceof Error ? error : new Error(messageOf(error));
  const what = status === null ? messageOf(error) : `${status}: ${messageOf(error)}`;
  return new VerifodError(
    "outside",
    `GitHub refused or did not answer (${what.slice(0, 300)}): run this again`,
    {
      cause: error,
    },
  );
}

const writtenSchema = z.object({ id: z.number(), started_at: z.string().nullable() });

async function writeCheck(api: GitHubApi, pull: PullRequest, write: CheckWrite): Promise<OwnCheck> {
  const { owner, name } = pull.repository;
  const [route, body] = checkRequest(write, pull.head);
  const { data } = await api.request(route, { owner, repo: name, ...body });
  const { id, started_at: startedAt } = writtenSchema.parse(data);
  return { id, startedAt: startedAt ?? "", ...write.after };
}

/** The result of `act`; null when the token may not do it. A rate limit is no such refusal. */
async function allowed<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (isForbidden(error)) return null;
    throw error;
  }
}
