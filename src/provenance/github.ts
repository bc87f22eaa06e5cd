/**
 * GitHub as a forge: one GraphQL query asks everything about several repositories of a change. Names, refs and ids are
 * variables of the query, never part of its text.
 */
import * as z from "zod";
import type { GitHubApi } from "../change/github-api.ts";
import {
  type Answer,
  type AssetFacts,
  type CommitFacts,
  known,
  type PullFacts,
  type Reach,
  type ReleaseFacts,
  type RepositoryFacts,
  type TagFacts,
  told,
  unknown,
  written,
} from "./answers.ts";
import type { Budget } from "./budget.ts";
import {
  type Forge,
  gone,
  type RepositoryAnswers,
  type RepositoryQuestion,
  readRef,
  releaseKey,
  unanswered,
} from "./forge.ts";
import { type GitHubQuestions, githubQuestions, type QueryAnswer, RATE_LIMIT } from "./github-api.ts";
import { findReach } from "./github-reach.ts";
import { createMemory, type Learnt, type UpstreamMemory } from "./memory.ts";

/** With more repositories, and so more comparisons, GitHub gives up on a query. */
const REPOSITORIES_PER_QUERY = 8;

/** The GitHub behind `api`. */
export function githubForge(
  api: GitHubApi,
  budget: Budget,
  { memory, now }: Learnt = { memory: createMemory(), now: new Date().toISOString() },
): Forge {
  const github = githubQuestions(api, budget);
  const knownReach = rememberedReach(memory, now);
  return async (questions) => {
    const answers: RepositoryAnswers[] = [];
    for (let start = 0; start < questions.length; start += REPOSITORIES_PER_QUERY) {
      const batch = questions.slice(start, start + REPOSITORIES_PER_QUERY);
      const { text, variables } = queryOf(batch);
      const answer = await github.query(text, variables);
      for (const [index, question] of batch.entries()) {
        answers.push(
          answer.known
            ? await answersOf(github, question, replyOf(answer.value, index), knownReach)
            : unanswered(question, answer),
        );
      }
    }
    return answers;
  };
}

const OWNER = "__typename login ... on User { createdAt } ... on Organization { createdAt }";
const ABOUT = `nameWithOwner createdAt pushedAt isArchived isPrivate stargazerCount homepageUrl description parent { nameWithOwner stargazerCount } owner { ${OWNER} }`;
// A tag of a tag is rare; a tag of that is unheard of.
const COMMIT = "__typename oid ... on Commit { committedDate }";
const TAG = `target { ${COMMIT} ... on Tag { tagger { date } target { ${COMMIT} ... on Tag { target { ${COMMIT} } } } } }`;
const ASSET = "name digest createdAt updatedAt";
const PULLS = "associatedPullRequests(first: 5) { nodes { number state baseRepository { nameWithOwner } } }";

function queryOf(questions: readonly RepositoryQuestion[]): {
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
} {
  const variables: Record<string, string> = {};
  const types: string[] = [];
  const variable = (value: string, type = "String!"): string => {
    const name = `v${types.length}`;
    variables[name] = value;
    types.push(`$${name}: ${type}`);
    return `$${name}`;
  };
  const parts = questions.map(({ owner, name, refs, commits, releases }, index) => {
    const login = variable(owner);
    const comparisons = commits.map(({ id, reach }, at) =>
      reach ? `k${at}: compare(headRef: ${variable(id)}) { status }` : "",
    );
    const fields = [
      ABOUT,
      `defaultBranchRef { name ${comparisons.join(" ")} }`,
      ...refs.map((ref, at) => {
        const { name } = readRef(ref);
        return `t${at}: ref(qualifiedName: ${variable(`refs/tags/${name}`)}) { ${TAG} } b${at}: ref(qualifiedName: ${variable(`refs/heads/${name}`)}) { target { oid } }`;
      }),
      ...commits.map(
        ({ id }, at) =>
          `c${at}: object(oid: ${variable(id, "GitObjectID!")}) { ... on Commit { oid committedDate ${PULLS} } }`,
      ),
      ...releases.map(({ tag, asset }, at) => {
        const name = variable(tag);
        const release = `l${at}: release(tagName: ${name}) { publishedAt isPrerelease immutable author { login } }`;
        if (asset === null) return release;
        const file = `releaseAssets(first: 1, name: ${variable(asset)})`;
        // The uploader is asked for separately: a deleted account must not spoil the rest of the answer.
        return `${release} a${at}: release(tagName: ${name}) { ${file} { nodes { ${ASSET} } } } u${at}: release(tagName: ${name}) { ${file} { nodes { uploadedBy { login } } } }`;
      }),
    ];
    return `o${index}: repositoryOwner(login: ${login}) { login }
r${index}: repository(owner: ${login}, name: ${variable(name)}) { ${fields.join(" ")} }`;
  });
  return { text: `query (${types.join(", ")}) {\n${RATE_LIMIT}\n${parts.join("\n")}\n}`, variables };
}

