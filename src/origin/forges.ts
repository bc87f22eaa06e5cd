/** Locations on forges: whose repository, which revision, and whether the forge or a person made the file. */
import { domainOf, type LocationKind, type Read, type WhatIsThere } from "./place.ts";

/** Hosts that serve the repositories of a forge of another name. */
const FORGE_ALIASES: Readonly<Record<string, string>> = {
  "codeload.github.com": "github.com",
  "raw.githubusercontent.com": "github.com",
  "raw.github.com": "github.com",
  "patch-diff.githubusercontent.com": "github.com",
  "gist.githubusercontent.com": "gist.github.com",
};

/** GitLab instances without "gitlab" in their name that nixpkgs fetches from. */
const GITLAB_HOSTS = new Set([
  "salsa.debian.org",
  "invent.kde.org",
  "code.videolan.org",
  "framagit.org",
  "0xacab.org",
  "source.puri.sm",
  "git.drupalcode.org",
  "git.pleroma.social",
  "dev.gajim.org",
  "foss.heptapod.net",
]);
const GITEA_HOSTS = new Set([
  "codeberg.org",
  "gitea.com",
  "code.forgejo.org",
  "notabug.org",
  "git.lix.systems",
  "git.disroot.org",
]);

/** The software of a forge: it decides how the forge is asked. `git`: nothing is known but that git may be there. */
export type ForgeKind = "github" | "gitlab" | "forgejo" | "git";

/** The software of a host, as far as its name tells. */
export function forgeKindOf(host: string): ForgeKind {
  if (host === "github.com") return "github";
  if (GITLAB_HOSTS.has(host) || host.startsWith("gitlab.")) return "gitlab";
  if (GITEA_HOSTS.has(host) || host.startsWith("gitea.") || host.startsWith("forgejo.")) return "forgejo";
  return "git";
}

function repositoryPlace(
  forge: string,
  owner: string | undefined,
  name: string | undefined,
  kind: LocationKind,
  ref: string | undefined | null,
): WhatIsThere | null {
  if (!owner || !name) return null;
  const plainName = name.replace(/\.git$/, "");
  const known = !`${owner}${plainName}`.includes("\u0000");
  return {
    kind,
    ref: ref ? plainRef(ref) : null,
    owner: known
      ? {
          // Forges compare these names without case.
          id: `${forge}/${owner}/${plainName}`.toLowerCase(),
          repository: { forge, owner, name: plainName },
          domain: domainOf(forge),
        }
      : null,
  };
}

