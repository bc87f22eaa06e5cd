/** Which repository a pin comes from, and what software its host runs, which decides how it is asked. */
import type { Source } from "../nix/model.ts";
import { type ForgeKind, forgeKindOf, forgePlace } from "../origin/forges.ts";
import type { Location } from "../origin/location.ts";

/** A repository on a host. */
export interface Hosted {
  readonly software: ForgeKind;
  /** As `github.com`. */
  readonly host: string;
  /** With slashes on forges that have groups; "" where only a clone URL is known. */
  readonly owner: string;
  /** The repository's name. Where only a clone URL is known: its path, without `.git` and outer slashes. */
  readonly name: string;
  /** Where it is cloned from. */
  readonly url: string;
  /** The clone URL is a guess from the host's usual layout: that nothing is there proves nothing. */
  readonly isPresumed?: true;
}

/** Fetchers for forges of one software: their use tells what the host runs. */
const BY_FETCHER: Readonly<Record<string, ForgeKind>> = {
  fetchFromGitHub: "github",
  fetchFromGitLab: "gitlab",
  fetchFromGitea: "forgejo",
  fetchFromForgejo: "forgejo",
  fetchFromCodeberg: "forgejo",
};

/** Fetchers that clone with git, whatever the URL looks like; and those that clone with something else. */
const GIT = /^(fetchgit|fetchgitPrivate|fetchGit)$/;
const OTHERS = /^fetch(hg|svn|svnssh|bzr|darcs|fossil|mtn|cvs)$/;

interface Place {
  readonly hosted: Hosted;
  /** The revision that the location names; null: none. */
  readonly ref: string | null;
  readonly isAsset: boolean;
}

/** The repository that a location is in; null when it is in none that can be asked. */
export function hostedAt(source: Source, location: Location): Place | null {
  const { scheme, host, path, query } = location;
  if (scheme !== "https" && scheme !== "http") return null;
  const named = forgeKindOf(location.owner?.repository?.forge ?? host);
  const software = named === "git" ? (BY_FETCHER[source.fetcher ?? ""] ?? named) : named;
  if (software === "git") {
    const url = cloneUrl(source, location);
    if (url === null) return null;
    const name = pathOf(url)
      .join("/")
      .replace(/\.git$/, "");
    const hosted = { software, host, owner: "", name, url };
    const isNamed = url === location.text.split("#", 1)[0];
    return { hosted: isNamed ? hosted : { ...hosted, isPresumed: true }, ref: null, isAsset: false };
  }
  const place = forgePlace({ scheme, host: host.replace(/^www\./, ""), path, query }, software);
  const repository = place?.owner?.repository;
  if (!place || !repository) return null;
  const { forge, owner, name } = repository;
  // A path with such parts would lead elsewhere.
  if (`${owner}/${name}`.split("/").some((part) => /^\.{0,2}$/.test(part))) return null;
  const url = `https://${forge}/${owner}/${name}.git`;
  return {
    hosted: { software, host: forge, owner, name, url },
    ref: place.ref,
    isAsset: place.kind === "asset",
  };
}

/** The names in the path of an https URL. */
function pathOf(url: string): readonly string[] {
  return url.slice("https://".length).split("/").slice(1).filter(Boolean);
}

/** How to get from an archive's location to its clone URL, as the host's own pages show it. */
const CLONES: readonly (readonly [
  host: RegExp,
  path: RegExp,
  clone: (part: string, host: string) => string,
])[] = [
  [/^bitbucket\.org$/, /^\/([^/]+\/[^/]+)\/(?:get|raw)\//, (part) => `https://bitbucket.org/${part}.git`],
  [/^git\.sr\.ht$/, /^\/(~[^/]+\/[^/]+)(?:\/|$)/, (part) => `https://git.sr.ht/${part}`],
  [
    /^git\.savannah\.(?:non)?gnu\.org$/,
    /^\/(?:c?git|gitweb)\/([^/]+\.git)\//,
    (part, host) => `https://${host}/git/${part}`,
  ],
  [
    /^gist\.(?:github|githubusercontent)\.com$/,
    /^\/[^/]+\/([0-9a-f]+)(?:[/.]|$)/,
    (part) => `https://gist.github.com/${part}.git`,
  ],
  [/\.googlesource\.com$/, /^\/(.+?)\/\+/, (part, host) => `https://${host}/${part}`],
  [
    /^(?:git\.kernel\.org|repo\.or\.cz)$/,
    /^\/(.+\.git)\/(?:snapshot|plain|patch|rawdiff)\//,
    (part, host) => `https://${host}/${part}`,
  ],
];

/** The clone URL of a location; null when there is none, or not over https. */
function cloneUrl({ fetcher }: Source, { scheme, host, path, query, kind, text }: Location): string | null {
  if (GIT.test(fetcher ?? "") || kind === "clone") {
    const isGit = !OTHERS.test(fetcher ?? "") && host !== "hg.sr.ht";
    return isGit && scheme === "https" && query === "" ? (text.split("#", 1)[0] ?? null) : null;
  }
  for (const [hosts, paths, clone] of CLONES) {
    const part = hosts.test(host) ? paths.exec(path)?.[1] : undefined;
    if (part !== undefined) return clone(part, host);
  }
  return null;
}
