/** Registries and mirrored sites, where a name in the path says whose a file is. */
import type { Read, WhatIsThere } from "./place.ts";

/** Places where a name in the path, not the host, says whose the file is. `id` may use the groups of `path`. */
const REGISTRIES: readonly { readonly host: RegExp; readonly path: RegExp; readonly registry: string }[] = [
  {
    host: /^(pypi|pypi\.python\.org|pypi\.org|pypi\.io|files\.pythonhosted\.org)$/,
    path: /^\/(?:packages\/[^/]+\/)?[^/]\/([^/]+)\//,
    registry: "PyPI",
  },
  {
    // By the digest of the file: packages/e4/7b/…/NAME-VERSION.tar.gz
    host: /^(pypi\.python\.org|pypi\.org|pypi\.io|files\.pythonhosted\.org)$/,
    path: /^\/packages\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]+\/([A-Za-z0-9._-]+?)-\d[^/]*$/,
    registry: "PyPI",
  },
  { host: /^(static\.)?crates\.io$/, path: /^\/(?:api\/v1\/)?crates\/([^/]+)\//, registry: "crates.io" },
  { host: /^registry\.(npmjs\.org|yarnpkg\.com)$/, path: /^\/((?:@[^/]+\/)?[^/]+)\//, registry: "npm" },
  {
    host: /^(rubygems|rubygems\.org)$/,
    path: /^\/(?:gems|downloads)\/(.+)-[0-9][^/]*\.gem$/,
    registry: "RubyGems",
  },
  {
    host: /^(hackage|hackage\.haskell\.org)$/,
    // `mirror://hackage/` is https://hackage.haskell.org/package/
    path: /^\/(?:package\/)?([a-zA-Z0-9-]+?)-[0-9.]+(?:\/|\.tar\.gz$|$)/,
    registry: "Hackage",
  },
  {
    host: /^[\w-]+\.gallery\.vsassets\.io$/,
    path: /^\/_apis\/public\/gallery\/publisher\/([^/]+\/extension\/[^/]+)\//,
    registry: "Visual Studio Marketplace",
  },
  {
    host: /^(www\.|api\.)?nuget\.org$/,
    path: /^\/(?:api\/v2\/package|packages|v3-flatcontainer)\/([^/]+)\//,
    registry: "NuGet",
  },
  { host: /^repo\.hex\.pm$/, path: /^\/tarballs\/([a-z0-9_]+)-/, registry: "Hex" },
  {
    host: /^(cpan|(?:[a-z]+\.)?cpan\.org|(?:cpan\.)?metacpan\.org)$/,
    // The author may change: PAUSE says who may upload a distribution.
    path: /\/([^/]+?)-v?\d[^/]*$/,
    registry: "CPAN",
  },
  {
    host: /^(sourceforge|sourceforge\.net|(?:prdownloads|downloads?)\.sourceforge\.net|[a-z]+\.dl\.sourceforge\.net)$/,
    path: /^\/(?:projects?\/|sourceforge\/)?([^/]+)\//,
    registry: "SourceForge",
  },
  {
    host: /^(gnu|ftp\.gnu\.org|ftpmirror\.gnu\.org)$/,
    path: /^\/(?:(?:pub\/)?gnu\/)?([^/]+)\//,
    registry: "GNU",
  },
  {
    host: /^(savannah|download\.savannah\.(?:non)?gnu\.org|download-mirror\.savannah\.gnu\.org)$/,
    path: /^\/(?:releases\/)?([^/]+)\//,
    registry: "Savannah",
  },
  {
    host: /^(apache|archive\.apache\.org|dlcdn\.apache\.org|downloads\.apache\.org|(?:www\.)?apache\.org)$/,
    path: /^\/(?:dist\/)?([^/]+)\//,
    registry: "Apache",
  },
  {
    host: /^(gnome|download\.gnome\.org|ftp\.gnome\.org|ftp\.acc\.umu\.se)$/,
    path: /^\/(?:pub\/)?(?:GNOME\/)?sources\//i,
    registry: "GNOME",
  },
  {
    host: /^(kernel|(?:[a-z.]+\.)?kernel\.org)$/,
    path: /^\//,
    registry: "kernel.org",
  },
  { host: /^(kde|download\.kde\.org)$/, path: /^\//, registry: "KDE" },
  {
    host: /^(xorg|xorg\.freedesktop\.org|x\.org|ftp\.x\.org)$/,
    path: /^\//,
    registry: "X.Org",
  },
];

/** A name as its registry compares it. https://packaging.python.org/en/latest/specifications/name-normalization/ */
function plainName(registry: string, name: string): string {
  if (registry === "PyPI") return name.toLowerCase().replace(/[-_.]+/g, "-");
  // https://doc.rust-lang.org/cargo/reference/registry-index.html#name-restrictions, https://learn.microsoft.com/nuget/reference/id-prefix-reservation
  if (registry === "crates.io") return name.toLowerCase().replaceAll("_", "-");
  return registry === "NuGet" ? name.toLowerCase() : name;
}

/** What a location on a known registry or mirrored site names; null when it is none. */
export function registryPlace({ scheme, host, path }: Read): WhatIsThere | null {
  for (const registry of REGISTRIES) {
    // `mirror://gnu/…` names its site where others have a host: pkgs/build-support/fetchurl/mirrors.nix of nixpkgs.
    if (!registry.host.test(host) || (scheme === "mirror") !== !host.includes(".")) continue;
    const match = registry.path.exec(path);
    if (!match) continue;
    // Without a name, the site is one owner: few people upload there, for all of its projects.
    const [, name = ""] = match;
    const plain = plainName(registry.registry, name);
    const id = plain === "" ? registry.registry : `${registry.registry} ${plain}`;
    const known = !name.includes("\u0000");
    return {
      kind: "registry",
      ref: /\/files\/latest\/download$/.test(path) ? "latest" : null,
      owner: known ? { id, repository: null, domain: registry.registry } : null,
    };
  }
  return null;
}
