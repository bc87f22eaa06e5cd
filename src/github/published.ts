/** Reads what is on GitHub already, with one query, before anything is written. */
import * as z from "zod";
import { type GitHubApi, isForbidden, isGraphqlError, type RepositoryName } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import { parseMarker } from "./comment-text.ts";

export const CHECK_NAME = "verifod";
/** Pages of 100 threads; a pull request with more gets no new comments, since one could be there already. */
const MOST_THREAD_PAGES = 5;

/** A pull request at a head. */
export interface PullRequest {
  readonly repository: RepositoryName;
  readonly number: number;
  readonly head: string;
}

/** A check run of ours on the head, for this pull request. */
export interface OwnCheck {
  readonly id: number;
  readonly completed: boolean;
  readonly annotations: number;
  /** When it was begun, as GitHub writes it. */
  readonly startedAt: string;
  readonly mark: CheckMark;
}

/** What a check run's `external_id` says: which pull request, of which base, by which run, with which result. */
export interface CheckMark {
  readonly pull: number;
  readonly base: string;
  /** Grows with each run: a later run overrules an earlier one. */
  readonly run: number;
  /** The digest of its output; null: none yet. */
  readonly result: string | null;
  /** How many acknowledgements stand in its text. */
  readonly acknowledged: number;
}

/** A line comment of ours. */
export interface OwnComment {
  readonly id: string;
  readonly body: string;
  readonly fingerprint: string;
  readonly solved: boolean;
  readonly minimized: boolean;
  /** Whether somebody else wrote in its thread. */
  readonly answered: boolean;
}

export interface Published {
  /** The newest first. */
  readonly checks: readonly OwnCheck[];
  readonly comments: readonly OwnComment[];
  /** False: there are more threads than were looked at. */
  readonly allComments: boolean;
  /** The pull request as it is now. */
  readonly open: boolean;
  readonly currentHead: string;
  readonly currentBase: string;
  readonly changedFiles: number;
  readonly title: string;
}

const THREADS = `reviewThreads(first: 100, after: $after) {
  pageInfo { hasNextPage endCursor }
  nodes { comments(first: 2) { totalCount nodes { id body viewerDidAuthor isMinimized } } }
}`;
const STATE = `query ($owner: String!, $name: String!, $number: Int!, $head: GitObjectID!, $check: String!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    object(oid: $head) { ... on Commit { checkSuites(first: 50, filterBy: { checkName: $check }) { nodes {
      app { slug }
      checkRuns(first: 50, filterBy: { checkName: $check, checkType: ALL }) { nodes {
        databaseId externalId status startedAt annotations(first: 1) { totalCount }
      } }
    } } } }
    pullRequest(number: $number) { state title headRefOid baseRefOid changedFiles ${THREADS} }
  }
}`;
const MORE = `query ($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { ${THREADS} } }
}`;

const threads = z.object({
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  nodes: z.array(
    z.object({
      comments: z.object({
        totalCount: z.number(),
        nodes: z.array(
          z.object({
            id: z.string(),
            body: z.string(),
            viewerDidAuthor: z.boolean(),
            isMinimized: z.boolean(),
          }),
        ),
      }),
    }),
  ),
});
const run = z.object({
  databaseId: z.number(),
  externalId: z.string().nullable(),
  status: z.string(),
  startedAt: z.string().nullable(),
  annotations: z.object({ totalCount: z.number() }).nullable(),
});
const suite = z.object({
  app: z.object({ slug: z.string() }).nullable(),
  checkRuns: z.object({ nodes: z.array(run) }).nullable(),
});
const stateSchema = z.object({
  viewer: z.object({ login: z.string() }),
  repository: z
    .object({
      object: z.object({ checkSuites: z.object({ nodes: z.array(suite) }).nullish() }).nullable(),
      pullRequest: z
        .object({
          state: z.string(),
          title: z.string(),
          headRefOid: z.string(),
          baseRefOid: z.string(),
          changedFiles: z.number(),
          reviewThreads: threads,
        })
        .nullable(),
    })
    .nullable(),
});
const moreSchema = z.object({ repository: z.object({ pullRequest: z.object({ reviewThreads: threads }) }) });

