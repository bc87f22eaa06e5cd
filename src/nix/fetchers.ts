/**
 * What the fetchers of nixpkgs make of their arguments: the URLs that they would download.
 * https://nixos.org/manual/nixpkgs/stable/#chap-pkgs-fetchers and `pkgs/build-support/fetch*`.
 */
import type { SourceRole, Text } from "./model.ts";

/** The arguments of a fetcher, read by name. */
export interface FetcherArguments {
  /** The text of an argument; null when it is absent, `null`, or no string. */
  text(name: string): Text | null;
  /** The texts of an argument that is a list; null when it is absent or no known list. */
  texts(name: string): readonly Text[] | null;
  /** Whether a flag is (or may be) on: false when absent or `false`. */
  flag(name: string): boolean;
}

export interface Location {
  readonly urls: readonly Text[];
  readonly rev: Text | null;
}

export interface Fetcher {
  readonly role: SourceRole;
  /** The arguments that say where the bytes come from; all others shape what is fetched. */
  readonly location: readonly string[];
  readonly locate: (args: FetcherArguments) => Location;
  /** It builds what it fetches: its name and version are the package's own. */
  readonly builds?: true;
}

/** Texts and literals in a row, as one text. */
export function joinTexts(...parts: readonly (Text | string | null)[]): Text {
  let value = "";
  let resolved = true;
  for (const part of parts) {
    if (part === null) {
      value += "${?}";
      resolved = false;
    } else if (typeof part === "string") value += part;
    else {
      value += part.value;
      resolved &&= part.resolved;
    }
  }
  return { value, resolved };
}

const literal = (value: string): Text => ({ value, resolved: true });
const mapText = (text: Text | null, change: (value: string) => string): Text | null =>
  text && { value: text.resolved ? change(text.value) : text.value, resolved: text.resolved };

function plainUrls(args: FetcherArguments): readonly Text[] {
  const urls = args.texts("urls");
  if (urls && urls.length > 0) return urls;
  const url = args.text("url");
  return url ? [url] : [];
}

/** `rev`, or `tag` as the ref that forge fetchers make of it; null when neither is given. */
function revision(args: FetcherArguments): Text | null {
  const tag = args.text("tag");
  return tag ? joinTexts("refs/tags/", tag) : args.text("rev");
}

/** fetchFromGitHub and its kin clone when the archive of the forge does not do. */
function clones(args: FetcherArguments): boolean {
  return [
    "fetchSubmodules",
    "leaveDotGit",
    "deepClone",
    "forceFetchGit",
    "fetchLFS",
    "fetchTags",
    "sparseCheckout",
    "rootDir",
    "postCheckout",
  ].some((flag) => args.flag(flag));
}

const download = (role: SourceRole, extra: readonly string[] = []): Fetcher => ({
  role,
  location: ["url", "urls", ...extra],
  locate: (args) => {
    const urls = plainUrls(args);
    return { urls, rev: archivedRevision(urls[0]) };
  },
});

/** The revision in an archive's address: a change from the address to fetchFromGitHub is no change of place. */
function archivedRevision(url: Text | undefined): Text | null {
  const match =
    url?.resolved && /^https?:\/\/github\.com\/[^/]+\/[^/]+\/archive\/(.+)\.tar\.gz$/.exec(url.value);
  return match ? literal(match[1] ?? "") : null;
}

const clone = (...extra: readonly string[]): Fetcher => ({
  role: "source",
  location: ["url", "rev", "tag", "ref", ...extra],
  locate: (args) => ({ urls: plainUrls(args), rev: revision(args) ?? args.text("ref") }),
});

interface Forge {
  readonly location: readonly string[];
  /** The revision, where a tag is asked for as it stands; by default as `refs/tags/…`. */
  readonly rev?: (args: FetcherArguments) => Text | null;
  /** The page of the repository, without a slash at the end. */
  readonly home: (args: FetcherArguments) => Text;
  readonly archive: (home: Text, rev: Text | null, args: FetcherArguments) => Text;
  readonly gitSuffix?: string;
}

