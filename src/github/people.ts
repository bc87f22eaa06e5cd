/** The people around a review: whom its findings concern, who maintains what it touches, and who is notified. */
import type { PullChange } from "../change/api.ts";
import { type FileChange, pathOf } from "../change/change.ts";
import { type GitHubApi, isForbidden } from "../change/github-api.ts";
import type { Config } from "../config.ts";
import type { Documents } from "../nix/documents.ts";
import { readOwners } from "../owners/codeowners.ts";
import { type Maintainers, readMaintainers } from "../owners/maintainers.ts";
import { type Concern, concernsOf, subsystemsOf } from "../owners/subsystems.ts";
import { code } from "../report/markdown-escape.ts";
import type { Review } from "../report/review.ts";
import { bySeverity } from "../report/status.ts";
import { type Acknowledged, isAcknowledged } from "./acknowledgements.ts";
import { type AlertPlan, alertBody, concernLines, planAlerts, toldBy } from "./alerts.ts";
import { type Conversation, readConversation, writeRemark } from "./conversation.ts";
import type { PullRequest } from "./published.ts";

export interface People {
  /** What the check run says of them: Markdown. */
  readonly notes: readonly string[];
  readonly concerns: readonly Concern[];
}

const MOST_SHOWN = 20;

/**
 * Whom a review concerns; nobody, when it has no findings. Everything is read from the tip of the base. `accounts`: also
 * whose accounts the names of maintainers are.
 */
export async function peopleOf(
  review: Review,
  change: PullChange,
  config: Config,
  acknowledged: Acknowledged,
  documents: Documents,
  accounts: boolean,
): Promise<People> {
  if (review.findings.length === 0) return { notes: [], concerns: [] };
  const owners = await readOwners(change.tip, config.owners);
  const open = bySeverity(review.findings).filter((finding) => !isAcknowledged(acknowledged, finding));
  const concerns = concernsOf(open, subsystemsOf(config), owners);
  const paths = [...new Set(review.findings.map(({ path }) => path))];
  const owning = [...new Set(paths.flatMap((path) => owners?.of(path) ?? []))];
  const places = placesOf(
    change,
    (file) => paths.includes(pathOf(file)) || paths.includes(file.base?.path ?? ""),
  );
  // Shown only: the files of the merge base are here already.
  const trees = { packages: change.base, lists: accounts ? change.tip : null };
  const maintainers = await readMaintainers(trees, places, documents);
  return {
    concerns,
    notes: [
      ...(owning.length > 0
        ? [`These files belong to ${listed(owning)} (${code(owners?.file ?? "")}).`]
        : []),
      ...maintainerLines(maintainers),
    ],
  };
}

/**
 * Whether an account (by its number) maintains a package that a change touches, as far as the text of the base decides.
 * @throws VerifodError (outside) when the base cannot be read
 */
export async function isMaintainerOf(change: PullChange, documents: Documents, id: number): Promise<boolean> {
  const trees = { packages: change.tip, lists: change.tip };
  const { people } = await readMaintainers(
    trees,
    placesOf(change, () => true),
    documents,
  );
  return people.some(({ githubId }) => githubId === id);
}

/** The files of a change as the base knows them. */
function placesOf({ files }: PullChange, isWanted: (file: FileChange) => boolean): readonly string[] {
  return files.filter(isWanted).map((file) => (file.base ?? file.head).path);
}

function maintainerLines({ people, unknown }: Maintainers): readonly string[] {
  if (people.length === 0 && unknown.length === 0) return [];
  const known = people.map(({ handle, github }) =>
    github === null || github === handle ? code(handle) : `${code(handle)} (${code(github)})`,
  );
  const left = unknown.length > 0 ? [`not found out: ${listed(unknown)}`] : [];
  return [
    `Maintainers, as the base has them: ${[...(known.length > 0 ? [cut(known)] : []), ...left].join("; ")}.`,
  ];
}

function listed(values: readonly string[]): string {
  return cut(values.map((value) => code(value, 100)));
}

function cut(shown: readonly string[]): string {
  const more = shown.length - MOST_SHOWN;
  return `${shown.slice(0, MOST_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Who is notified now, and of what; `notes` says so in the check run. */
export interface Alerts {
  readonly notes: readonly string[];
  /** Whether somebody still has to be notified. */
  readonly due: boolean;
}

/** What is left to tell on this pull request. Drafts notify nobody, and nothing notifies the author. */
export function alertsFor(concerns: readonly Concern[], conversation: Conversation, limit: number): Alerts {
  const others = withoutAuthor(concerns, conversation);
  const { say, unsaid } = plan(others, conversation, limit);
  return { notes: concernLines(others, conversation.draft ? [] : unsaid), due: say.length > 0 };
}

function withoutAuthor(concerns: readonly Concern[], { author }: Conversation): readonly Concern[] {
  return concerns.filter(({ whom }) => whom.toLowerCase() !== `@${author?.login ?? ""}`.toLowerCase());
}

function plan(concerns: readonly Concern[], { own, whole, draft }: Conversation, limit: number): AlertPlan {
  // If not all our comments are seen, somebody could be notified twice.
  return planAlerts(concerns, toldBy(own.map(({ body }) => body)), draft || !whole ? 0 : limit);
}

/**
 * Notifies teams of what concerns them, after looking at what has been said already.
 * @throws what the API throws
 */
export async function tell(
  api: GitHubApi,
  pull: PullRequest,
  concerns: readonly Concern[],
  limit: number,
): Promise<void> {
  const conversation = await readConversation(api, pull);
  const { say } = plan(withoutAuthor(concerns, conversation), conversation, limit);
  if (say.length === 0) return;
  try {
    await writeRemark(api, pull, alertBody(say), undefined);
  } catch (error) {
    // The check run names them, and says which permission is missing.
    if (!isForbidden(error)) throw error;
  }
}