/**
 * What we have on GitHub for a pull request at a head. Ours is only what the token's own account has made; no name, marker or
 * copy of one makes anything ours.
 * @throws VerifodError (outside) when there is no such pull request
 */
export async function readPublished(api: GitHubApi, pull: PullRequest): Promise<Published> {
  const { repository, number, head } = pull;
  const variables = { ...repository, number, head, check: CHECK_NAME, after: null };
  const { viewer, repository: found } = stateSchema.parse(await ask(api, STATE, variables));
  const current = found?.pullRequest;
  if (!found || !current) {
    throw new VerifodError(
      "outside",
      `${repository.owner}/${repository.name} has no pull request #${number} that this token may see`,
    );
  }
  let page = current.reviewThreads;
  const all = [...page.nodes];
  for (let pages = 1; page.pageInfo.hasNextPage && pages < MOST_THREAD_PAGES; pages += 1) {
    const more = await api.graphql(MORE, { ...repository, number, after: page.pageInfo.endCursor });
    page = moreSchema.parse(more).repository.pullRequest.reviewThreads;
    all.push(...page.nodes);
  }
  // For tokens of an app, that of a workflow too, the viewer is the app's bot: `SLUG[bot]`, seen for instance in
  // https://github.com/joshjohanning/bulk-github-repo-settings-sync-action/pull/194. Nobody else can have that name; a
  // person can be called SLUG, and has no check runs.
  const [, slug] = /^(.+)\[bot\]$/.exec(viewer.login) ?? [];
  const runs = (found.object?.checkSuites?.nodes ?? [])
    .filter(({ app }) => slug !== undefined && app?.slug === slug)
    .flatMap(({ checkRuns }) => checkRuns?.nodes ?? []);
  return {
    checks: runs
      .flatMap((each) => ownCheck(each, number))
      .sort((a, b) => b.mark.run - a.mark.run || b.id - a.id),
    comments: all.flatMap(ownComment),
    allComments: !page.pageInfo.hasNextPage,
    open: current.state === "OPEN",
    currentHead: current.headRefOid,
    currentBase: current.baseRefOid,
    changedFiles: current.changedFiles,
    title: current.title,
  };
}

/** Without access to checks a token still gets the rest; writing then says which permission is missing. */
async function ask(
  api: GitHubApi,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  try {
    return await api.graphql(query, variables);
  } catch (error) {
    if (isGraphqlError(error) && isForbidden(error)) return error.data;
    throw error;
  }
}

function ownCheck(
  { databaseId: id, externalId, status, startedAt, annotations }: z.infer<typeof run>,
  pull: number,
): OwnCheck[] {
  const mark = parseMark(externalId ?? "");
  if (mark?.pull !== pull) return [];
  const completed = status === "COMPLETED";
  return [{ id, completed, annotations: annotations?.totalCount ?? 0, startedAt: startedAt ?? "", mark }];
}

function ownComment({ comments }: z.infer<typeof threads>["nodes"][number]): OwnComment[] {
  const [first] = comments.nodes;
  if (!first?.viewerDidAuthor) return [];
  const marker = parseMarker(first.body);
  if (marker === null) return [];
  const { id, body, isMinimized } = first;
  return [{ id, body, ...marker, minimized: isMinimized, answered: comments.totalCount > 1 }];
}

const MARK =
  /^verifod\/1 pull=(\d{1,10}) base=([0-9a-f]{40,64}) run=(\d{1,15}) result=([0-9a-f]{16}|none)(?: acknowledged=(\d{1,3}))?$/;

export function formatMark({ pull, base, run, result, acknowledged }: CheckMark): string {
  const more = acknowledged > 0 ? ` acknowledged=${acknowledged}` : "";
  return `verifod/1 pull=${pull} base=${base} run=${run} result=${result ?? "none"}${more}`;
}

export function parseMark(text: string): CheckMark | null {
  const [, pull, base, run, result, acknowledged = "0"] = MARK.exec(text) ?? [];
  if (base === undefined) return null;
  return {
    pull: Number(pull),
    base,
    run: Number(run),
    result: result === "none" ? null : (result ?? null),
    acknowledged: Number(acknowledged),
  };
}
