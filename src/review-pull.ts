/** A static review of a pull request and its publication: what the Action and the App share. */
import type { PullChange, PullRange } from "./change/api.ts";
import type { Change } from "./change/change.ts";
import type { GitHubApi, RepositoryName } from "./change/github-api.ts";
import { CONFIG_PATH, type Config, loadConfig } from "./config.ts";
import { attempt, messageOf, VerifodError } from "./errors.ts";
import type { Acknowledged } from "./github/acknowledgements.ts";
import { type CheckOutput, checkOutput } from "./github/check-output.ts";
import type { CheckAction } from "./github/plan.ts";
import {
  type Publication,
  type PublishOptions,
  publish,
  publishCheck,
  startCheck,
} from "./github/publish.ts";
import type { Published } from "./github/published.ts";
import { failedReview } from "./report/failed.ts";
import type { Review } from "./report/review.ts";
import type { Threshold } from "./report/status.ts";

export interface Target {
  readonly number: number;
  readonly title: string;
  /** The tip of the base branch. */
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

/** A pull request's change, opened for reading. */
export interface OpenedPull {
  readonly change: PullChange;
  close(): void;
}

/** A review as it is to be published. */
export interface Completed {
  readonly review: Review;
  /** Markdown of ours to put above the summary, after that of the settings. */
  readonly notes?: readonly string[];
  readonly acknowledged?: Acknowledged;
  /** What is to be said elsewhere before the check run is completed: one that is says that all is done. */
  readonly before?: () => Promise<void>;
  /** What is to be said once it is. */
  readonly after?: () => Promise<void>;
}

export interface ReviewSettings {
  readonly repository: RepositoryName;
  /** Grows with each run, of all that report as the same app. */
  readonly run: number;
  /** The page of the run; null: none. */
  readonly details: string | null;
  /** The path of the configuration in the base branch; null: the usual one. */
  readonly config: string | null;
  /** Null: as configured. */
  readonly failOn: Threshold | null;
  /** Opens the change; `prefetch`: paths of the base's tip that are read anyway. */
  readonly open: (range: PullRange, prefetch: readonly string[]) => Promise<OpenedPull>;
  /** Reviews an opened change. `subjects`: the titles of the pull request and of its commits. */
  readonly check: (change: PullChange, config: Config, subjects: readonly string[]) => Promise<Review>;
  /** What becomes of the static review before it is published. */
  readonly complete: (review: Review, change: Change, config: Config) => Promise<Completed>;
  /** Sentences to put above the summary. */
  readonly notes: readonly string[];
  /** Buttons of the check run. */
  readonly actions?: readonly CheckAction[];
  readonly again?: boolean;
  readonly pace?: number;
  /** What is known to be published already, so that it is not asked again. */
  readonly known?: Published;
}

/**
 * Reviews and publishes. The check run is there before anything else is done, and is completed whatever happens: a
 * review that could not be done asks for action.
 * @throws VerifodError (outside) when GitHub does not take the result
 */
export async function reviewPull(api: GitHubApi, target: Target, settings: ReviewSettings): Promise<Outcome> {
  const { repository, run, details, notes, actions = [], again = false, pace = 1, known } = settings;
  const { number, head, base } = target;
  const pull = { repository, number, head };
  const options: PublishOptions = { reporter: { pull: number, base, run }, details, actions, again, pace };
  const { published } = await startCheck(api, pull, options, known);
  // Counted for the current head only, which may be another by now.
  const changedFiles = published.currentHead === head ? published.changedFiles : null;
  const reviewed = await attempt(() => checkPull(target, changedFiles, settings));
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
  const { opened, completed, failOn } = reviewed.value;
  try {
    const { review, acknowledged } = completed;
    const output = checkOutput(review, failOn, [...notes, ...(completed.notes ?? [])], acknowledged);
    await completed.before?.();
    const publication = await publish(api, pull, review, opened.change, output, options);
    await completed.after?.();
    return { review, output, publication, failure: null };
  } finally {
    opened.close();
  }
}

async function checkPull(
  { number, title, base, head }: Target,
  changedFiles: number | null,
  settings: ReviewSettings,
): Promise<{ readonly opened: OpenedPull; readonly completed: Completed; readonly failOn: Threshold }> {
  const path = settings.config ?? CONFIG_PATH;
  const opened = await settings.open({ number, base, head, changedFiles }, [path]);
  try {
    const { change } = opened;
    const config = await loadConfig(change.tip, path);
    const subjects = [title, ...(change.subjects ?? [])];
    const review = await settings.check(change, config, subjects);
    const completed = await settings.complete(review, change, config);
    return { opened, completed, failOn: settings.failOn ?? config.failOn };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Our own mistakes are told without what they hold: it may be a stranger's text, and the log has all of it. */
export function reasonOf(failure: unknown): string {
  if (failure instanceof VerifodError) return messageOf(failure);
  return "Verifod failed: this is a mistake of its own; the log of the run has the details";
}
