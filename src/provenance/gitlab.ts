/**
 * GitLab as a forge, by REST without an account: https://docs.gitlab.com/api/rest/. Only accounts are told whether a project
 * is archived or a fork (https://docs.gitlab.com/api/projects/#get-a-single-project), and how old a person's account is.
 */
import * as z from "zod";
import {
  type Answer,
  type AssetFacts,
  type CommitFacts,
  known,
  type PullFacts,
  type Reach,
  type RefFacts,
  type ReleaseFacts,
  type RepositoryFacts,
  unknown,
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

/** A tag costs one request, a commit one to three, the project two, a redirect one. */
export function gitlabForge(options: RestOptions): Forge {
  return restForge(options, answersOf);
}

const projectSchema = z.object({
  id: z.int(),
  path_with_namespace: label,
  created_at: date.nullish(),
  star_count: z.int().nullish(),
  archived: z.boolean().nullish(),
  description: z.string().nullish(),
  forked_from_project: z.object({ path_with_namespace: label, star_count: z.int().nullish() }).nullish(),
  namespace: z.object({ kind: z.string(), full_path: label }),
});
const commitSchema = z.object({ id: oid, committed_date: date.nullish() });
const tagSchema = z.object({
  /** The tag's own object, where it has one. */
  target: oid,
  commit: commitSchema,
  /** Of the tag's own object: from GitLab 16.11 on. */
  created_at: date.nullish(),
  release: z.object({}).nullable(),
});
const branchSchema = z.object({ commit: commitSchema });
const refsSchema = z.array(z.object({ type: z.enum(["branch", "tag"]), name: label }));
const mergeSchema = z.array(z.object({ iid: z.int(), target_project_id: z.int(), state: z.string() }));
const releaseSchema = z.object({
  released_at: date.nullish(),
  upcoming_release: z.boolean().nullish(),
  author: z.object({ username: label }).nullish(),
  assets: z
    .object({
      links: z.array(z.object({ name: z.string(), url: z.string(), direct_asset_url: z.string().nullish() })),
    })
    .nullish(),
});
const groupSchema = z.object({ created_at: date.nullish() });

async function answersOf(rest: Rest, question: RepositoryQuestion): Promise<RepositoryAnswers> {
  // The API redirects an old name to the project's number.
  const path = encodeURIComponent(`${question.owner}/${question.name}`);
  const project = await rest.get(`api/v4/projects/${path}`, projectSchema);
  if (!project.known) return unanswered(question, project);
  if (project.value === null) return gone(question);
  const at = `api/v4/projects/${project.value.id}`;
  const refs = new Map<string, Answer<Omit<RefFacts, "moved">>>();
  const unreleased = new Set<string>();
  for (const ref of question.refs) {
    const { facts, hasRelease } = await refFacts(rest, at, ref);
    refs.set(ref, facts);
    if (!hasRelease) unreleased.add(ref);
  }
  const commits = new Map<string, Answer<CommitFacts | null>>();
  for (const { id, reach } of question.commits) {
    commits.set(id, await commitFacts(rest, at, project.value.id, id, reach));
  }
  const releases = new Map<string, Answer<ReleaseFacts | null>>();
  for (const each of question.releases) {
    const facts = unreleased.has(each.tag) ? known(null) : await releaseFacts(rest, at, each);
    releases.set(releaseKey(each), facts);
  }
  return { repository: known(await repositoryFacts(rest, project.value)), refs, commits, releases };
}

/** With the age of the topmost group, which controls everything below it. */
async function repositoryFacts(rest: Rest, project: z.infer<typeof projectSchema>): Promise<RepositoryFacts> {
  const { namespace, forked_from_project: parent } = project;
  const [login = ""] = namespace.full_path.split("/");
  const group =
    namespace.kind === "group"
      ? await rest.get(`api/v4/groups/${encodeURIComponent(login)}?with_projects=false`, groupSchema)
      : null;
  return {
    kind: "there",
    fullName: project.path_with_namespace,
    created: project.created_at ?? null,
    archived: project.archived ?? null,
    stars: project.star_count ?? null,
    forkOf: parent
      ? known({ fullName: parent.path_with_namespace, stars: parent.star_count ?? null })
      : unknown("GitLab tells it to accounts only"),
    owner: { login, created: group?.known ? (group.value?.created_at ?? null) : null },
    // A project has no such field.
    homepage: null,
    description: written(project.description),
  };
}

/** `hasRelease`: false where GitLab says that the tag has none. */
async function refFacts(rest: Rest, project: string, ref: string) {
  const { name, isTag, isBranch } = readRef(ref);
  const at = encodeURIComponent(name);
  const tag = isTag ? await rest.get(`${project}/repository/tags/${at}`, tagSchema) : known(null);
  if (!tag.known) return { facts: tag, hasRelease: true };
  if (tag.value) {
    const { target, commit, created_at, release } = tag.value;
    const annotated = target !== commit.id;
    const made = (annotated ? created_at : commit.committed_date) ?? null;
    const facts = known({ tag: { commit: commit.id, annotated, date: made }, branch: null });
    return { facts, hasRelease: release !== null };
  }
  const branch = isBranch
    ? await rest.get(`${project}/repository/branches/${at}`, branchSchema)
    : known(null);
  const facts = branch.known ? known({ tag: null, branch: branch.value?.commit.id ?? null }) : branch;
  return { facts, hasRelease: false };
}

/**
 * GitLab keeps forks apart (their common objects are those of the first repository alone), but serves what a merge request
 * from a fork brought. https://docs.gitlab.com/administration/repository_storage_paths/
 */
async function commitFacts(
  rest: Rest,
  at: string,
  project: number,
  id: string,
  asksReach: boolean,
): Promise<Answer<CommitFacts | null>> {
  const commit = await rest.get(`${at}/repository/commits/${id}?stats=false`, commitSchema);
  if (!commit.known || commit.value === null) return commit as Answer<null>;
  const facts = (reach: Reach, pulls: readonly PullFacts[] | null) =>
    known({ date: commit.value?.committed_date ?? null, reach, pulls });
  if (!asksReach) return facts({ kind: "undecided", reason: "not asked" }, null);
  // Branches and tags only; refs of merge requests are not among them.
  const refs = await rest.get(`${at}/repository/commits/${id}/refs?type=all&per_page=20`, refsSchema);
  if (!refs.known) return facts({ kind: "undecided", reason: refs.reason }, null);
  const [first] = refs.value ?? [];
  if (first)
    return facts(
      { kind: "reachable", through: first.type === "tag" ? `tag ${first.name}` : first.name },
      null,
    );
  if (refs.value === null) return facts({ kind: "undecided", reason: "GitLab does not tell" }, null);
  const merges = await rest.get(`${at}/repository/commits/${id}/merge_requests`, mergeSchema);
  const pulls = merges.known && merges.value ? merges.value.flatMap((each) => pullOf(each, project)) : null;
  return facts({ kind: "unreachable", refs: null }, pulls);
}

function pullOf(
  { iid, target_project_id, state }: z.infer<typeof mergeSchema>[number],
  project: number,
): PullFacts[] {
  if (target_project_id !== project) return [];
  return [{ number: iid, state: state === "merged" ? "merged" : state === "closed" ? "closed" : "open" }];
}

/** https://docs.gitlab.com/api/releases/#get-a-release-by-a-tag-name: files are links, without a date or who put them there. */
async function releaseFacts(
  rest: Rest,
  project: string,
  { tag, asset }: ReleaseQuestion,
): Promise<Answer<ReleaseFacts | null>> {
  const release = await rest.get(`${project}/releases/${encodeURIComponent(tag)}`, releaseSchema);
  if (!release.known || release.value === null) return release as Answer<null>;
  const { released_at, upcoming_release, author, assets } = release.value;
  const file = assets?.links.find(({ name, url, direct_asset_url }) =>
    [name, ...[url, direct_asset_url ?? ""].map((at) => at.split("/").at(-1))].includes(asset ?? ""),
  );
  const facts: AssetFacts | null =
    asset !== null && file
      ? { name: asset, uploader: null, created: null, updated: null, digest: null }
      : null;
  return known({
    published: released_at ?? null,
    author: author?.username ?? null,
    prerelease: upcoming_release ?? false,
    immutable: null,
    asset: facts,
  });
}
