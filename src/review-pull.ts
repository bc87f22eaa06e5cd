/** A static review of a pull request and its publication: what the Action and the App share. */
import type { PullChange, PullRange } from "./change/api.ts";
import type { Change } from "./change/change.ts";
import type { GitHubApi, RepositoryName } from "./change/github-api.ts";
import { CONFIG_PATH, type Config, DEFAULT_CONFIG } from "./config.ts";
import { attempt, messageOf, VerifodError } from "./errors.ts";
import { type Acknowledged, NOTHING } from "./github/acknowledgements.ts";
import { type CheckOutput, checkOutput, failing } from "./github/check-output.ts";
import { readConversation } from "./github/conversation.ts";
import { type Alerts, alertsFor, peopleOf, tell } from "./github/people.ts";
import type { CheckAction } from "./github/plan.ts";
import {
  type Publication,
  type PublishOptions,
  publish,
  publishCheck,
  startCheck,
  untilAnswered,
} from "./github/publish.ts";
import type { Published, PullRequest } from "./github/published.ts";
import { loadConfig } from "./load-config.ts";
import type { Documents } from "./nix/documents.ts";
import { OWNER_PLACES } from "./owners/codeowners.ts";
import type { Concern } from "./owners/subsystems.ts";
import { failedReview } from "./report/failed.ts";
import type { Finding, Review } from "./report/review.ts";
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

export interface ReviewSettings extends Pick<PublishOptions, "again" | "pace"> {
  readonly repository: RepositoryName;
  /** Greater than that of each earlier run that reports as the same app. */
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
  /** Completes the static review before it is published, as with verdicts of Nix. */
  readonly complete: (review: Review, change: Change, config: Config) => Promise<Review>;
  /** What people have acknowledged of a review's findings, even where the review failed; by default nothing. */
  readonly acknowledged?: (review: Review, config: Config, published: Published) => Promise<Acknowledged>;
  /** Whether to look up the accounts of maintainers, in lists that take requests of their own; else their names do. */
  readonly accounts: boolean;
  /** For reading Nix texts of the base. */
  readonly documents: () => Promise<Documents>;
  /** Sentences to put above the summary. */
  readonly notes: readonly string[];
  /** Buttons of the check run. `open`: the findings that fail it. */
  readonly actions?: (open: readonly Finding[]) => readonly CheckAction[];
  /** What is known to be published already, so that it is not asked again. */
  readonly known?: Published;
}

/**
 * Reviews and publishes. The check run is there before anything else is done, and is completed whatever happens: a
 * review that could not be done asks for action.
 * @throws VerifodError (outside) when GitHub does not take the result
 */
export async function reviewPull(api: GitHubApi, target: Target, settings: ReviewSettings): Promise<Outcome> {
  const { repository, run, details, notes, again = false, pace = 1, known } = settings;
  const { actions = () => [], acknowledged: acknowledgedIn = async () => NOTHING } = settings;
  const { number, head, base } = target;
  const pull = { repository, number, head };
  const options: PublishOptions = { reporter: { pull: number, base, run }, details, again, pace };
  const { published } = await startCheck(api, pull, options, known);
  // Counted for the current head only, which may be another by now.
  const changedFiles = published.currentHead === head ? published.changedFiles : null;
  const reviewed = await attempt(() => checkPull(target, changedFiles, settings));
  if (reviewed.failure !== null) {
    const result = failedReview(base, head, reasonOf(reviewed.failure));
    const acknowledged = await acknowledgedIn(result, DEFAULT_CONFIG, published);
    const output = checkOutput(result, "high", notes, acknowledged);
    const { check } = await publishCheck(api, pull, output, { ...options, actions: actions([]) });
    const missing = check === "denied" ? (["checks: write"] as const) : [];
    return {
      review: result,
      output,
      publication: { check, comments: "skipped", missing },
      failure: reviewed.failure,
    };
  }
  const { opened, result, config, failOn } = reviewed.value;
  try {
    const acknowledged = await acknowledgedIn(result, config, published);
    const alerts = await attempt(() =>
      findPeople(api, pull, settings, opened.change, result, config, acknowledged),
    );
    const said =
      alerts.failure === null ? alerts.value.notes : ["Whom this concerns could not be found out."];
    const output = checkOutput(result, failOn, [...notes, ...said], acknowledged);
    const buttons = actions(failing(result, failOn, acknowledged));
    // Before the check run is completed: one that is says that all is done.
    const told = await attempt(async () => {
      if (alerts.failure !== null || !alerts.value.due || !published.open || published.currentHead !== head)
        return;
      const { concerns } = alerts.value;
      await untilAnswered(pace, () => tell(api, pull, concerns, config.mentions));
    });
    const publication = await publish(api, pull, result, opened.change, output, {
      ...options,
      actions: buttons,
    });
    return { review: result, output, publication, failure: alerts.failure ?? told.failure };
  } finally {
    opened.close();
  }
}

interface Checked {
  readonly opened: OpenedPull;
  readonly result: Review;
  readonly config: Config;
  readonly failOn: Threshold;
}

async function checkPull(
  { number, title, base, head }: Target,
  changedFiles: number | null,
  settings: ReviewSettings,
): Promise<Checked> {
  const path = settings.config ?? CONFIG_PATH;
  const opened = await settings.open({ number, base, head, changedFiles }, [path, ...OWNER_PLACES]);
  try {
    const { change } = opened;
    const config = await loadConfig(change.tip, path);
    const subjects = [title, ...(change.subjects ?? [])];
    const result = await settings.complete(await settings.check(change, config, subjects), change, config);
    return { opened, result, config, failOn: settings.failOn ?? config.failOn };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Whom a review concerns, and what the check run says of them. */
async function findPeople(
  api: GitHubApi,
  pull: PullRequest,
  { documents, accounts, pace }: ReviewSettings,
  change: PullChange,
  review: Review,
  config: Config,
  acknowledged: Acknowledged,
): Promise<Alerts & { readonly concerns: readonly Concern[] }> {
  const texts = await documents();
  const { notes, concerns } = await peopleOf(review, change, config, acknowledged, texts, accounts);
  if (concerns.length === 0) return { notes, concerns, due: false };
  const conversation = await untilAnswered(pace, () => readConversation(api, pull));
  const alerts = alertsFor(concerns, conversation, config.mentions);
  return { ...alerts, notes: [...notes, ...alerts.notes], concerns };
}

/** Our own mistakes are told without what they hold: it may be a stranger's text, and the log has all of it. */
export function reasonOf(failure: unknown): string {
  if (failure instanceof VerifodError) return messageOf(failure);
  return "Verifod failed: this is a mistake of its own; the log of the run has the details";
}