/** In UTC, whatever the tagger's time zone. */
const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
const counted = z.object({ nameWithOwner: z.string(), stargazerCount: z.number() });
const aboutSchema = counted.extend({
  createdAt: date,
  pushedAt: date.nullable(),
  isArchived: z.boolean(),
  isPrivate: z.boolean(),
  homepageUrl: z.string().nullable(),
  description: z.string().nullable(),
  parent: counted.nullable(),
  owner: z.object({ login: z.string(), createdAt: date.optional() }),
  defaultBranchRef: z.looseObject({ name: z.string() }).nullable(),
});
const commitSchema = z.object({ __typename: z.string(), oid: z.string(), committedDate: date.optional() });
const tagSchema = z.object({
  target: commitSchema.extend({
    tagger: z.object({ date: date.nullable() }).nullish(),
    target: commitSchema.extend({ target: commitSchema.optional() }).optional(),
  }),
});
const branchSchema = z.object({ target: z.object({ oid: z.string() }) });
const objectSchema = z.object({
  oid: z.string().optional(),
  committedDate: date.optional(),
  associatedPullRequests: z
    .object({
      nodes: z.array(
        z.object({
          number: z.int(),
          state: z.enum(["OPEN", "CLOSED", "MERGED"]),
          baseRepository: z.object({ nameWithOwner: z.string() }).nullable(),
        }),
      ),
    })
    .nullish(),
});
const releaseSchema = z.object({
  publishedAt: date.nullable(),
  isPrerelease: z.boolean(),
  immutable: z.boolean(),
  author: z.object({ login: z.string() }).nullable(),
});
const assetSchema = z.object({
  name: z.string(),
  digest: z.string().nullable(),
  createdAt: date,
  updatedAt: date,
});
const uploaderSchema = z.object({ uploadedBy: z.object({ login: z.string() }) });
const filesOf = <T>(file: z.ZodType<T>) =>
  z.object({ releaseAssets: z.object({ nodes: z.array(file.nullable()) }) });

/** The part of a query's answer about one repository. */
interface Reply {
  readonly ownerIsThere: boolean;
  /** The value at a field of the repository, or of its default branch; null when there is none. */
  at<T>(schema: z.ZodType<T>, ...path: string[]): Answer<T | null>;
}

function replyOf({ data, errors }: QueryAnswer, index: number): Reply {
  const valueAt = (steps: readonly string[]): unknown =>
    steps.reduce<unknown>(
      (value, step) => (value as Record<string, unknown> | null | undefined)?.[step],
      data,
    );
  return {
    ownerIsThere: (valueAt([`o${index}`]) ?? null) !== null,
    at(schema, ...path) {
      const steps = [`r${index}`, ...path];
      const place = steps.join(".");
      const value = valueAt(steps);
      const isNone = value === null || value === undefined;
      // For things that a query asks for by name, GitHub reports NOT_FOUND besides null.
      const error = errors.find(
        ({ type, path: at }) =>
          type !== "NOT_FOUND" &&
          // An error in a part can make the whole null.
          (at === place || ((path.length > 0 || isNone) && at.startsWith(`${place}.`))),
      );
      if (error) return unknown(`GitHub could not say: ${error.message.slice(0, 200)}`);
      if (isNone) return known(null);
      const parsed = schema.safeParse(value);
      return parsed.success ? known(parsed.data) : unknown(ODD);
    },
  };
}

const ODD = "GitHub answered in a form that is not known";

async function answersOf(
  github: GitHubQuestions,
  question: RepositoryQuestion,
  reply: Reply,
  knownReach: KnownReach,
): Promise<RepositoryAnswers> {
  const about = reply.at(aboutSchema);
  if (!about.known) return unanswered(question, about);
  // The token may see private repositories that readers of the review may not: for them it does not exist.
  if (about.value === null || about.value.isPrivate) {
    return gone(question, reply.ownerIsThere);
  }
  const repository = repositoryFacts(about.value);
  const refs = new Map(question.refs.map((ref, at) => [ref, refFacts(ref, at, reply)]));
  const commits = new Map<string, Answer<CommitFacts | null>>();
  for (const [at, { id, reach }] of question.commits.entries()) {
    commits.set(id, await commitFacts(github, about.value, at, id, reach ? knownReach : null, reply));
  }
  const releases = new Map<string, Answer<ReleaseFacts | null>>();
  for (const [at, each] of question.releases.entries()) {
    releases.set(releaseKey(each), releaseFacts(at, each.asset, reply));
  }
  return { repository: known(repository), refs, commits, releases };
}

type About = z.infer<typeof aboutSchema>;
type There = Extract<RepositoryFacts, { kind: "there" }>;

function repositoryFacts({
  nameWithOwner,
  createdAt,
  isArchived,
  stargazerCount,
  parent,
  owner,
  homepageUrl,
  description,
}: About): There {
  return {
    kind: "there",
    fullName: nameWithOwner,
    created: createdAt,
    archived: isArchived,
    stars: stargazerCount,
    forkOf: known(parent && { fullName: parent.nameWithOwner, stars: parent.stargazerCount }),
    owner: { login: owner.login, created: owner.createdAt ?? null },
    homepage: written(homepageUrl),
    description: written(description),
  };
}

