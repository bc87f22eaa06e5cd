/** What speaks against an entry of a lockfile, compared with what the base has. */
import type { Severity } from "../../report/review.ts";
import { visible } from "../_text.ts";
import { compareNumbers } from "../_version.ts";
import { hostOf, type LockEntry, type LockFormat } from "./entry.ts";

export interface Suspicion {
  /** Entries with the same reason are one finding. */
  readonly reason: string;
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly clear: string;
  readonly entry: LockEntry;
  readonly before: string | null;
  readonly after: string | null;
}

/** What the base has, for looking an entry up. */
export interface Known {
  readonly byVersion: ReadonlyMap<string, readonly LockEntry[]>;
  readonly byName: ReadonlyMap<string, readonly LockEntry[]>;
  readonly hosts: ReadonlySet<string>;
  readonly isEmpty: boolean;
}

/**
 * An entry is compared with all entries of the same key; an honest lockfile has at most a dozen versions of a name. Leaving
 * out some of the base makes an entry of the head more suspicious, not less, since it is not found among them.
 */
const MOST_ALIKE = 100;

/** Entries by a key. */
export function grouped(
  entries: readonly LockEntry[],
  keyOf: (entry: LockEntry) => string,
): ReadonlyMap<string, readonly LockEntry[]> {
  const groups = new Map<string, LockEntry[]>();
  for (const entry of entries) {
    const group = groups.get(keyOf(entry));
    if (!group) groups.set(keyOf(entry), [entry]);
    else if (group.length < MOST_ALIKE) group.push(entry);
  }
  return groups;
}

const versionKey = (entry: LockEntry) =>
  `${entry.name}\0${entry.version ?? ""}\0${entry.origin === "git" ? originKey(entry) : ""}`;