const forge = ({ location, home, archive, rev: revOf = revision, gitSuffix = ".git" }: Forge): Fetcher => ({
  role: "source",
  location: [...location, "rev", "tag"],
  locate: (args) => {
    const rev = revOf(args);
    const base = home(args);
    return { urls: [clones(args) ? joinTexts(base, gitSuffix) : archive(base, rev, args)], rev };
  },
});

const host = (args: FetcherArguments, name: string, otherwise: string): Text =>
  args.text(name) ?? literal(otherwise);

const required = (args: FetcherArguments, name: string): Text =>
  args.text(name) ?? { value: `\${${name}}`, resolved: false };

const ownerAndRepo =
  (domain: (args: FetcherArguments) => Text) =>
  (args: FetcherArguments): Text =>
    joinTexts("https://", domain(args), "/", args.text("owner"), "/", args.text("repo"));

const archivePath = (home: Text, rev: Text | null) => joinTexts(home, "/archive/", rev, ".tar.gz");

const forgejo = forge({
  location: ["owner", "repo", "domain"],
  home: ownerAndRepo((args) => required(args, "domain")),
  archive: archivePath,
});

const FORGES: Readonly<Record<string, Fetcher>> = {
  fetchFromGitHub: forge({
    location: ["owner", "repo", "githubBase"],
    home: ownerAndRepo((args) => host(args, "githubBase", "github.com")),
    archive: archivePath,
  }),
  fetchFromGitLab: forge({
    location: ["owner", "repo", "domain", "group", "protocol"],
    home: (args) =>
      joinTexts(
        host(args, "protocol", "https"),
        "://",
        host(args, "domain", "gitlab.com"),
        "/",
        ...gitlabPath(args, "/"),
      ),
    archive: (_, rev, args) =>
      joinTexts(
        host(args, "protocol", "https"),
        "://",
        host(args, "domain", "gitlab.com"),
        "/api/v4/projects/",
        ...gitlabPath(args, "%2F").map((part) =>
          typeof part === "string" ? part : mapText(part, (value) => value.replaceAll(".", "%2E")),
        ),
        "/repository/archive.tar.gz?sha=",
        mapText(rev, (value) => value.replaceAll("/", "%2F")),
      ),
  }),
  fetchFromGitea: forgejo,
  fetchFromForgejo: forgejo,
  fetchFromCodeberg: forge({
    location: ["owner", "repo"],
    home: ownerAndRepo(() => literal("codeberg.org")),
    archive: archivePath,
  }),
  fetchFromBitbucket: forge({
    location: ["owner", "repo"],
    home: ownerAndRepo(() => literal("bitbucket.org")),
    archive: (home, rev) => joinTexts(home, "/get/", rev, ".tar.gz"),
  }),
  fetchFromSourcehut: forge({
    location: ["owner", "repo", "vc", "domain"],
    home: (args) =>
      joinTexts(
        "https://",
        host(args, "vc", "git"),
        ".",
        host(args, "domain", "sr.ht"),
        "/",
        args.text("owner"),
        "/",
        args.text("repo"),
      ),
    rev: (args) => args.text("tag") ?? args.text("rev"),
    archive: archivePath,
    gitSuffix: "",
  }),
  fetchFromGitiles: forge({
    location: ["url"],
    home: (args) => required(args, "url"),
    archive: (home, rev) => joinTexts(home, "/+archive/", rev, ".tar.gz"),
    gitSuffix: "",
  }),
  fetchFromRepoOrCz: forge({
    location: ["repo"],
    home: (args) => joinTexts("https://repo.or.cz/", args.text("repo"), ".git"),
    archive: (home, rev) => joinTexts(home, "/snapshot/", rev, ".tar.gz"),
    gitSuffix: "",
  }),
  fetchFromTangled: forge({
    location: ["owner", "repo", "did", "domain"],
    home: (args) => {
      const did = args.text("did");
      const path = did ? [did] : [args.text("owner"), "/", args.text("repo")];
      return joinTexts("https://", host(args, "domain", "tangled.org"), "/", ...path);
    },
    archive: (home, rev) => joinTexts(home, "/archive/", rev),
    gitSuffix: "",
  }),
  fetchFromSavannah: forge({
    location: ["repo"],
    home: (args) => joinTexts("https://git.savannah.gnu.org/cgit/", args.text("repo"), ".git"),
    archive: (home, rev, args) => joinTexts(home, "/snapshot/", args.text("repo"), "-", rev, ".tar.gz"),
    gitSuffix: "",
  }),
};

