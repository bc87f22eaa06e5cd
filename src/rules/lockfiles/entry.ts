/** What the lockfiles of all ecosystems say of one dependency. */

/** Where an entry comes from: a registry by name, a git repository, an archive at a URL, a folder. */
export type Origin = "registry" | "git" | "url" | "path";

export interface LockEntry {
  /** The package's name; for an npm alias, that of the package which it stands for. */
  readonly name: string;
  readonly version: string | null;
  readonly origin: Origin;
  /** URL of the registry, repository or archive, or a path; null when the tool decides it. */
  readonly location: string | null;
  /** Hashes, by algorithm or by the name of the file that each is of. */
  readonly hashes: ReadonlyMap<string, string>;
  /** The name under which an alias installs it; null: its own. */
  readonly alias: string | null;
  /** True when it runs code of its own at installation. */
  readonly runsScripts: boolean;
}

export interface LockFormat {
  readonly ecosystem: string;
  /** Hosts that its tools use unless told otherwise. */
  readonly registries: readonly string[];
  /** Whether an archive's URL contains the package's name, as for npm. */
  readonly namesInUrls?: boolean;
  /** Throws on a text that is not of this format. */
  readonly read: (text: string) => readonly LockEntry[];
}

export const entry = (fields: Partial<LockEntry> & { readonly name: string }): LockEntry => ({
  version: null,
  origin: "registry",
  location: null,
  hashes: new Map(),
  alias: null,
  runsScripts: false,
  ...fields,
});

/** The fields of a parsed value that should be an object; none if it is not. */
export function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : new Map();
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
}

/** Subresource integrity (possibly several hashes), or bare hex, by algorithm. */
export function integrityOf(value: unknown): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const word of (textOf(value) ?? "").split(/\s+/)) {
    const [, algorithm, hash] = /^(sha\d+|md5)[-:](.+)$/.exec(word) ?? [];
    if (algorithm && hash) hashes.set(algorithm, hash);
    else if (/^[0-9a-f]{64}$/i.test(word)) hashes.set("sha256", word.toLowerCase());
    else if (/^[0-9a-f]{40}$/i.test(word)) hashes.set("sha1", word.toLowerCase());
    else if (/^[0-9a-f]{128}$/i.test(word)) hashes.set("sha512", word.toLowerCase());
    else if (word !== "") hashes.set("hash", word);
  }
  return hashes;
}

/** What kind of place a URL or path is, as npm, yarn and pnpm write them. */
export function originOf(location: string, registries: readonly string[]): Origin {
  if (/^(?:git\+|git:|git@|github:|gitlab:|bitbucket:|ssh:)|\.git(?:#|$)/.test(location)) return "git";
  if (/^(?:file|link|portal|workspace):|^[./]/.test(location)) return "path";
  const host = hostOf(location);
  return host === null || registries.includes(host) ? "registry" : "url";
}

/** The host of a URL in any of the spellings of lockfiles (`git+ssh://git@host/…`, `registry+https://…`); null: none. */
export function hostOf(location: string): string | null {
  const plain = location.replace(/^(?:registry|sparse|git|hg|svn)\+/, "");
  const scp = /^(?:ssh:\/\/)?[\w.-]+@([\w.-]+)[:/]/.exec(plain);
  if (scp?.[1]) return scp[1].toLowerCase();
  const short = /^(github|gitlab|bitbucket):/.exec(plain);
  if (short) return short[1] === "bitbucket" ? "bitbucket.org" : `${short[1]}.com`;
  return URL.canParse(plain) ? new URL(plain).hostname.replace(/\.$/, "") || null : null;
}