/** `refs/tags/v1` and `tags/v1` as `v1`; null when a part is not known. */
function plainRef(ref: string): string | null {
  return ref.includes("\u0000") ? null : ref.replace(/^(refs\/)?tags\//, "");
}

const PATCH_SUFFIX = /\.(patch|diff)$/;
const ARCHIVE_SUFFIX = /\.(tar\.(gz|bz2|xz|zst)|tgz|zip)$/;

/** What a location on a forge names; null when it is none. `kind`: the forge's software, where its name does not tell. */
export function forgePlace({ scheme, host, path, query }: Read, kind?: ForgeKind): WhatIsThere | null {
  if (scheme === "mirror") return null;
  const forge = FORGE_ALIASES[host] ?? host;
  const parts = path.split("/").filter((part) => part !== "");
  const [first, second, third, fourth, ...rest] = parts;
  const after = (n: number) => parts.slice(n).join("/");

  if (host === "codeload.github.com") return repositoryPlace(forge, first, second, "archive", after(3));
  if (host === "raw.githubusercontent.com") {
    const ref = third === "refs" ? parts.slice(2, 5).join("/") : third;
    return repositoryPlace(forge, first, second, "raw", ref);
  }
  if (host === "patch-diff.githubusercontent.com")
    return repositoryPlace(forge, second, third, "patch", null);
  if (host === "api.github.com") {
    return repositoryPlace("github.com", second, third, "archive", parts.slice(4).join("/"));
  }
  if (forge === "gist.github.com") {
    const revision = parts.find((part) => /^[0-9a-f]{40}$/.test(part));
    return repositoryPlace(forge, first, second, "raw", revision ?? null);
  }
  const software = kind ?? forgeKindOf(forge);
  if (software === "github" || software === "forgejo") {
    return repositoryPlace(forge, first, second, ...ownerAndName(third, fourth, rest));
  }
  if (software === "gitlab") return gitlabPlace(forge, path, query);
  if (forge === "bitbucket.org") {
    if (third === "get")
      return repositoryPlace(forge, first, second, "archive", after(3).replace(ARCHIVE_SUFFIX, ""));
    if (third === "pull-requests") return repositoryPlace(forge, first, second, "patch", null);
    return repositoryPlace(
      forge,
      first,
      second,
      third === "downloads" ? "asset" : third ? "raw" : "clone",
      null,
    );
  }
  if (/^(git|hg)\.sr\.ht$/.test(forge)) {
    if (third === "archive") {
      return repositoryPlace(forge, first, second, "archive", after(3).replace(ARCHIVE_SUFFIX, ""));
    }
    return repositoryPlace(
      forge,
      first,
      second,
      third === "refs" ? "asset" : third ? "raw" : "clone",
      fourth,
    );
  }
  // https://help.launchpad.net/Projects/FileDownloads: a project has one name, and its members upload.
  if (forge === "launchpad.net" && parts.includes("+download"))
    return repositoryPlace(forge, first, first, "asset", null);
  return null;
}

/** GitHub and Gitea: what stands after owner and name. */
function ownerAndName(
  what: string | undefined,
  next: string | undefined,
  rest: readonly string[],
): [LocationKind, string | null] {
  const ref = [next, ...rest].join("/");
  switch (what) {
    case undefined:
      return ["clone", null];
    case "archive":
    case "tarball":
    case "zipball":
      return ["archive", ref.replace(ARCHIVE_SUFFIX, "")];
    case "releases":
      // releases/download/TAG/FILE, releases/latest/download/FILE; a tag may have slashes, a file not.
      return ["asset", next === "download" ? rest.slice(0, -1).join("/") : "latest"];
    case "commit":
    case "pull":
    case "pulls":
    case "compare":
      return ["patch", what === "commit" ? ref.replace(PATCH_SUFFIX, "") : null];
    case "raw":
    case "blob":
    case "media":
      // Gitea: raw/commit/ID/…, raw/branch/NAME/…; GitHub: raw/REF/…, raw/refs/heads/NAME/…
      if (next === "refs") return ["raw", [next, ...rest.slice(0, 2)].join("/")];
      return ["raw", /^(commit|branch|tag)$/.test(next ?? "") ? (rest[0] ?? null) : (next ?? null)];
    default:
      return ["file", null];
  }
}

/**
 * What follows a project's name: `/-/raw/v1/…`, until 2019 `/raw/v1/…`. Projects cannot have these names:
 * https://docs.gitlab.com/user/reserved_names/
 */
const UNDER_PROJECT =
  /^((?:\/[^/]+){2,}?)\/(?:-\/([a-z_]+)|(raw|blob|commit|archive|merge_requests|compare|uploads))\/(.*)$/s;

function gitlabPlace(forge: string, path: string, query: string): WhatIsThere | null {
  const api = /^\/api\/v4\/projects\/([^/]+)\/(repository\/archive)?/.exec(path);
  const sha = /[?&](?:sha|ref)=([^&]*)/.exec(query)?.[1];
  const under = api ? null : UNDER_PROJECT.exec(path);
  const project = api ? decoded(api[1] ?? "") : (under?.[1] ?? path.split("/repository/")[0]);
  const parts = (project ?? "").split("/").filter((part) => part !== "");
  const name = parts.pop();
  const owner = parts.join("/");
  if (api?.[2]) return repositoryPlace(forge, owner, name, "archive", sha ? decoded(sha) : "HEAD");
  // Of packages and the like, which people upload.
  if (api) return repositoryPlace(forge, owner, name, "asset", null);
  const rest = under?.[4] ?? "";
  switch (under?.[2] ?? under?.[3]) {
    case "archive":
      return repositoryPlace(forge, owner, name, "archive", rest.replace(/\/[^/]*$/, ""));
    case "commit":
      return repositoryPlace(forge, owner, name, "patch", rest.replace(PATCH_SUFFIX, ""));
    case "merge_requests":
    case "compare":
      return repositoryPlace(forge, owner, name, "patch", null);
    case "releases":
      // releases/TAG/downloads/FILE, releases/permalink/latest/downloads/FILE
      return repositoryPlace(forge, owner, name, "asset", releasedTag(rest));
    case "package_files":
    case "jobs":
    case "uploads":
      return repositoryPlace(forge, owner, name, "asset", null);
    case "raw":
    case "blob":
      return repositoryPlace(forge, owner, name, "raw", rest.split("/")[0]);
    default:
      return repositoryPlace(forge, owner, name, path.includes("/repository/") ? "archive" : "clone", sha);
  }
}

function releasedTag(path: string): string | undefined {
  const [, tag] = /^(.+?)\/downloads\//.exec(path) ?? [];
  return tag === "permalink/latest" ? "latest" : tag;
}

/** fetchFromGitLab escapes these two. */
function decoded(text: string): string {
  return text.replace(/%2f/gi, "/").replace(/%2e/gi, ".");
}