function gitlabPath(args: FetcherArguments, separator: string): readonly (Text | string | null)[] {
  const group = args.text("group");
  const path = [args.text("owner"), separator, args.text("repo")];
  return group ? [group, separator, ...path] : path;
}

/** A package of a registry. `location`: the arguments that its URLs are made of. */
const registry = (
  location: readonly string[],
  urlsOf: (args: FetcherArguments) => readonly Text[],
  role: SourceRole = "source",
): Fetcher => ({ role, location, locate: (args) => ({ urls: urlsOf(args), rev: null }) });

const nuget = registry(["pname", "baseName", "version", "url"], (args) => [
  args.text("url") ??
    joinTexts(
      "https://www.nuget.org/api/v2/package/",
      args.text("pname") ?? args.text("baseName"),
      "/",
      args.text("version"),
    ),
]);

const REGISTRIES: Readonly<Record<string, Fetcher>> = {
  fetchPypi: registry(
    ["pname", "version", "format", "dist", "python", "abi", "platform", "extension"],
    (args) => [pypiUrl(args)],
  ),
  fetchCrate: registry(["pname", "crateName", "version", "registryDl"], (args) => [
    joinTexts(
      args.text("registryDl") ?? "https://crates.io/api/v1/crates",
      "/",
      args.text("crateName") ?? args.text("pname"),
      "/",
      args.text("version"),
      "/download",
    ),
  ]),
  fetchHex: registry(["pkg", "version"], (args) => [
    joinTexts("https://repo.hex.pm/tarballs/", args.text("pkg"), "-", args.text("version"), ".tar"),
  ]),
  fetchNuGet: nuget,
  fetchNupkg: nuget,
  fetchMavenArtifact: registry(
    ["groupId", "artifactId", "version", "classifier", "repos", "url", "urls"],
    mavenUrls,
  ),
  // An image has no address that a fetch would begin with: its name and what it is pinned to are one.
  pullImage: {
    role: "source",
    location: ["imageName", "imageDigest"],
    locate: (args) => ({
      urls: [joinTexts("docker://", args.text("imageName"))],
      rev: args.text("imageDigest"),
    }),
  },
  fetchDebianPatch: registry(
    ["pname", "version", "debianRevision", "area", "patch"],
    (args) => [
      joinTexts(
        "https://sources.debian.org/data/",
        args.text("area") ?? "main",
        "/",
        mapText(args.text("pname"), (value) =>
          value.startsWith("lib") ? value.slice(0, 4) : value.slice(0, 1),
        ),
        "/",
        args.text("pname"),
        "/",
        args.text("version"),
        "-",
        args.text("debianRevision"),
        "/debian/patches/",
        args.text("patch"),
      ),
    ],
    "patch",
  ),
};

function mavenUrls(args: FetcherArguments): readonly Text[] {
  const given = plainUrls(args);
  if (given.length > 0) return given;
  const repos = args.texts("repos") ?? [literal("https://repo1.maven.org/maven2")];
  const group = mapText(args.text("groupId"), (value) => value.replaceAll(".", "/"));
  const [artifact, version] = [args.text("artifactId"), args.text("version")];
  const classifier = args.text("classifier");
  const file = joinTexts(artifact, "-", version, ...(classifier ? ["-", classifier] : []), ".jar");
  return repos.map((repo) => joinTexts(repo, "/", group, "/", artifact, "/", version, "/", file));
}

