/** What a location names, and who decides there: the types that forges, registries and plain hosts share. */
import { getDomain } from "tldts";

/** What kind of thing a location names: it says who made the bytes, and whether they can change. */
export type LocationKind =
  /** What a forge packs from a commit or tag. */
  | "archive"
  /** A file that somebody uploaded to a release. */
  | "asset"
  /** A file of a repository at a revision. */
  | "raw"
  /** A commit, comparison or pull request as a patch. */
  | "patch"
  /** A repository to clone. */
  | "clone"
  /** A package of a registry (PyPI, crates.io, npm, …). */
  | "registry"
  | "file";

/** Who decides what a location holds. Equal `id`, same owner. */
export interface Owner {
  readonly id: string;
  /** For a repository on a forge. */
  readonly repository: { readonly forge: string; readonly owner: string; readonly name: string } | null;
  /** The registrable domain (or the host, when it has none). */
  readonly domain: string;
}

/** The parts that decide, already without `www.` and with placeholders as NUL. */
export interface Read {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** What a location names. */
export interface WhatIsThere {
  readonly kind: LocationKind;
  /** Null: not known. */
  readonly owner: Owner | null;
  /** The tag, branch or commit that it names, without `refs/tags/`. */
  readonly ref: string | null;
}

/** The registrable domain of a host by the public suffix list, private suffixes (`github.io`) too; else the host. */
export function domainOf(host: string): string {
  return getDomain(host, { allowPrivateDomains: true }) ?? host;
}
