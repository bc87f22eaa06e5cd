/** Forgejo's REST API as it answers who has no account. https://codeberg.org/api/swagger */
import {
  branchOf,
  committed,
  containing,
  type FakeForge,
  find,
  git,
  type HostedRepository,
  notFound,
  ok,
  type Reply,
  startForge,
  tagOf,
} from "../fake-forge/server.ts";

/** `old`: as before Gitea 1.22, without the parameter `not`. */
export const startFakeForgejo = ({ old = false } = {}) => startForge((forge, url) => answer(forge, url, old));

function answer(forge: FakeForge, { pathname, search, searchParams }: URL, old: boolean): Reply | null {
  const path = decodeURIComponent(pathname);
  const page = /^\/([^/]+\/[^/]+)\/commit\/([0-9a-f]+)\/load-branches-and-tags$/.exec(path);
  const [, fullName = "", rest = ""] = /^\/api\/v1\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? [];
  const found = find(forge, page?.[1] ?? fullName);
  if (!found) return notFound;
  const { hosted, moved } = found;
  const name = `${hosted.owner}/${hosted.name}`;
  if (moved) {
    const location = pathname.replace(fullName, name) + search;
    return { status: 307, data: "", headers: { location } };
  }
  if (page) return contained(hosted, page[2] ?? "");
  if (rest === "") return ok(repositoryOf(forge, hosted, old));
  return inRepository(
    hosted,
    rest,
    old ? new URLSearchParams([["sha", searchParams.get("sha") ?? ""]]) : searchParams,
  );
}

function repositoryOf(forge: FakeForge, hosted: HostedRepository, old: boolean): object {
  const { id, owner, name, created, ownerCreated, archived, stars, parent, homepage, description } = hosted;
  const upstream = parent === null ? null : find(forge, parent);
  return {
    id,
    name,
    full_name: `${owner}/${name}`,
    owner: { id: 1, login: owner, created: ownerCreated },
    fork: parent !== null,
    parent: upstream ? repositoryOf(forge, upstream.hosted, old) : null,
    archived,
    stars_count: stars,
    website: homepage,
    description,
    created_at: created,
    default_branch: "main",
    ...(!old && { object_format_name: "sha1" }),
  };
}

function contained({ repository }: HostedRepository, id: string): Reply {
  if (committed(repository, id) === null) return notFound;
  const links = (kind: "heads" | "tags") =>
    containing(repository, kind, id).map((name) => ({ name, web_link: `/src/${name}` }));
  return ok({ branches: links("heads"), tags: links("tags"), default_branch: "main" });
}

function commitOf({ repository }: HostedRepository, id: string): object {
  return { sha: id, commit: { committer: { date: committed(repository, id) } } };
}

function inRepository(hosted: HostedRepository, path: string, query: URLSearchParams): Reply {
  const { repository, releases } = hosted;
  const [, what = "", name = ""] =
    /^\/(tags|git\/tags|branches|git\/commits|commits|releases\/tags)(?:\/(.+))?$/.exec(path) ?? [];
  switch (what) {
    case "tags": {
      const tag = tagOf(repository, name);
      if (!tag) return notFound;
      const commit = { sha: tag.commit, created: committed(repository, tag.commit) };
      return ok({ name, id: tag.object, message: "", commit });
    }
    case "git/tags": {
      const text = git(repository, "cat-file", "tag", name);
      if (text === null) return notFound;
      const seconds = Number(/^tagger .* (\d+) [+-]\d{4}$/m.exec(text)?.[1]);
      return ok({ sha: name, tagger: { name: "ada", date: new Date(seconds * 1_000).toISOString() } });
    }
    case "branches": {
      const tip = branchOf(repository, name);
      return tip === null ? notFound : ok({ name, commit: { id: tip } });
    }
    case "git/commits":
      return committed(repository, name) === null ? notFound : ok(commitOf(hosted, name));
    case "commits": {
      const sha = query.get("sha") ?? "";
      const not = query.get("not");
      if (committed(repository, sha) === null) return notFound;
      const ids = git(repository, "rev-list", sha, ...(not === null ? [] : ["--not", not]));
      if (ids === null) return { status: 500, data: { message: "" } };
      const listed = ids.split("\n").filter(Boolean);
      const shown = listed.slice(0, Number(query.get("limit") ?? 50));
      return ok(
        shown.map((id) => commitOf(hosted, id)),
        { "x-total-count": String(listed.length) },
      );
    }
    case "releases/tags": {
      const release = releases.find(({ tag }) => tag === name);
      if (!release) return notFound;
      return ok({
        tag_name: name,
        published_at: release.published,
        prerelease: false,
        draft: false,
        author: { login: release.author },
        assets: (release.assets ?? []).map((asset) => ({ name: asset.name, created_at: asset.created })),
      });
    }
    default:
      return notFound;
  }
}