function pypiUrl(args: FetcherArguments): Text {
  const pname = args.text("pname");
  const version = args.text("version");
  const first = mapText(pname, (value) => value.slice(0, 1));
  const format = args.text("format") ?? literal("setuptools");
  if (format.value !== "wheel") {
    const extension = args.text("extension") ?? literal("tar.gz");
    return joinTexts("mirror://pypi/", first, "/", pname, "/", pname, "-", version, ".", extension);
  }
  const python = args.text("python") ?? literal("py2.py3");
  // Until 2021 the folder was named by `python`; it is older than the hashes named `hash`.
  const isOld = args.text("python") !== null && args.text("hash") === null;
  const folder = isOld ? { ...python, resolved: false } : literal("py2.py3");
  return joinTexts(
    "https://files.pythonhosted.org/packages/",
    args.text("dist") ?? folder,
    "/",
    first,
    "/",
    pname,
    "/",
    pname,
    "-",
    version,
    "-",
    python,
    "-",
    args.text("abi") ?? "none",
    "-",
    args.text("platform") ?? "any",
    ".whl",
  );
}

/** Fetchers of dependencies: they read a source, not a URL. */
const vendored: Fetcher = { role: "dependencies", location: [], locate: () => ({ urls: [], rev: null }) };

const FETCHERS: ReadonlyMap<string, Fetcher> = new Map(
  Object.entries({
    fetchurl: download("source"),
    fetchurlBoot: download("source"),
    fetchzip: download("source"),
    fetchTarball: download("source"),
    // The user puts the file into the store; its `url` is a page to read.
    requireFile: { role: "source", location: ["name", "url"], locate: () => ({ urls: [], rev: null }) },
    // pkgs/servers/monitoring/grafana/plugins/grafana-plugin.nix
    grafanaPlugin: {
      role: "source",
      builds: true,
      location: ["pname", "version", "versionPrefix"],
      locate: (args) => ({
        urls: [
          joinTexts(
            "https://grafana.com/api/plugins/",
            args.text("pname"),
            "/versions/",
            args.text("versionPrefix") ?? "",
            args.text("version"),
            "/download",
          ),
        ],
        rev: null,
      }),
    },
    fetchtorrent: download("source"),
    fetchipfs: download("source", ["ipfs"]),
    fetchs3: { ...download("source"), location: ["s3url", "url", "urls"] },
    fetchpatch: download("patch"),
    fetchpatch2: download("patch"),
    fetchgit: clone(),
    fetchFromRadicle: {
      role: "source",
      location: ["seed", "repo", "node", "rev", "tag"],
      locate: (args) => {
        const node = args.text("node");
        const rev = revision(args);
        return {
          urls: [joinTexts("https://", args.text("seed"), "/", args.text("repo"), ".git")],
          rev: node ? joinTexts("refs/namespaces/", node, "/", rev) : rev,
        };
      },
    },
    fetchRadiclePatch: {
      role: "patch",
      location: ["seed", "repo", "revision"],
      locate: (args) => ({
        urls: [joinTexts("https://", args.text("seed"), "/", args.text("repo"), ".git")],
        rev: args.text("revision"),
      }),
    },
    fetchgitLocal: clone(),
    fetchgitPrivate: clone(),
    fetchGit: clone(),
    fetchTree: clone(),
    fetchhg: clone(),
    fetchsvn: clone(),
    fetchsvnssh: clone(),
    fetchbzr: clone(),
    fetchdarcs: clone(),
    fetchfossil: clone(),
    fetchmtn: clone("dbs", "selector", "branch"),
    fetchcvs: clone("cvsRoot", "module", "date"),
    ...FORGES,
    ...REGISTRIES,
    fetchCargoTarball: vendored,
    fetchDeps: vendored,
  } satisfies Record<string, Fetcher>),
);

/** What languages call theirs: `fetchYarnBerryDeps`, `fetchDenoDeps`. */
const FETCHES_DEPENDENCIES = /^fetch[A-Z]\w*(?:Deps|Dependencies|Vendor)$/;

/** The fetcher of a name, as `fetchFromGitHub`; undefined when the table does not know it. */
export function fetcherNamed(name: string | null): Fetcher | undefined {
  if (name === null) return undefined;
  return FETCHERS.get(name) ?? (FETCHES_DEPENDENCIES.test(name) ? vendored : undefined);
}

/** Whether a function fetches what a package around it depends on, whatever name and version it is given. */
export function fetchesDependencies(name: string | null): boolean {
  return fetcherNamed(name)?.role === "dependencies";
}
