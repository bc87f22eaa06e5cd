/** What upstream says in a fixture (`forge.json`) or an example, behind the questions that reviews really ask. */
import {
  type Answer,
  type AssetFacts,
  type CommitFacts,
  type HostFacts,
  known,
  type PullFacts,
  type RegistryFacts,
  type ReleaseFacts,
  type RepositoryFacts,
  type TagFacts,
  unknown,
} from "../../src/provenance/answers.ts";
import { createBudget } from "../../src/provenance/budget.ts";
import { type RepositoryAnswers, type RepositoryQuestion, unanswered } from "../../src/provenance/forge.ts";
import { createMemory } from "../../src/provenance/memory.ts";
import type { PackageFile } from "../../src/provenance/registries/packages.ts";
import { createUpstream, type Upstream } from "../../src/provenance/upstream.ts";

type There = Extract<RepositoryFacts, { kind: "there" }>;

/** A repository; `gone`, `gone with its owner`, or `unasked: REASON`. */
type RepositorySaid =
  | string
  | (Partial<Omit<There, "kind" | "forkOf">> & {
      readonly forkOf?: string;
      readonly forkedStars?: number;
      readonly tags?: Readonly<Record<string, Partial<TagFacts> | string>>;
      readonly branches?: Readonly<Record<string, string>>;
      /** `reach`: the branch that leads to it, `none`, or `undecided: REASON`. */
      readonly commits?: Readonly<
        Record<
          string,
          { readonly reach?: string; readonly date?: string; readonly pulls?: readonly PullFacts[] }
        >
      >;
      readonly releases?: Readonly<
        Record<string, Partial<Omit<ReleaseFacts, "asset">> & { readonly asset?: Partial<AssetFacts> }>
      >;
    });

/** What is in a forge.json. */
export interface UpstreamSaid {
  readonly now: string;
  /** What a tag was when it was last looked at, as `github.com/acme/frob v1.0`. */
  readonly seen?: Readonly<Record<string, { readonly commit: string; readonly at: string }>>;
  /** By host, owner and name. What is not there was not answered. */
  readonly repositories?: Readonly<Record<string, RepositorySaid>>;
  /** By registry, name and version, as `crates.io frob 1.0`; null: there is no such version; or `unasked: REASON`. */
  readonly registries?: Readonly<Record<string, Partial<RegistryFacts> | string | null>>;
  /** By host. */
  readonly hosts?: Readonly<Record<string, HostFacts>>;
}

export function upstreamSaying(said: UpstreamSaid): Upstream {
  const memory = createMemory();
  for (const [place, { commit, at }] of Object.entries(said.seen ?? {})) {
    const [repository = "", tag = ""] = place.split(" ");
    memory.tagIs(repository, tag, commit, at);
  }
  return createUpstream({
    budget: createBudget(100, 100),
    now: said.now,
    forgeAt: () => async (questions) => questions.map((question) => answersOf(said, question)),
    registries: { ask: async (file) => versionOf(said, file), used: () => 0 },
    hosts: { ask: async (url) => hostOf(said, url), used: () => 0 },
    memory,
  });
}

function answersOf(said: UpstreamSaid, question: RepositoryQuestion): RepositoryAnswers {
  const { host, owner, name } = question;
  const about = said.repositories?.[`${host}/${owner}/${name}`] ?? "unasked: forge.json does not say";
  if (typeof about === "string") {
    if (about.startsWith("unasked: ")) return unanswered(question, unknown(about.slice("unasked: ".length)));
    return {
      ...unanswered(question, unknown("the repository is not there")),
      repository: known({ kind: "gone", owner: about === "gone" }),
    };
  }
  const repository: There = {
    kind: "there",
    fullName: about.fullName ?? `${owner}/${name}`,
    created: about.created ?? "2015-01-01T00:00:00Z",
    archived: about.archived ?? false,
    stars: about.stars ?? 100,
    forkOf: known(
      about.forkOf === undefined ? null : { fullName: about.forkOf, stars: about.forkedStars ?? 100 },
    ),
    owner: about.owner ?? { login: owner, created: "2012-01-01T00:00:00Z" },
    homepage: about.homepage ?? null,
    description: about.description ?? null,
  };
  return {
    repository: known(repository),
    refs: new Map(
      question.refs.map((ref) => {
        const plain = ref.replace(/^refs\/(heads|tags)\//, "");
        const tag = about.tags?.[plain];
        return [
          ref,
          known({ tag: tag === undefined ? null : tagOf(tag), branch: about.branches?.[plain] ?? null }),
        ];
      }),
    ),
    commits: new Map(question.commits.map(({ id }) => [id, commitOf(about.commits?.[id])])),
    releases: new Map(
      question.releases.map(({ tag }) => {
        const release = about.releases?.[tag];
        return [tag, known(release === undefined ? null : releaseOf(release))];
      }),
    ),
  };
}

function versionOf({ registries = {} }: UpstreamSaid, file: PackageFile): Answer<RegistryFacts | null> {
  const { registry, name, version } = file;
  const about = registries[`${registry} ${name} ${version}`];
  if (about === undefined) return unknown("forge.json does not say");
  if (typeof about === "string") return unknown(about.slice("unasked: ".length));
  return known(
    about && {
      registry,
      name,
      version,
      published: null,
      publisher: null,
      withdrawn: null,
      attested: null,
      hasFile: true,
      checksums: [],
      repository: null,
      ...about,
    },
  );
}

function hostOf({ hosts = {} }: UpstreamSaid, url: string): Answer<HostFacts> {
  const about = hosts[new URL(url).host];
  return about === undefined ? unknown("forge.json does not say") : known(about);
}

function tagOf(tag: Partial<TagFacts> | string): TagFacts {
  const given = typeof tag === "string" ? { commit: tag } : tag;
  return { commit: "0".repeat(40), annotated: null, date: null, ...given };
}

function commitOf(
  commit: { reach?: string; date?: string; pulls?: readonly PullFacts[] } | undefined,
): Answer<CommitFacts | null> {
  if (commit === undefined) return known(null);
  const { reach = "main", date = null, pulls = [] } = commit;
  const undecided = /^undecided: (.*)$/.exec(reach)?.[1];
  return known({
    date,
    pulls,
    reach:
      undecided !== undefined
        ? { kind: "undecided", reason: undecided }
        : reach === "none"
          ? { kind: "unreachable", refs: 12 }
          : { kind: "reachable", through: reach },
  });
}

function releaseOf({
  asset,
  ...release
}: Partial<Omit<ReleaseFacts, "asset">> & { asset?: Partial<AssetFacts> }): ReleaseFacts {
  return {
    published: null,
    author: null,
    prerelease: false,
    immutable: null,
    ...release,
    asset:
      asset === undefined
        ? null
        : { name: "", uploader: null, created: null, updated: null, digest: null, ...asset },
  };
}
