/** What was said on a pull request, by people and by us: comments, and the texts of reviews. */
import * as z from "zod";
import type { GitHubApi } from "../change/github-api.ts";
import { VerifodError } from "../errors.ts";
import type { Account } from "./permissions.ts";
import type { PullRequest } from "./published.ts";

/** What a person said. */
export interface Said {
  readonly nodeId: string;
  readonly url: string;
  readonly by: Account;
  readonly body: string;
  /** As GitHub writes it. */
  readonly createdAt: string;
  readonly edited: boolean;
  /** Whether we have reacted to it. */
  readonly answered: boolean;
  /** The head that a review is of; null for a comment. */
  readonly head: string | null;
}

/** A comment of ours. */
export interface OwnRemark {
  readonly id: number;
  readonly body: string;
}

export interface Conversation {
  /** In the order of time. */
  readonly said: readonly Said[];
  readonly own: readonly OwnRemark[];
  /** False: there are more comments than were looked at, and ours may be among them. */
  readonly whole: boolean;
  /** The account that opened the pull request; null: it is gone. */
  readonly author: Account | null;
  readonly draft: boolean;
}

/** Pages of 100 comments. */
const MOST_PAGES = 10;

/** The fields of a comment or a review in GraphQL. */
export const SAID = `id databaseId url body createdAt lastEditedAt viewerDidAuthor
  author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
  reactionGroups { viewerHasReacted }`;
const COMMENTS = `comments(last: 100, before: $before) {
  pageInfo { hasPreviousPage startCursor }
  nodes { ${SAID} }
}`;
const FIRST = `query ($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    isDraft
    author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
    reviews(last: 100) { nodes { ${SAID} commit { oid } } }
    ${COMMENTS}
  } }
}`;
const MORE = `query ($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { ${COMMENTS} } }
}`;

const actor = z.object({
  __typename: z.string(),
  login: z.string(),
  databaseId: z.number().nullish(),
});
/** What `SAID` gives. */
export const saidSchema = z.object({
  id: z.string(),
  databaseId: z.number().nullable(),
  url: z.string(),
  body: z.string(),
  createdAt: z.string(),
  lastEditedAt: z.string().nullable(),
  viewerDidAuthor: z.boolean(),
  author: actor.nullable(),
  reactionGroups: z.array(z.object({ viewerHasReacted: z.boolean() })).nullable(),
  commit: z.object({ oid: z.string() }).nullish(),
});
const commentsSchema = z.object({
  pageInfo: z.object({ hasPreviousPage: z.boolean(), startCursor: z.string().nullable() }),
  nodes: z.array(saidSchema),
});
const answer = <T extends z.ZodType>(pullRequest: T) =>
  z.object({ repository: z.object({ pullRequest: pullRequest.nullable() }).nullable() });
const firstSchema = answer(
  z.object({
    isDraft: z.boolean(),
    author: actor.nullable(),
    reviews: z.object({ nodes: z.array(saidSchema) }).nullable(),
    comments: commentsSchema,
  }),
);
const moreSchema = answer(z.object({ comments: commentsSchema }));

/**
 * What has been said on a pull request, the latest thousand comments and hundred reviews of it.
 * @throws VerifodError (outside) when there is no such pull request
 */
export async function readConversation(
  api: GitHubApi,
  { repository, number }: PullRequest,
): Promise<Conversation> {
  const variables = { ...repository, number };
  const first = firstSchema.parse(await api.graphql(FIRST, { ...variables, before: null }));
  const pull = first.repository?.pullRequest;
  if (!pull) throw new VerifodError("outside", `#${number} cannot be seen any more`);
  let page = pull.comments;
  const all = [...page.nodes];
  for (let pages = 1; page.pageInfo.hasPreviousPage && pages < MOST_PAGES; pages += 1) {
    const more = await api.graphql(MORE, { ...variables, before: page.pageInfo.startCursor });
    const next = moreSchema.parse(more).repository?.pullRequest?.comments;
    if (next === undefined) break;
    page = next;
    all.unshift(...page.nodes);
  }
  const reviews = pull.reviews?.nodes ?? [];
  return {
    said: saidIn([...all, ...reviews]),
    own: all.flatMap(({ viewerDidAuthor, databaseId, body }) =>
      viewerDidAuthor && databaseId !== null ? [{ id: databaseId, body }] : [],
    ),
    whole: !page.pageInfo.hasPreviousPage,
    author: accountOf(pull.author),
    draft: pull.isDraft,
  };
}

/** What people said in comments and reviews, in the order of time. */
export function saidIn(nodes: readonly z.infer<typeof saidSchema>[]): readonly Said[] {
  return nodes.flatMap(saidBy).sort((a, b) => compare(a.createdAt, b.createdAt));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A bot gets its REST name, `SLUG[bot]`: the name that GraphQL gives it could be a person's. */
function accountOf(who: z.infer<typeof actor> | null): Account | null {
  if (who?.databaseId === null || who?.databaseId === undefined) return null;
  const login = who.__typename === "Bot" ? `${who.login.replace(/\[bot\]$/, "")}[bot]` : who.login;
  return { id: who.databaseId, login };
}

/** Nothing for what a bot said. */
function saidBy(node: z.infer<typeof saidSchema>): Said[] {
  const by = node.author?.__typename === "User" && !node.viewerDidAuthor ? accountOf(node.author) : null;
  if (by === null) return [];
  return [
    {
      nodeId: node.id,
      url: node.url,
      by,
      body: node.body,
      createdAt: node.createdAt,
      edited: node.lastEditedAt !== null,
      answered: node.reactionGroups?.some(({ viewerHasReacted }) => viewerHasReacted) ?? false,
      head: node.commit?.oid ?? null,
    },
  ];
}

/** How we react: GitHub's names. */
export type Reaction = "ROCKET" | "THUMBS_UP" | "THUMBS_DOWN" | "CONFUSED";

const REACT = `mutation ($id: ID!, $content: ReactionContent!) {
  addReaction(input: { subjectId: $id, content: $content }) { clientMutationId }
}`;

/** Marks something said as answered; doing so twice changes nothing. */
export async function react(api: GitHubApi, { nodeId }: Said, content: Reaction): Promise<void> {
  await api.graphql(REACT, { id: nodeId, content });
}

/** Writes a comment; `known`: the one of ours to change. */
export async function writeRemark(
  api: GitHubApi,
  { repository: { owner, name }, number }: PullRequest,
  body: string,
  known: OwnRemark | undefined,
): Promise<void> {
  if (known === undefined) {
    const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments";
    await api.request(route, { owner, repo: name, issue_number: number, body });
    return;
  }
  const route = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}";
  await api.request(route, { owner, repo: name, comment_id: known.id, body });
}
