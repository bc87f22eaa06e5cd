/** GitHub's GraphQL API on the world: the real schema's types and fields, cut to those that are asked for. */

import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import {
  buildSchema,
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  isAbstractType,
  parse,
  validate,
} from "graphql";
import { addReaction } from "./conversation.ts";
import { diffFiles, mergeBase, parseItem, type TreeItem, treeItem, tryGit } from "./git-data.ts";
import {
  type CheckRun,
  demand,
  type Identity,
  type Pull,
  Refusal,
  type ReviewComment,
  type Said,
  type World,
} from "./state.ts";
import { ownerOf, upstreamOf } from "./upstreams.ts";

const schema = buildSchema(readFileSync(new URL("./schema.graphql", import.meta.url), "utf8"));
for (const type of Object.values(schema.getTypeMap())) {
  if (isAbstractType(type)) type.resolveType = (value: { __typename: string }) => value.__typename;
}

/** Where GitHub cuts the text of a blob. */
const longestText = 512_000;

export interface GraphqlResult {
  readonly data?: unknown;
  readonly errors?: readonly unknown[];
}

const documents = new Map<string, DocumentNode>();

/** A query that the schema allows. @throws GraphQLError */
function documentOf(query: string): DocumentNode {
  const known = documents.get(query);
  if (known !== undefined) return known;
  const document = parse(query);
  const [error] = validate(schema, document);
  if (error !== undefined) throw error;
  documents.set(query, document);
  return document;
}

