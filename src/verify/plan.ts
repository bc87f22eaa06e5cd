/** Plans how a fixed-output derivation is fetched again. */
import { formatSri } from "../nix/hash.ts";
import { attributesOf, type Derivation, fixedOutput, wordsOf } from "./drv.ts";
import { type DerivationSpec, specOf } from "./rederive.ts";
import { type AllowedHosts, checkUrl } from "./urls.ts";

/** A way to fetch: with Nix's own downloader, or by the derivation's builder, which is the pull request's code. */
export interface Way {
  readonly via: "nix" | "builder";
  readonly spec: DerivationSpec;
  /** Null for a builder, which decides itself where to go. */
  readonly url: string | null;
  readonly secure: boolean;
}

/** What can be fetched. */
export interface Ways {
  readonly kind: "ways";
  readonly ways: readonly Way[];
  /** The declared locations, those behind mirrors where they are known; empty when the derivation does not say any. */
  readonly urls: readonly string[];
  /** Locations that were left out, with the reason. */
  readonly leftOut: readonly string[];
}

export type Plan =
  | Ways
  | { readonly kind: "refused" | "unsupported"; readonly reason: string; readonly urls: readonly string[] };

/** Locations behind `mirror://name/`, as nixpkgs' `mirrors.nix` lists them. */
export type Mirrors = Readonly<Record<string, readonly string[]>>;

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];
/** The variables that tell builders the proxy, whatever they are written in. */
export const PROXY_ENVIRONMENT = [...PROXY_VARIABLES, ...PROXY_VARIABLES.map((name) => name.toUpperCase())];

/** The environment of what is to use the proxy at `url` for everything. */
export function proxyEnvironment(url: string): Readonly<Record<string, string>> {
  return Object.fromEntries(PROXY_ENVIRONMENT.map((name) => [name, /^no_/i.test(name) ? "" : url]));
}

/** Decides how to fetch a FOD again on a machine of `system`. `own`: with its own builder, if it has one. */
export function planRefetch(
  derivation: Derivation,
  system: string,
  mirrors: Mirrors,
  allowed: AllowedHosts,
  own = false,
): Plan {
  const attributes = attributesOf(derivation);
  const urls = declaredLocations(derivation);
  const expanded = urls.flatMap((url) => expandMirror(url, mirrors));
  // Mirrors that are not known here are known to the builder.
  const plain = !own && isPlainFetchurl(derivation, attributes) && !expanded.some(isMirror);
  if (derivation.builder === "builtin:fetchurl" || plain) {
    return planDownloads(derivation, expanded, allowed);
  }
  if (derivation.system !== system) {
    return { kind: "unsupported", reason: `needs a ${derivation.system} machine to fetch`, urls };
  }
  const checks = urls.filter((url) => !isMirror(url)).map((url) => ({ url, check: checkUrl(url, allowed) }));
  const refused = checks.find(({ check }) => check.kind === "refused");
  if (refused && refused.check.kind === "refused") {
    return { kind: "refused", reason: `${refused.url}: ${refused.check.reason}`, urls };
  }
  const spec = specOf(derivation);
  const impureEnvVars = [...new Set([...wordsOf(attributes.impureEnvVars), ...PROXY_ENVIRONMENT])];
  return {
    kind: "ways",
    ways: [
      {
        via: "builder",
        spec: { ...spec, attributes: { ...spec.attributes, impureEnvVars } },
        url: null,
        secure: false,
      },
    ],
    urls,
    leftOut: [],
  };
}

/** The locations that a derivation declares, as written: `mirror://…` is one. */
export function declaredLocations(derivation: Derivation): readonly string[] {
  const { urls, url } = attributesOf(derivation);
  return wordsOf(urls).length > 0 ? wordsOf(urls) : wordsOf(url);
}

function planDownloads(derivation: Derivation, urls: readonly string[], allowed: AllowedHosts): Plan {
  const ways: Way[] = [];
  const leftOut: string[] = [];
  let refused: string | null = null;
  for (const url of urls) {
    const check = checkUrl(url, allowed);
    if (check.kind === "ok") {
      ways.push({ via: "nix", spec: downloadSpec(derivation, url), url, secure: check.secure });
    } else {
      leftOut.push(`${url}: ${check.reason}`);
      if (check.kind === "refused") refused ??= `${url}: ${check.reason}`;
    }
  }
  if (refused && ways.length === 0) return { kind: "refused", reason: refused, urls };
  if (ways.length === 0) return { kind: "unsupported", reason: leftOut[0] ?? "it names no location", urls };
  return { kind: "ways", ways, urls, leftOut };
}

function isMirror(url: string): boolean {
  return url.startsWith("mirror://");
}

function expandMirror(url: string, mirrors: Mirrors): readonly string[] {
  const [, site, path] = /^mirror:\/\/([^/]+)\/(.*)$/.exec(url) ?? [];
  if (site === undefined || path === undefined || !Object.hasOwn(mirrors, site)) return [url];
  return (mirrors[site] ?? []).map((mirror) => `${mirror.replace(/\/?$/, "/")}${path}`);
}

/**
 * Whether it is nixpkgs' `fetchurl` and only downloads: then Nix's downloader gives the same bytes, without a shell and on any
 * system. The builder of `fetchurl` reads exactly these attributes.
 */
function isPlainFetchurl(derivation: Derivation, attributes: Readonly<Record<string, unknown>>): boolean {
  const isEmpty = (name: string) => {
    const value = attributes[name];
    return (
      value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0)
    );
  };
  return (
    fixedOutput(derivation)?.mode === "flat" &&
    "postFetch" in attributes &&
    "curlOpts" in attributes &&
    ["postFetch", "curlOpts", "curlOptsList", "netrcPhase", "downloadToTemp", "executable", "showURLs"].every(
      isEmpty,
    )
  );
}

function downloadSpec(derivation: Derivation, url: string): DerivationSpec {
  const output = fixedOutput(derivation);
  const attributes = attributesOf(derivation);
  const keep =
    derivation.builder === "builtin:fetchurl"
      ? { unpack: attributes.unpack, executable: attributes.executable }
      : {};
  return {
    attributes: {
      unpack: "",
      executable: "",
      ...keep,
      name: derivation.name,
      system: "builtin",
      url,
      outputHashMode: output?.mode ?? "flat",
      outputHash: output ? formatSri(output.hash) : "",
      preferLocalBuild: true,
    },
    builder: "builtin:fetchurl",
    args: [],
    derivations: {},
    sources: [],
  };
}