/** A git location without its commit. */
function originKey({ location }: LockEntry): string {
  const place = location?.split(/[#?]/, 1)[0] ?? "";
  return place.replace(/\.git$/, "").toLowerCase();
}

/** Sorts the base's entries for looking them up. */
export function knownOf(entries: readonly LockEntry[]): Known {
  const hosts = entries.flatMap(({ location }) => (location === null ? [] : [hostOf(location) ?? ""]));
  return {
    byVersion: grouped(entries, versionKey),
    byName: grouped(entries, ({ name }) => name),
    hosts: new Set(hosts),
    isEmpty: entries.length === 0,
  };
}

const STRENGTH: readonly string[] = ["md5", "sha1", "sha256", "sha384", "sha512"];

function strength(entry: LockEntry): number {
  return Math.max(-1, ...[...entry.hashes.keys()].map((label) => STRENGTH.indexOf(label)));
}

/** A release, as against a branch or a date. */
const RELEASE = /^v?\d+(?:\.\d+){1,3}$/;

/** The two values, if entries of one name and version have different hashes of the same thing (or release commits); else null. */
function disagreement(before: LockEntry, after: LockEntry): readonly [string, string] | null {
  for (const [label, hash] of after.hashes) {
    const old = before.hashes.get(label);
    if (old === undefined || old === hash) continue;
    if (label === "commit" && !RELEASE.test(after.version ?? "")) continue;
    return [`${label}: ${old}`, `${label}: ${hash}`];
  }
  return null;
}

function hashSuspicion(entry: LockEntry, before: readonly LockEntry[]): Suspicion | null {
  if (before.length === 0) return null;
  const pairs = before.map((old) => disagreement(old, entry));
  const [pair] = pairs;
  if (pair && pairs.every((each) => each !== null)) {
    return {
      reason: "hash",
      severity: "block",
      title: "Same version, other bytes",
      why: "A published version does not change: the new hash belongs to an archive that somebody put in its place.",
      clear:
        "Clear it by taking the lockfile from the package's own repository, or by the registry's word on that version.",
      entry,
      before: pair[0],
      after: pair[1],
    };
  }
  const strongest = Math.max(...before.map(strength));
  const had = before.some((old) => old.hashes.size > 0);
  if (
    had &&
    (entry.hashes.size === 0 || (strength(entry) >= 0 && strength(entry) < strongest && strength(entry) <= 1))
  ) {
    return {
      reason: "weaker",
      severity: "high",
      title: entry.hashes.size === 0 ? "Hash of a dependency removed" : "Hash of a dependency weakened",
      why: "Without a strong hash, whatever the server sends is taken.",
      clear: "Clear it by the hash that the registry states.",
      entry,
      before: [...(before[0]?.hashes.keys() ?? [])].join(", "),
      after: [...entry.hashes.keys()].join(", ") || null,
    };
  }
  return null;
}

/** Large forges, from which a new lockfile may well take dependencies. */
const FORGES = new Set([
  "github.com",
  "codeload.github.com",
  "gitlab.com",
  "codeberg.org",
  "bitbucket.org",
  "git.sr.ht",
]);

function placeSuspicion(entry: LockEntry, known: Known, format: LockFormat): Suspicion | null {
  if (entry.location === null) return null;
  const host = hostOf(entry.location);
  const before = known.byName.get(entry.name) ?? [];
  const old = before[0]?.location ?? null;
  const same = before.some((other) => other.origin === entry.origin && originKey(other) === originKey(entry));
  if (same) return null;
  const from = { entry, before: old, after: entry.location };
  const isNewHost = host !== null && !format.registries.includes(host) && !known.hosts.has(host);
  if (isNewHost && !(FORGES.has(host) && (known.isEmpty || entry.origin === "git"))) {
    return {
      ...from,
      reason: `host ${host}`,
      // In a new lockfile every host is new, and only registries of the ecosystem go without saying.
      severity: !known.isEmpty ? "high" : format.namesInUrls ? "medium" : "low",
      title: `Dependencies from a host that is new here (${visible(host, 60)})`,
      why: `No entry of the base comes from there, and it is no registry of ${format.ecosystem}: its owner chooses what is built.`,
      clear: "Clear it by the registry's address, or by a word on whose host it is.",
    };
  }
  if (
    before.length > 0 &&
    before.every(({ origin }) => origin === "registry") &&
    entry.origin !== "registry"
  ) {
    return {
      ...from,
      reason: `origin ${entry.origin}`,
      // Upstream may take a new version from elsewhere; the same version had no reason to move.
      severity: before.some(({ version }) => version === entry.version) ? "high" : "medium",
      title: `Dependency now from ${entry.origin === "path" ? "a path" : entry.origin === "git" ? "a git repository" : "a URL"} instead of the registry`,
      why: "The same name is another project's code then: the registry's name says nothing of a repository or archive.",
      clear: "Clear it by upstream's own lockfile that says the same.",
    };
  }
  if (entry.origin === "git" && before.length > 0) {
    return {
      ...from,
      reason: "repository",
      severity: "high",
      title: "Dependency from another repository",
      why: "The name stayed and its owner did not.",
      clear: "Clear it by upstream's own lockfile that says the same.",
    };
  }
  if (/^(?:[a-z]+\+)?http:/.test(entry.location) && entry.hashes.size === 0) {
    return {
      ...from,
      reason: "http",
      severity: "medium",
      title: "Dependency fetched without encryption and without a hash",
      why: "Whoever sits on the line chooses what is built.",
      clear: "Clear it by https, or by a hash.",
    };
  }
  return null;
}

/** `…/@scope/name/-/name-1.0.0.tgz` for another name or version than the entry's. */
function nameSuspicion(entry: LockEntry, known: Known, format: LockFormat): Suspicion | null {
  const { location, name, version } = entry;
  if (!format.namesInUrls || location === null || entry.origin !== "registry") return null;
  const url = URL.canParse(location) ? new URL(location) : null;
  const [, path, file] = /^\/(.+)\/-\/([^/]+)\.tgz$/.exec(url?.pathname ?? "") ?? [];
  if (path === undefined || file === undefined) return null;
  const packageName = path.replace(/%2f/gi, "/").replace("%40", "@");
  const short = name.slice(name.lastIndexOf("/") + 1);
  // A mirror can have folders before the name, but not a scope.
  const folders = packageName.slice(0, -name.length - 1).split("/");
  const nameFits =
    packageName === name || (packageName.endsWith(`/${name}`) && !folders.at(-1)?.startsWith("@"));
  // Build metadata (`1.0.0+1`) is not part of the archive's name; old packages have free names there.
  const versionFits =
    version === null ||
    !file.startsWith(`${short}-`) ||
    file.slice(short.length + 1) === version.split("+", 1)[0];
  if (nameFits && versionFits) return null;
  if ((known.byName.get(name) ?? []).some((old) => old.location === location)) return null;
  return {
    reason: "name",
    severity: "high",
    title: nameFits
      ? "Archive of another version than the entry says"
      : "Archive of another package than the entry says",
    why: `The entry is \`${visible(name)}\`${version === null ? "" : ` ${visible(version)}`}; the archive is that of \`${visible(nameFits ? file : packageName)}\`.`,
    clear: "Clear it by the archive of that name and version.",
    entry,
    before: known.byName.get(name)?.[0]?.location ?? null,
    after: location,
  };
}

/** A name that stood for itself and is another package's now. */
function aliasSuspicion(entry: LockEntry, known: Known, now: readonly LockEntry[]): Suspicion | null {
  const { alias } = entry;
  if (alias === null || now.some((other) => other.alias === null)) return null;
  const [old] = known.byName.get(alias) ?? [];
  if (
    !old ||
    old.alias !== null ||
    (known.byName.get(entry.name) ?? []).some((other) => other.alias === alias)
  )
    return null;
  return {
    reason: "alias",
    severity: "high",
    title: "The name of a dependency stands for another package",
    why: `\`${visible(alias)}\` was the package of that name; what asks for it gets \`${visible(entry.name)}\` now.`,
    clear: "Clear it by upstream's own lockfile that says the same.",
    entry,
    before: old.location ?? old.version,
    after: entry.location ?? entry.version,
  };
}

function scriptSuspicion(entry: LockEntry, known: Known): Suspicion | null {
  const before = known.byName.get(entry.name) ?? [];
  if (!entry.runsScripts || before.length === 0 || before.some((old) => old.runsScripts)) return null;
  return {
    reason: "script",
    severity: "medium",
    title: "Dependency now runs a script at installation",
    why: "That is how stolen packages start their payload.",
    clear: "Clear it by a look at the script in the new version's archive.",
    entry,
    before: before[0]?.version ?? null,
    after: entry.version,
  };
}

/** The numbers of a plain version; null for versions that are ordered in other ways. */
function numbersOf(version: string | null): readonly number[] | null {
  return version !== null && /^\d{1,9}(?:\.\d{1,9}){1,4}$/.test(version)
    ? version.split(".").map(Number)
    : null;
}

const versionsOf = (entries: readonly LockEntry[]) => new Set(entries.map(({ version }) => version)).size;

function downgradeSuspicion(entry: LockEntry, known: Known, now: readonly LockEntry[]): Suspicion | null {
  const before = known.byName.get(entry.name) ?? [];
  const [old] = before;
  // With several versions of a name side by side, it is not known which became which.
  if (!old || versionsOf(before) !== 1 || versionsOf(now) !== 1) return null;
  const [from, to] = [numbersOf(old.version), numbersOf(entry.version)];
  if (!from || !to || compareNumbers(to, from) >= 0) return null;
  return {
    reason: "downgrade",
    severity: "low",
    title: "Dependency went back to an older version",
    why: "Older versions have known holes.",
    clear: "Clear it by upstream's own lockfile that says the same.",
    entry,
    before: old.version,
    after: entry.version,
  };
}

/**
 * The gravest thing that speaks against an entry of the head; `now`: all its entries of that name, `own`: those of the name
 * that its alias is.
 */
export function suspicionOf(
  entry: LockEntry,
  known: Known,
  format: LockFormat,
  { now, own }: { readonly now: readonly LockEntry[]; readonly own: readonly LockEntry[] },
): Suspicion | null {
  return (
    aliasSuspicion(entry, known, own) ??
    hashSuspicion(entry, known.byVersion.get(versionKey(entry)) ?? []) ??
    placeSuspicion(entry, known, format) ??
    nameSuspicion(entry, known, format) ??
    scriptSuspicion(entry, known) ??
    downgradeSuspicion(entry, known, now)
  );
}
