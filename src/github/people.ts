/** The people around a review: whom its findings concern, who maintains what it touches, and who is told. */
import type { PullChange } from "../change/api.ts";
import { pathOf } from "../change/change.ts";
import type { GitHubApi } from "../change/github-api.ts";
import type { Config } from "../config.ts";
import type { Documents } from "../nix/documents.ts";
import { readOwners } from "../owners/codeowners.ts";
import { type Maintainers, readMaintainers } from "../owners/maintainers.ts";
import { type Concern, concernsOf, subsystemsOf } from "../owners/subsystems.ts";
import { code } from "../report/markdown-escape.ts";
import type { Review } from "../report/review.ts";
import { type Acknowledged, isAcknowledged } from "./acknowledgements.ts";
import { alertBody, concernLines, planAlerts, toldBy } from "./alerts.ts";
import { bySeverity } from "./check-output.ts";
import { type Conversation, readConversation, writeRemark } from "./conversation.ts";
import type { PullRequest } from "./published.ts";

export interface People {
  /** What the check run says of them: Markdown. */
  readonly notes: readonly string[];
  readonly concerns: readonly Concern[];
}

const mostShown = 20;

/**
 * Whom a review concerns. Nothing for one without findings, which concerns nobody. `unsaid`: those of whom there is no
 * room for a mention. Everything is read from the tip of the base.
 */
export async function peopleOf(
  review: Review,
  change: PullChange,
  config: Config,
  acknowledged: Acknowledged,
  documents: Documents,
): Promise<People> {
  if (review.findings.length === 0) return { notes: [], concerns: [] };
  const owners = await readOwners(change.tip, config.owners);
  const open = bySeverity(review.findings).filter((finding) => !isAcknowledged(acknowledged, finding));
  const concerns = concernsOf(open, subsystemsOf(config), owners);
  const paths = [...new Set(review.findings.map(({ path }) => path))];
  const owning = [...new Set(paths.flatMap((path) => owners?.of(path) ?? []))];
  const maintainers = await maintainersOf(change, documents, new Set(paths));
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

/** Who maintains the packages of a change, as the base has it; of the files at `paths`, or of all. */
export function maintainersOf(
  change: PullChange,
  documents: Documents,
  paths: ReadonlySet<string> | null = null,
): Promise<Maintainers> {
  const files = change.files.filter(
    (file) => paths === null || paths.has(pathOf(file)) || paths.has(file.base?.path ?? ""),
  );
  // What a package is called now is what the base knows it by, unless the change moves it.
  const places = files.flatMap((file) => [file.base?.path ?? file.head?.path ?? []].flat());
  return readMaintainers(change.tip, places, documents);
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
  const more = shown.length - mostShown;
  return `${shown.slice(0, mostShown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Who is told now, of what; `notes` says so in the check run. */
export interface Alerts {
  readonly notes: readonly string[];
  /** The comment that tells; null: none is due. */
  readonly body: string | null;
}

/** What there is to tell, after what has been told on this pull request. A draft, and the author, are left in peace. */
export function alertsFor(concerns: readonly Concern[], conversation: Conversation, limit: number): Alerts {
  const { own, whole, author, draft } = conversation;
  const others = concerns.filter(
    ({ whom }) => whom.toLowerCase() !== `@${author?.login ?? ""}`.toLowerCase(),
  );
  // Where ours cannot all be seen, somebody could be told twice.
  const room = draft || !whole ? 0 : limit;
  const { say, unsaid } = planAlerts(others, toldBy(own.map(({ body }) => body)), room);
  return { notes: concernLines(others, draft ? [] : unsaid), body: say.length > 0 ? alertBody(say) : null };
}

/**
 * Tells teams of what concerns them. It looks again at what has been said before it says anything.
 * @throws what the API throws
 */
export async function tell(
  api: GitHubApi,
  pull: PullRequest,
  concerns: readonly Concern[],
  limit: number,
): Promise<void> {
  const { body } = alertsFor(concerns, await readConversation(api, pull), limit);
  if (body !== null) await writeRemark(api, pull, body, undefined);
}