function refFacts(
  ref: string,
  at: number,
  reply: Reply,
): Answer<{ tag: TagFacts | null; branch: string | null }> {
  const tag = reply.at(tagSchema, `t${at}`);
  const branch = reply.at(branchSchema, `b${at}`);
  if (!tag.known) return tag;
  if (!branch.known) return branch;
  const { isTag, isBranch } = readRef(ref);
  return known({
    tag: isTag && tag.value ? tagFacts(tag.value.target) : null,
    branch: isBranch ? (branch.value?.target.oid ?? null) : null,
  });
}

function tagFacts(target: z.infer<typeof tagSchema>["target"]): TagFacts {
  const annotated = target.__typename === "Tag";
  const commit = target.target?.target ?? target.target ?? target;
  return {
    commit: commit.oid,
    annotated,
    date: (annotated ? target.tagger?.date : target.committedDate) ?? null,
  };
}

async function commitFacts(
  github: GitHubQuestions,
  about: About,
  at: number,
  id: string,
  knownReach: KnownReach | null,
  reply: Reply,
): Promise<Answer<CommitFacts | null>> {
  const object = reply.at(objectSchema, `c${at}`);
  if (!object.known) return object;
  // An object that is no commit has none of its fields.
  if (object.value?.oid === undefined) return known(null);
  const pulls = (object.value.associatedPullRequests?.nodes ?? []).flatMap(
    ({ number, state, baseRepository }): PullFacts[] =>
      baseRepository?.nameWithOwner === about.nameWithOwner
        ? [{ number, state: state.toLowerCase() as PullFacts["state"] }]
        : [],
  );
  const compared = reply.at(comparison, "defaultBranchRef", `k${at}`);
  const reach = knownReach ? await reachOf(github, about, id, compared, knownReach) : unknown("not asked");
  return known({
    date: object.value.committedDate ?? null,
    reach: reach.known ? reach.value : { kind: "undecided", reason: reach.reason },
    pulls,
  });
}

async function reachOf(
  github: GitHubQuestions,
  about: About,
  id: string,
  compared: Parameters<typeof findReach>[3],
  knownReach: KnownReach,
): Promise<Answer<Reach>> {
  const { nameWithOwner: fullName, defaultBranchRef } = about;
  if (!defaultBranchRef) return unknown("the repository has no branch");
  return knownReach(about, id, () =>
    findReach(github, { fullName, branch: defaultBranchRef.name }, id, compared),
  );
}

/** Finds out whether a repository's refs lead to a commit, unless that is known from before. */
type KnownReach = (about: About, id: string, find: () => Promise<Answer<Reach>>) => Promise<Answer<Reach>>;

/** Only a push so long ago is remembered: two pushes within one second have the same date. */
const SETTLED_MS = 60_000;

/** As long as nothing is pushed to a repository, its branches and tags lead where they led. */
function rememberedReach(memory: UpstreamMemory, now: string): KnownReach {
  return async ({ nameWithOwner, pushedAt }, id, find) => {
    if (pushedAt === null) return find();
    const before = memory.reachOf(`github.com/${nameWithOwner}`, id, pushedAt);
    if (before) return known(before);
    const found = await find();
    if (found.known && Date.parse(now) - Date.parse(pushedAt) > SETTLED_MS)
      memory.reachIs(`github.com/${nameWithOwner}`, id, pushedAt, found.value);
    return found;
  };
}

const comparison = z.object({ status: z.enum(["AHEAD", "BEHIND", "DIVERGED", "IDENTICAL"]) });

function releaseFacts(at: number, asset: string | null, reply: Reply): Answer<ReleaseFacts | null> {
  const release = reply.at(releaseSchema, `l${at}`);
  if (!release.known || release.value === null) return release as Answer<null>;
  const file = asset === null ? known(null) : assetFacts(at, reply);
  if (!file.known) return file;
  const { publishedAt, isPrerelease, immutable, author } = release.value;
  return known({
    published: publishedAt,
    author: author?.login ?? null,
    prerelease: isPrerelease,
    immutable,
    asset: file.value,
  });
}

function assetFacts(at: number, reply: Reply): Answer<AssetFacts | null> {
  const files = reply.at(filesOf(assetSchema), `a${at}`);
  if (!files.known) return files;
  const file = files.value?.releaseAssets.nodes[0];
  if (!file) return known(null);
  const uploaders = told(reply.at(filesOf(uploaderSchema), `u${at}`));
  return known({
    name: file.name,
    uploader: uploaders?.releaseAssets.nodes[0]?.uploadedBy.login ?? null,
    created: file.createdAt,
    updated: file.updatedAt,
    digest: sriOfDigest(file.digest),
  });
}

/** `sha256:HEX`, as GitHub gives it, in SRI. */
function sriOfDigest(digest: string | null): string | null {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest ?? "")?.[1];
  return hex === undefined ? null : `sha256-${Buffer.from(hex, "hex").toString("base64")}`;
}