async function executed(
  query: string,
  rootValue: unknown,
  variableValues: Record<string, unknown>,
): Promise<ExecutionResult> {
  try {
    return await execute({ schema, document: documentOf(query), rootValue, variableValues });
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
}

/** Runs a query; what it asks beyond the schema, and what is refused, is in `errors`. */
export async function runGraphql(
  world: World,
  identity: Identity,
  { query, variables = {} }: { readonly query: string; readonly variables?: Record<string, unknown> },
): Promise<GraphqlResult> {
  const root = { ...queries(world, identity), ...mutations(world, identity) };
  const result = await executed(query, root, variables);
  const errors = result.errors?.map((error) => ({
    message: error.message,
    path: error.path,
    ...(error.originalError instanceof Refusal && {
      type: error.originalError.status === 404 ? "NOT_FOUND" : "FORBIDDEN",
    }),
  }));
  return JSON.parse(JSON.stringify({ data: result.data, ...(errors && { errors }) })) as GraphqlResult;
}

export interface Page {
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
}

export function connection<T, R>(
  items: readonly T[],
  { first, after, last, before }: Page,
  map: (item: T) => R,
): object {
  const size = first ?? last;
  if (size === undefined || size > 100) throw new Error("`first` or `last` must be between 1 and 100");
  const stop = Math.min(items.length, Number(before ?? items.length));
  const start = last === undefined ? Number(after ?? 0) : Math.max(0, stop - last);
  const end = last === undefined ? Math.min(items.length, start + size) : stop;
  return {
    totalCount: items.length,
    nodes: items.slice(start, end).map(map),
    pageInfo: {
      hasNextPage: end < items.length,
      endCursor: String(end),
      hasPreviousPage: start > 0,
      startCursor: String(start),
    },
  };
}

function queries(world: World, identity: Identity): object {
  return {
    rateLimit: () => ({ remaining: world.remaining }),
    viewer: { login: identity.login, databaseId: identity.id },
    repositoryOwner: ({ login }: { login: string }) => ownerOf(world, login),
    repository: ({ owner, name }: { owner: string; name: string }) => {
      if (owner !== world.owner || name !== world.name) return upstreamOf(world, owner, name);
      demand(identity, "contents", "read");
      return {
        nameWithOwner: `${owner}/${name}`,
        databaseId: world.repositoryId,
        object: ({ oid, expression }: { oid?: string; expression?: string }) =>
          objectOf(world, oid ?? expression ?? ""),
        pullRequests: (page: Page) => {
          const open = [...world.pulls.values()].filter(({ state }) => state === "open").reverse();
          return connection(open, page, (pull) => pullOf(world, identity, pull));
        },
        pullRequest: ({ number }: { number: number }) => {
          const pull = world.pulls.get(number);
          return pull === undefined ? null : pullOf(world, identity, pull);
        },
      };
    },
  };
}

function objectOf(world: World, expression: string): object | Promise<object> | null {
  const { repository } = world;
  const oid = tryGit(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", expression)
    ?.toString()
    .trim();
  if (oid === undefined) return null;
  const type = tryGit(repository, "cat-file", "-t", oid)?.toString().trim();
  switch (type) {
    case "blob":
      return blobOf(world, oid);
    case "tree":
      return { __typename: "Tree", oid, entries: () => entriesOf(world, oid) };
    case "commit":
      return {
        __typename: "Commit",
        oid,
        file: ({ path }: { path: string }) => {
          const item = treeItem(repository, oid, path);
          return item === null ? null : entryData(world, path, item);
        },
        checkSuites: (args: Page & { filterBy?: { appId?: number; checkName?: string } }) =>
          suitesOf(world, oid, args),
      };
    default:
      return null;
  }
}

async function blobOf({ blobs }: World, oid: string): Promise<object> {
  const data = await blobs.read(oid);
  const isBinary = data.includes(0) || !isUtf8(data);
  const isTruncated = data.length > longestText;
  const text = isBinary ? null : data.subarray(0, longestText).toString("utf8");
  return { __typename: "Blob", oid, byteSize: data.length, isBinary, isTruncated, text };
}

function entriesOf(world: World, oid: string): object[] {
  const lines = (tryGit(world.repository, "ls-tree", "-z", oid) ?? "").toString().split("\0");
  return lines.filter(Boolean).map((line) => entryData(world, ...parseItem(line)));
}

function entryData(world: World, path: string, item: TreeItem): object {
  const object = () => {
    if (item.type === "commit") return null;
    return item.type === "blob" ? blobOf(world, item.oid) : objectOf(world, item.oid);
  };
  return { ...item, path, name: path.split("/").at(-1), object };
}

function suitesOf(
  world: World,
  commit: string,
  { filterBy, ...page }: Page & { filterBy?: { appId?: number; checkName?: string } },
): object {
  const wanted = (run: CheckRun, name?: string): boolean => name === undefined || run.name === name;
  const runs = world.checkRuns.filter((run) => run.head_sha === commit && wanted(run, filterBy?.checkName));
  const apps = [...new Map(runs.map((run) => [run.by.app?.id, run.by.app])).values()].filter(
    (app) => filterBy?.appId === undefined || app?.id === filterBy.appId,
  );
  return connection(apps, page, (app) => ({
    app: app && { slug: app.slug, databaseId: app.id },
    checkRuns: ({
      filterBy: filter,
      ...inner
    }: Page & { filterBy?: { checkName?: string; checkType?: string } }) => {
      const own = runs
        .filter((run) => run.by.app?.id === app?.id && wanted(run, filter?.checkName))
        .reverse();
      return connection(filter?.checkType === "ALL" ? own : own.slice(0, 1), inner, checkRunOf);
    },
  }));
}

function checkRunOf(run: CheckRun): object {
  return {
    databaseId: run.id,
    name: run.name,
    externalId: run.external_id,
    status: run.status.toUpperCase(),
    conclusion: run.conclusion?.toUpperCase() ?? null,
    startedAt: run.started_at,
    annotations: (page: Page) => connection(run.annotations, page, () => ({})),
  };
}

function pullOf(world: World, identity: Identity, pull: Pull): object {
  return {
    number: pull.number,
    state: pull.state.toUpperCase(),
    title: pull.title,
    headRefOid: pull.head.sha,
    commits: () => ({ nodes: [{ commit: objectOf(world, pull.head.sha) }] }),
    baseRefOid: pull.base.sha,
    baseRefName: pull.base.ref,
    isDraft: pull.draft,
    author: actorOf(pull.author),
    comments: (page: Page) =>
      connection(
        world.issueComments.filter((comment) => comment.pull === pull.number),
        page,
        (comment) => saidOf(world, identity, comment),
      ),
    reviews: (page: Page) =>
      connection(
        world.reviews.filter((review) => review.pull === pull.number),
        page,
        (review) => saidOf(world, identity, review),
      ),
    changedFiles: () => {
      const from = mergeBase(world.repository, pull.base.sha, pull.head.sha);
      return diffFiles(world.repository, from, pull.head.sha).length;
    },
    reviewThreads: (page: Page) => {
      const roots = world.reviewComments.filter(
        (each) => each.pull === pull.number && each.inReplyTo === null,
      );
      return connection(roots, page, (root) => ({
        id: `PRRT_${root.id}`,
        isResolved: false,
        path: root.path,
        comments: (inner: Page) => {
          const replies = world.reviewComments.filter((each) => each.inReplyTo === root.id);
          return connection([root, ...replies], inner, (comment) => commentOf(identity, comment));
        },
      }));
    },
  };
}

function commentOf(viewer: Identity, comment: ReviewComment): object {
  const { by } = comment;
  return {
    __typename: "PullRequestReviewComment",
    id: comment.nodeId,
    databaseId: comment.id,
    body: comment.body,
    author: actorOf(by),
    viewerDidAuthor: by.id === viewer.id,
    isMinimized: comment.minimized !== null,
    minimizedReason: comment.minimized,
  };
}

/** GraphQL names a bot without the suffix that REST gives it. */
function actorOf({ login, id, app }: Identity): object {
  return { __typename: app ? "Bot" : "User", login: login.replace(/\[bot\]$/, ""), databaseId: id };
}

function saidOf(world: World, viewer: Identity, comment: Said): object {
  const { by, pull, reactions } = comment;
  const contents = ["THUMBS_UP", "THUMBS_DOWN", "LAUGH", "HOORAY", "CONFUSED", "HEART", "ROCKET", "EYES"];
  return {
    __typename: "commit" in comment ? "PullRequestReview" : "IssueComment",
    id: comment.nodeId,
    databaseId: comment.id,
    url: `https://github.example/${world.owner}/${world.name}/pull/${pull}#${comment.nodeId}`,
    body: comment.body,
    author: actorOf(by),
    viewerDidAuthor: by.id === viewer.id,
    createdAt: comment.createdAt,
    lastEditedAt: comment.editedAt,
    reactionGroups: contents.map((content) => ({
      content,
      viewerHasReacted: reactions.some((each) => each.content === content && each.by.id === viewer.id),
    })),
    ...("commit" in comment && { commit: () => objectOf(world, String(comment.commit)) }),
  };
}

function mutations(world: World, identity: Identity): object {
  const find = (nodeId: string): ReviewComment => {
    demand(identity, "pull_requests", "write");
    const comment = world.reviewComments.find((each) => each.nodeId === nodeId);
    if (comment === undefined)
      throw new Error(`Could not resolve to a node with the global id of '${nodeId}'`);
    return comment;
  };
  return {
    updatePullRequestReviewComment: ({
      input,
    }: {
      input: { pullRequestReviewCommentId: string; body: string };
    }) => {
      const comment = find(input.pullRequestReviewCommentId);
      if (comment.by.id !== identity.id) throw new Refusal(403, "Viewer cannot update this comment");
      if (input.body.length > 65_536) throw new Error("Body is too long (maximum is 65536 characters)");
      comment.body = input.body;
      comment.edits += 1;
      return { pullRequestReviewComment: commentOf(identity, comment) };
    },
    addReaction: ({ input }: { input: { subjectId: string; content: string } }) => {
      demand(identity, "pull_requests", "write");
      const comment = [...world.issueComments, ...world.reviews].find(
        ({ nodeId }) => nodeId === input.subjectId,
      );
      if (comment === undefined)
        throw new Error(`Could not resolve to a node with the global id of '${input.subjectId}'`);
      addReaction(comment, identity, input.content);
      return { clientMutationId: null };
    },
    minimizeComment: ({ input }: { input: { subjectId: string; classifier: string } }) => {
      const comment = find(input.subjectId);
      comment.minimized = input.classifier.toLowerCase();
      return { minimizedComment: commentOf(identity, comment) };
    },
    unminimizeComment: ({ input }: { input: { subjectId: string } }) => {
      const comment = find(input.subjectId);
      comment.minimized = null;
      return { unminimizedComment: commentOf(identity, comment) };
    },
  };
}
