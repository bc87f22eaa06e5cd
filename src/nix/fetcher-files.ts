/** Files that define how sources are fetched, as nixpkgs and its descendants name them. */

/** A folder or file of a fetcher, or of mirrors, in a path; fetchmail is no fetcher. */
export const FETCHER =
  /(?:^|\/)(?:fetch(?:url|zip|git|hg|svn|cvs|bzr|mtn|darcs|fossil|pijul|repo|patch|pypi|ipfs|torrent|docker|debian|maven|radicle|s3|closure|[-_](?:from|yarn|npm|pnpm|cargo|bower|gradle|git|bun|crate|deno|deps|hex|mix|nupkg|rebar|uv))[\w.-]*|fetch[A-Z][\w.-]*|nix-prefetch-[\w.-]+|fetchers\.nix|mirrors\.nix)(?:\/|$)/;
/** Builders that fetch what they build from, and the settings of fetchers. */
const BUILDER =
  /(?:^|\/)(?:build-support\/(?:go|rust|node|php|dotnet|dart|build-bazel-package)\/|ruby-modules\/gem\/|beam-modules\/|build-(?:maven|npm|rust|go|bazel)-[\w-]{1,40}\.nix$|top-level\/config\.nix$)/;
const TESTS = /(?:^|\/)tests?(?:\/|\.nix$)/;

/** Whether a path is that of a fetcher, or of a list of mirrors; its tests are none. */
export function isFetcherFile(path: string): boolean {
  return FETCHER.test(path) && !TESTS.test(path);
}

/** Whether a path is that of a builder which fetches as well. */
export function isFetchingBuilder(path: string): boolean {
  return BUILDER.test(path) && !TESTS.test(path);
}

/** The folders and files of a fetcher in a path, in the form of `fetcherKey`; empty for collections of fetchers. */
export function fetcherKeysOf(path: string): readonly string[] {
  return path
    .split("/")
    .map((part) => part.replace(/\.\w+$/, ""))
    .filter((part) => /^fetch(?!ers$)/i.test(part))
    .map(fetcherKey);
}

/** A fetcher's name as its folder may have it: `fetchFromGitHub` is in `fetchgithub`. */
export function fetcherKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/[-_]/g, "")
    .replace(/^fetchfrom/, "fetch");
}
