/**
 * The repositories of others that pins name, with real git repositories behind. A fork's objects are those of the whole
 * network, as on GitHub: put a fork's commits into the repository without a ref, and it serves them.
 */
import type { TestRepository } from "../support/repository.ts";
import { tryGit } from "./git-data.ts";
import { connection, type Page } from "./graphql.ts";
import { Refusal, type World } from "./state.ts";

export interface Account {
  readonly login: string;
  readonly kind: "User" | "Organization";
  readonly created: string;
}

export interface UpstreamAsset {
  readonly name: string;
  readonly uploader: string;
  readonly created: string;
  readonly updated: string;
  /** `sha256:HEX`. */
  readonly digest: string | null;
}

export interface UpstreamRelease {
  readonly tag: string;
  readonly published: string;
  readonly author: string;
  readonly immutable?: boolean;
  readonly assets?: readonly UpstreamAsset[];
}

export interface UpstreamRepository {
  owner: string;
  name: string;
  /** Its former names, as `acme/frob`: they lead here. */
  readonly formerly: string[];
  readonly repository: TestRepository;
  created: string;
  /** When it was last pushed to. */
  pushed: string;
  archived: boolean;
  isPrivate: boolean;
  stars: number;
  /** As `acme/frob`. */
  parent: string | null;
  homepage: string | null;
  description: string | null;
  readonly releases: UpstreamRelease[];
  readonly pulls: { readonly number: number; readonly state: string; readonly commits: readonly string[] }[];
}

/** Puts a repository on GitHub, with its owner's account. */
export function addUpstream(
  world: World,
  repository: TestRepository,
  about: Pick<UpstreamRepository, "owner" | "name"> & Partial<UpstreamRepository> & { ownerCreated?: string },
): UpstreamRepository {
  const { ownerCreated = "2012-05-01T00:00:00Z", ...given } = about;
  const upstream: UpstreamRepository = {
    formerly: [],
    repository,
    created: "2014-01-01T00:00:00Z",
    pushed: "2026-03-01T00:00:00Z",
    archived: false,
    isPrivate: false,
    stars: 10,
    parent: null,
    homepage: null,
    description: null,
    releases: [],
    pulls: [],
    ...given,
  };
  world.upstreams.push(upstream);
  world.accounts.set(about.owner.toLowerCase(), {
    login: about.owner,
    kind: "Organization",
    created: ownerCreated,
  });
  return upstream;
}

export function ownerOf(world: World, login: string): object | null {
  const account = world.accounts.get(login.toLowerCase());
  return account ? { __typename: account.kind, login: account.login, createdAt: account.created } : null;
}

function find(world: World, owner: string, name: string): UpstreamRepository {
  const wanted = `${owner}/${name}`.toLowerCase();
  const called = (upstream: UpstreamRepository) => `${upstream.owner}/${upstream.name}`.toLowerCase();
  const found =
    world.upstreams.find((upstream) => called(upstream) === wanted) ??
    world.upstreams.find(({ formerly }) => formerly.some((former) => former.toLowerCase() === wanted));
  if (!found) {
    throw new Refusal(404, `Could not resolve to a Repository with the name '${owner}/${name}'.`);
  }
  return found;
}

/** A repository as GraphQL shows it. @throws Refusal (404) */
export function upstreamOf(world: World, owner: string, name: string): object {
  const upstream = find(world, owner, name);
  const { repository, created, archived, isPrivate, stars, parent, releases, homepage, description } =
    upstream;
  const branch = git(repository, "symbolic-ref", "--short", "HEAD") ?? "main";
  return {
    nameWithOwner: `${upstream.owner}/${upstream.name}`,
    createdAt: created,
    pushedAt: upstream.pushed,
    isArchived: archived,
    isPrivate,
    stargazerCount: stars,
    homepageUrl: homepage,
    description,
    parent: () => (parent === null ? null : upstreamOf(world, ...(parent.split("/") as [string, string]))),
    owner: () => ownerOf(world, upstream.owner),
    defaultBranchRef: () => refOf(world, upstream, `refs/heads/${branch}`),
    ref: ({ qualifiedName }: { qualifiedName: string }) => refOf(world, upstream, qualifiedName),
    refs: ({ refPrefix, orderBy, ...page }: Page & { refPrefix: string; orderBy?: object }) => {
      const sort = orderBy === undefined ? "refname" : "-creatordate";
      const names = git(repository, "for-each-ref", `--sort=${sort}`, "--format=%(refname)", refPrefix);
      return connection((names ?? "").split("\n").filter(Boolean), page, (ref) =>
        refOf(world, upstream, ref),
      );
    },
    release: ({ tagName }: { tagName: string }) => {
      const release = releases.find(({ tag }) => tag === tagName);
      return (
        release && {
          tagName,
          publishedAt: release.published,
          isPrerelease: false,
          immutable: release.immutable ?? false,
          author: { login: release.author },
          releaseAssets: ({ name, ...page }: Page & { name?: string }) => {
            const files = (release.assets ?? []).filter((file) => name === undefined || file.name === name);
            return connection(files, page, ({ uploader, created, updated, ...file }) => ({
              ...file,
              createdAt: created,
              updatedAt: updated,
              uploadedBy: () => {
                if (uploader === "") throw new Refusal(404, "Could not resolve to a User.");
                return { login: uploader };
              },
            }));
          },
        }
      );
    },
    object: ({ oid }: { oid: string }) => objectOf(world, upstream, oid),
  };
}

function git(repository: TestRepository, ...args: string[]): string | null {
  return (
    tryGit(repository, ...args)
      ?.toString()
      .trim() ?? null
  );
}

function refOf(world: World, upstream: UpstreamRepository, qualified: string): object | null {
  const { repository } = upstream;
  const oid = git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", qualified);
  if (oid === null) return null;
  return {
    name: qualified.replace(/^refs\/(heads|tags)\//, ""),
    target: () => objectOf(world, upstream, oid),
    compare: ({ headRef }: { headRef: string }) => {
      const counts = git(repository, "rev-list", "--left-right", "--count", `${qualified}...${headRef}`);
      if (counts === null) throw new Refusal(404, "Could not resolve to a Comparison.");
      const [behind = 0, ahead = 0] = counts.split("\t").map(Number);
      const status = ahead > 0 ? (behind > 0 ? "DIVERGED" : "AHEAD") : behind > 0 ? "BEHIND" : "IDENTICAL";
      return { status, aheadBy: ahead, behindBy: behind };
    },
  };
}

function objectOf(world: World, upstream: UpstreamRepository, oid: string): object | null {
  const { repository } = upstream;
  const type = git(repository, "cat-file", "-t", oid);
  if (type === "tag") {
    const text = git(repository, "cat-file", "tag", oid) ?? "";
    const seconds = Number(/^tagger .* (\d+) [+-]\d{4}$/m.exec(text)?.[1]);
    return {
      __typename: "Tag",
      oid,
      tagger: { date: new Date(seconds * 1_000).toISOString() },
      target: () => objectOf(world, upstream, /^object (\w+)$/m.exec(text)?.[1] ?? ""),
    };
  }
  if (type !== "commit") return null;
  return {
    __typename: "Commit",
    oid,
    committedDate: git(repository, "log", "-1", "--format=%cI", oid),
    associatedPullRequests: (page: Page) => {
      const pulls = upstream.pulls.filter(({ commits }) => commits.includes(oid));
      return connection(pulls, page, ({ number, state }) => ({
        number,
        state,
        baseRepository: () => upstreamOf(world, upstream.owner, upstream.name),
      }));
    },
  };
}
