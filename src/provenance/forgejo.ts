/**
 * Forgejo and Gitea as forges, by REST without an account: https://codeberg.org/api/swagger. Both have the same API. Which
 * branches and tags lead to a commit is not part of it: the web page of a commit loads that.
 */
import * as z from "zod";
import {
  type Answer,
  type AssetFacts,
  type CommitFacts,
  known,
  type Reach,
  type RefFacts,
  type ReleaseFacts,
  type RepositoryFacts,
  written,
} from "./answers.ts";
import {
  type Forge,
  gone,
  type ReleaseQuestion,
  type RepositoryAnswers,
  type RepositoryQuestion,
  readRef,
  releaseKey,
  unanswered,
} from "./forge.ts";
import { date, label, oid, type Rest, type RestOptions, restForge } from "./rest.ts";

/** A tag costs one request, an annotated one two, a commit one to three, a redirect one. */
export function forgejoForge(options: RestOptions): Forge {
  return restForge(options, answersOf);
}

const counted = z.object({ full_name: label, stars_count: z.int() });
const repositorySchema = counted.extend({
  default_branch: label,
  // Gogs, from which both come, has the same paths but tells less.
  archived: z.boolean(),
  created_at: date,
  fork: z.boolean(),
  website: z.string().nullish(),
  description: z.string().nullish(),
  parent: counted.nullish(),
  owner: z.object({ login: label, created: date.nullish() }),
  /** From Gitea 1.22 and Forgejo 7 on. */
  object_format_name: z.string().nullish(),
});
const tagSchema = z.object({
  /** The tag's own object, where it has one. */
  id: oid,
  commit: z.object({ sha: oid, created: date.nullish() }),
});
const tagObjectSchema = z.object({ tagger: z.object({ date: date.nullish() }).nullish() });
const branchSchema = z.object({ commit: z.object({ id: oid }) });
const commitSchema = z.object({
  sha: oid,
  commit: z.object({ committer: z.object({ date: date.nullish() }).nullish() }).nullish(),
});
const containedSchema = z.object({
  branches: z.array(z.object({ name: label })),
  tags: z.array(z.object({ name: label })),
});
const releaseSchema = z.object({
  published_at: date.nullish(),
  prerelease: z.boolean(),
  author: z.object({ login: label }).nullish(),
  assets: z.array(z.object({ name: z.string(), created_at: date.nullish() })),
});

/** Parameters that leave out parts of a commit's answer. */
const BRIEF = "stat=false&verification=false&files=false";

type Repository = z.infer<typeof repositorySchema>;

async function answersOf(rest: Rest, question: RepositoryQuestion): Promise<RepositoryAnswers> {
  // The API redirects an old name to the new one.
  const repository = await rest.get(
    `api/v1/repos/${pathOf(`${question.owner}/${question.name}`)}`,
    repositorySchema,
  );
  if (!repository.known) return unanswered(question, repository);
  if (repository.value === null) return gone(question);
  const at = `api/v1/repos/${pathOf(repository.value.full_name)}`;
  const refs = new Map<string, Answer<Omit<RefFacts, "moved">>>();
  for (const ref of question.refs) refs.set(ref, await refFacts(rest, at, ref));
  const commits = new Map<string, Answer<CommitFacts | null>>();
  for (const { id, reach } of question.commits) {
    commits.set(id, await commitFacts(rest, repository.value, id, reach));
  }
  const releases = new Map<string, Answer<ReleaseFacts | null>>();
  for (const each of question.releases) releases.set(releaseKey(each), await releaseFacts(rest, at, each));
  return { repository: known(repositoryFacts(repository.value)), refs, commits, releases };
}

