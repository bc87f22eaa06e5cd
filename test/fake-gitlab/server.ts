/** GitLab's REST API as it answers who has no account. https://docs.gitlab.com/api/rest/ */
import {
  branchOf,
  committed,
  containing,
  type FakeForge,
  find,
  type HostedRepository,
  notFound,
  ok,
  type Reply,
  startForge,
  tagOf,
} from "../fake-forge/server.ts";

export const startFakeGitLab = () => startForge(answer);

function answer(forge: FakeForge, { pathname, search, searchParams }: URL): Reply | null {
  const group = /^\/api\/v4\/groups\/([^/]+)$/.exec(pathname)?.[1];
  if (group !== undefined) {
    const owned = forge.repositories.find(({ owner }) => owner.split("/")[0] === decodeURIComponent(group));
    return owned
      ? ok({ id: 7, full_path: decodeURIComponent(group), created_at: owned.ownerCreated })
      : notFound;
  }
  const [, project = "", rest = ""] = /^\/api\/v4\/projects\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  const id = decodeURIComponent(project);
  const byId = forge.repositories.find((each) => String(each.id) === id);
  const found = byId ? { hosted: byId, moved: false } : find(forge, id);
  if (!found) return { status: 404, data: { message: "404 Project Not Found" } };
  if (found.moved) {
    const location = `http://${forge.host}/api/v4/projects/${found.hosted.id}${rest}${search}`;
    return { status: 301, data: "", headers: { location } };
  }
  if (rest === "") return ok(projectOf(found.hosted));
  return inProject(found.hosted, rest, searchParams);
}

function projectOf({ id, owner, name, created, stars, description }: HostedRepository): object {
  const fullPath = `${owner}/${name}`;
  return {
    id,
    name,
    path_with_namespace: fullPath,
    created_at: created,
    default_branch: "main",
    star_count: stars,
    description,
    forks_count: 0,
    namespace: { id: 7, name: owner, path: owner, kind: "group", full_path: owner },
  };
}

function inProject(hosted: HostedRepository, path: string, query: URLSearchParams): Reply {
  const { repository, releases, pulls } = hosted;
  const commit = (id: string) => ({ id, committed_date: committed(repository, id) });
  const released = (tag: string) => releases.find((each) => each.tag === tag);
  const [, what = "", raw = "", more] =
    /^\/(?:repository\/)?(tags|branches|commits|releases)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  const name = decodeURIComponent(raw);
  switch (more ? `${what}/${more}` : what) {
    case "tags": {
      const tag = tagOf(repository, name);
      if (!tag) return { status: 404, data: { message: "404 Tag Not Found" } };
      const release = released(name);
      return ok({
        name,
        target: tag.object,
        commit: commit(tag.commit),
        created_at: tag.made,
        release: release ? { tag_name: name, description: "" } : null,
        protected: false,
      });
    }
    case "branches": {
      const tip = branchOf(repository, name);
      return tip === null ? notFound : ok({ name, commit: commit(tip) });
    }
    case "commits":
      return committed(repository, name) === null ? notFound : ok(commit(name));
    case "commits/refs": {
      if (committed(repository, name) === null) return notFound;
      const refs = [
        ...containing(repository, "heads", name).map((each) => ({ type: "branch", name: each })),
        ...containing(repository, "tags", name).map((each) => ({ type: "tag", name: each })),
      ];
      return ok(refs.slice(0, Number(query.get("per_page") ?? 20)));
    }
    case "commits/merge_requests":
      return ok(
        pulls
          .filter(({ commits }) => commits.includes(name))
          .map(({ number, state }) => ({ iid: number, target_project_id: hosted.id, state })),
      );
    case "releases": {
      const release = released(name);
      if (!release) return notFound;
      const links = (release.assets ?? []).map((asset, id) => ({
        id,
        name: asset.name,
        url: `https://example.org/${asset.name}`,
        link_type: "other",
      }));
      return ok({
        tag_name: name,
        released_at: release.published,
        upcoming_release: false,
        author: { username: release.author },
        assets: { count: links.length, links, sources: [] },
      });
    }
    default:
      return notFound;
  }
}
