/** A static review of a pull request, read through the API, and its publication: what the modes that publish share. */
import type { GitHubApi } from "../change/github-api.ts";
import { CONFIG_PATH, loadConfig } from "../config.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { type CheckOutput, checkOutput } from "../github/check-output.ts";
import {
  type Publication,
  type PublishOptions,
  publish,
  publishCheck,
  startCheck,
} from "../github/publish.ts";
import { failedReview } from "../report/failed.ts";
import type { Review } from "../report/review.ts";
import type { Threshold } from "../report/status.ts";
import { createTools, review } from "../review.ts";
import type { Inputs, Runner } from "./inputs.ts";
import { type OpenedPull, openPull } from "./open-pull.ts";

export interface Target {
  readonly number: number;
  readonly title: string;
  readonly base: string;
  readonly head: string;
}

export interface Outcome {
  readonly review: Review;
  readonly output: CheckOutput;
  readonly publication: Publication;
  /** What was thrown in place of a review; null: nothing. */
  readonly failure: Error | null;
}

export interface ReviewSettings {
  readonly inputs: Pick<Inputs, "config" | "failOn">;
  readonly runner: Runner;
  /** What becomes of the static review before it is published. */
  readonly complete: (review: Review) => Promise<Review>;
  /** Sentences to put above the summary. */
  readonly notes: readonly string[];
}

/**
 * Reviews and publishes. The check run is there before anything else is done, and is completed whatever happens: a
 * review that could not be done asks for action.
 * @throws VerifodError (outside) when GitHub does not take the result
 */
export async function publishReview(
  api: GitHubApi,
  target: Target,
  settings: ReviewSettings,
): Promise<Outcome> {
  const { runner, notes } = settings;
  const { number, head, base } = target;
  const pull = { repository: runner.repository, number, head };
  const options: PublishOptions = {
    reporter: { pull: number, base, run: runner.run },
    details: runner.details,
    pace: runner.pace,
  };
  const { published } = await startCheck(api, pull, options);
  // Counted for the current head only, which may be another by now.
  const changedFiles = published.currentHead === head ? published.changedFiles : null;
  const reviewed = await attempt(() => reviewPull(api, target, changedFiles, settings));
  if (reviewed.failure !== null) {
    const result = failedReview(base, head, reasonOf(reviewed.failure));
    const output = checkOutput(result, "high", notes);
    const { check } = await publishCheck(api, pull, output, options);
    const missing = check === "denied" ? (["checks: write"] as const) : [];
    return {
      review: result,
      output,
      publication: { check, comments: "skipped", missing },
      failure: reviewed.failure,
    };
  }
  const { opened, result, failOn } = reviewed.value;
  try {
    const output = checkOutput(result, failOn, notes);
    const publication = await publish(api, pull, result, opened.change, output, options);
    return { review: result, output, publication, failure: null };
  } finally {
    opened.close();
  }
}

async function reviewPull(
  api: GitHubApi,
  { number, title, base, head }: Target,
  changedFiles: number | null,
  { inputs, runner, complete }: ReviewSettings,
): Promise<{ readonly opened: OpenedPull; readonly result: Review; readonly failOn: Threshold }> {
  const path = inputs.config ?? CONFIG_PATH;
  const range = { number, base, head, changedFiles };
  const opened = await openPull(api, runner.repository, range, runner.workspace, [path]);
  try {
    const { change } = opened;
    const config = await loadConfig(change.tip, path);
    const subjects = [title, ...(change.subjects ?? [])];
    const result = await complete(await review(change, await createTools(), { config, subjects }));
    return { opened, result, failOn: inputs.failOn ?? config.failOn };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** What `act` gives, or what it threw. */
async function attempt<T>(
  act: () => Promise<T>,
): Promise<{ readonly failure: null; readonly value: T } | { readonly failure: Error }> {
  try {
    return { failure: null, value: await act() };
  } catch (error) {
    return { failure: error instanceof Error ? error : new Error(messageOf(error)) };
  }
}

/** Our own mistakes are told without what they hold: it may be a stranger's text, and the log has all of it. */
export function reasonOf(failure: unknown): string {
  if (failure instanceof VerifodError) return messageOf(failure);
  return "Verifod failed: this is a mistake of its own; the log of the run has the details";
}