/** A name with slashes as a path. */
function pathOf(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

function repositoryFacts(repository: Repository): RepositoryFacts {
  const { parent, owner } = repository;
  return {
    kind: "there",
    fullName: repository.full_name,
    created: repository.created_at,
    archived: repository.archived,
    stars: repository.stars_count,
    forkOf: !repository.fork
      ? known(null)
      : parent
        ? known({ fullName: parent.full_name, stars: parent.stars_count })
        : { known: false, reason: "it is a fork of what the forge does not show" },
    owner: { login: owner.login, created: owner.created ?? null },
    homepage: written(repository.website),
    description: written(repository.description),
  };
}

async function refFacts(rest: Rest, at: string, ref: string): Promise<Answer<Omit<RefFacts, "moved">>> {
  const { name, isTag, isBranch } = readRef(ref);
  const tag = isTag ? await rest.get(`${at}/tags/${pathOf(name)}`, tagSchema) : known(null);
  if (!tag.known) return tag;
  if (tag.value) {
    const { id, commit } = tag.value;
    const annotated = id !== commit.sha;
    const object = annotated ? await rest.get(`${at}/git/tags/${id}`, tagObjectSchema) : null;
    const tagged = object?.known ? (object.value?.tagger?.date ?? null) : null;
    const made = annotated ? tagged : (commit.created ?? null);
    return known({ tag: { commit: commit.sha, annotated, date: made }, branch: null });
  }
  const branch = isBranch ? await rest.get(`${at}/branches/${pathOf(name)}`, branchSchema) : known(null);
  return branch.known ? known({ tag: null, branch: branch.value?.commit.id ?? null }) : branch;
}

/** Forks are kept apart, but what a pull request brought from a fork is served too, and the API does not say which one. */
async function commitFacts(
  rest: Rest,
  repository: Repository,
  id: string,
  asksReach: boolean,
): Promise<Answer<CommitFacts | null>> {
  const at = `api/v1/repos/${pathOf(repository.full_name)}`;
  const commit = await rest.get(`${at}/git/commits/${id}?${BRIEF}`, commitSchema);
  if (!commit.known || commit.value === null) return commit as Answer<null>;
  const reach: Reach = asksReach
    ? await findReach(rest, repository, id)
    : { kind: "undecided", reason: "not asked" };
  return known({ date: commit.value.commit?.committer?.date ?? null, reach, pulls: null });
}

/**
 * Asks the API first whether the default branch leads to the commit: then no commit that leads to `id` is left without those
 * of the branch. (Comparing the two would say nothing: without a common history they differ in no commit.) Then asks for all
 * branches and tags that lead to it, as the page of a commit does.
 */
async function findReach(rest: Rest, repository: Repository, id: string): Promise<Reach> {
  const { full_name: name, default_branch: branch } = repository;
  // Older ones do not know `not`, and would list all commits.
  if (repository.object_format_name) {
    const not = encodeURIComponent(`refs/heads/${branch}`);
    const left = await rest.getWith(
      `api/v1/repos/${pathOf(name)}/commits?sha=${id}&not=${not}&limit=1&${BRIEF}`,
      z.array(commitSchema),
      "x-total-count",
    );
    if (left.known && left.value?.header === "0" && left.value.value.length === 0)
      return { kind: "reachable", through: branch };
  }
  const contained = await rest.get(`${pathOf(name)}/commit/${id}/load-branches-and-tags`, containedSchema);
  if (!contained.known) return { kind: "undecided", reason: contained.reason };
  if (contained.value === null) return { kind: "undecided", reason: "the forge does not tell" };
  const { branches, tags } = contained.value;
  const [first] = [...branches.map((each) => each.name), ...tags.map((each) => `tag ${each.name}`)];
  return first === undefined ? { kind: "unreachable", refs: null } : { kind: "reachable", through: first };
}

async function releaseFacts(
  rest: Rest,
  at: string,
  { tag, asset }: ReleaseQuestion,
): Promise<Answer<ReleaseFacts | null>> {
  const release = await rest.get(`${at}/releases/tags/${encodeURIComponent(tag)}`, releaseSchema);
  if (!release.known || release.value === null) return release as Answer<null>;
  const { published_at, prerelease, author, assets } = release.value;
  const file = assets.find(({ name }) => name === asset);
  const facts: AssetFacts | null = file
    ? { name: file.name, uploader: null, created: file.created_at ?? null, updated: null, digest: null }
    : null;
  return known({
    published: published_at ?? null,
    author: author?.login ?? null,
    prerelease,
    immutable: null,
    asset: facts,
  });
}
