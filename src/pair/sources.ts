/** Which source pin of the base became which of the head. */
import { dirname } from "node:path/posix";
import type { Side } from "../change/change.ts";
import { addTo } from "../lists.ts";
import type { Source } from "../nix/model.ts";
import { headPaths, type Paired } from "./changes.ts";

/** A pin that differs between the two sides. */
export type SourceChange = Paired<Source>;

/**
 * Pairs the pins of both sides and keeps those that differ: by their place in the file, then by what they are (hash,
 * location, fetcher and name). `renames`: a base path to its head path. `repointed`: the pins that a name stood for and
 * stands for now; several names may come to the same pin.
 */
export function pairSources(
  base: readonly Source[],
  head: readonly Source[],
  renames: ReadonlyMap<string, string> = new Map(),
  repointed: readonly (readonly [Source, Source])[] = [],
): readonly SourceChange[] {
  const before = new Set(base);
  const after = new Set(head);
  const pairs: [Source, Source][] = [];
  const match = (keyOf: KeyOf) => {
    for (const [old, now] of matches(before, after, keyOf)) {
      before.delete(old);
      after.delete(now);
      pairs.push([old, now]);
    }
  };
  const path = headPaths(renames);
  const place = (source: Source, side: Side) => `${path(source, side)}\0${source.binding}`;
  // The same place with the same content first, so that lists (patches) keep what did not change.
  match((source, side) => source.hash && `${place(source, side)}\0${source.hash}`);
  match((source, side) => location(source) && `${place(source, side)}\0${location(source)}`);
  match((source, side) => location(source) && `${place(source, side)}\0${stem(source)}`);
  match((source, side) => source.name && `${place(source, side)}\0${source.name}`);
  match((source, side) =>
    source.role === "patch" ? null : `${place(source, side)}\0${source.hashAttribute}`,
  );
  match((source, side) => (source.role === "patch" ? null : place(source, side)));
  // Elsewhere: the same bytes, the same place, the same thing.
  match((source) => source.hash && `${source.hash}\0${location(source)}`);
  match((source) => source.hash);
  match((source) => location(source));
  match((source) => location(source) && `${source.fetcher}\0${stem(source)}`);
  match((source) => (source.role === "source" ? source.pname : null));
  match((source, side) => (source.role === "patch" ? null : `${path(source, side)}\0${source.fetcher}`));
  for (const find of [split, handedOver])
    for (const [old, now] of find(before, after, path)) {
      before.delete(old);
      after.delete(now);
      pairs.push([old, now]);
    }
  const byName = repointed.filter(
    ([old, now]) => old.hash !== now.hash && !pairs.some(([a, b]) => a === old && b === now),
  );
  const leftByName = new Set(byName.map(([old]) => old));
  const takenByName = new Set(byName.map(([, now]) => now));
  // They are only looked at beside new pins.
  const kept: ReadonlyMap<string, readonly Kept[]> = after.size === 0 ? new Map() : keptPins(pairs);
  return [
    ...byName.map(([old, now]) => paired(old, now)),
    ...pairs
      .filter(([old, now]) => differs(old, now) && !takenByName.has(now))
      .map(([old, now]) => paired(old, now)),
    ...[...before]
      .filter((source) => !leftByName.has(source))
      .map((source) => ({ change: "removed", before: source, after: null }) as const),
    ...[...after].filter((source) => !takenByName.has(source)).map((source) => addedPin(source, kept)),
  ].sort(byPlace);
}

/**
 * Pairs a package's `src` with each of the sources for several platforms that it became, or that became it: of the pins that
 * nothing else pairs, one side has one, and that is the `src`.
 */
function split(
  before: ReadonlySet<Source>,
  after: ReadonlySet<Source>,
  path: (source: Source, side: Side) => string,
): readonly [Source, Source][] {
  const keyOf: KeyOf = (source, side) =>
    source.role === "source" && source.pname !== null ? `${path(source, side)}\0${source.pname}` : null;
  if (before.size === 0 || after.size === 0) return [];
  const now = grouped(after, "head", keyOf);
  return [...grouped(before, "base", keyOf)].flatMap(([key, old]): [Source, Source][] => {
    const current = now.get(key) ?? [];
    // Entries of a list, of several versions, are no platforms of one source.
    if ([old, current].some((pins) => new Set(pins.map(({ version }) => version)).size !== 1)) return [];
    const [[first], [only]] = [old, current] as [[Source], [Source]];
    if (old.length === 1 && current.length > 1 && isMain(first)) return current.map((each) => [first, each]);
    return current.length === 1 && old.length > 1 && isMain(only) ? [[first, only]] : [];
  });
}

/** Pairs the one `src` that left a folder with the one that came, in another file, where no name says that they are two packages. */
function handedOver(
  before: ReadonlySet<Source>,
  after: ReadonlySet<Source>,
  path: (source: Source, side: Side) => string,
): readonly [Source, Source][] {
  const keyOf: KeyOf = (source, side) =>
    source.role === "source" && isMain(source) ? dirname(path(source, side)) : null;
  const pairs = matches(before, after, keyOf);
  const leaving = new Map<string, number>();
  for (const [{ path: from }] of pairs) leaving.set(dirname(from), (leaving.get(dirname(from)) ?? 0) + 1);
  return pairs.filter(
    ([old, now]) => (old.pname === null || now.pname === null) && leaving.get(dirname(old.path)) === 1,
  );
}

function isMain({ binding }: Source): boolean {
  return /(?:^|\.)src$/.test(binding);
}

/** A pin that stayed as it was, and where it comes in the order of all that did. */
interface Kept {
  readonly old: Source;
  readonly order: number;
}

/**
 * The pins that stayed, by the keys under which a new pin beside them looks for them. Of each key the first one, and the
 * first with another version than that.
 */
function keptPins(pairs: readonly (readonly [Source, Source])[]): ReadonlyMap<string, readonly Kept[]> {
  const kept = new Map<string, Kept[]>();
  for (const [order, [old, now]] of pairs.entries()) {
    if (old.hash !== now.hash || old.version === null) continue;
    for (const key of [placeKey(now), ...(old.binding === now.binding ? [] : [nameKey(now)])]) {
      const found = kept.get(key);
      if (!found) kept.set(key, [{ old, order }]);
      else if (found.length === 1 && found[0]?.old.version !== old.version) found.push({ old, order });
    }
  }
  return kept;
}

function placeKey({ path, hashAttribute, binding }: Source): string {
  return JSON.stringify(["place", path, hashAttribute, binding]);
}

function nameKey({ path, hashAttribute, pname }: Source): string {
  return JSON.stringify(["name", path, hashAttribute, pname]);
}

/**
 * The change that a new pin is. When the old pin of its place stays beside it (`if new then { version = …; } else { … }`),
 * the place got a new version; another platform's pin, of the same version, is an addition.
 */
function addedPin(source: Source, kept: ReadonlyMap<string, readonly Kept[]>): SourceChange {
  const added = { change: "added", before: null, after: source } as const;
  if (source.role === "patch" || source.version === null) return added;
  let first: Kept | null = null;
  for (const key of [placeKey(source), nameKey(source)]) {
    const found = kept.get(key)?.find(({ old }) => old.version !== source.version);
    if (found && (first === null || found.order < first.order)) first = found;
  }
  return first ? paired(first.old, source) : added;
}

/** The order of changes: by where the hashes stand. */
export function byPlace(a: SourceChange, b: SourceChange): number {
  const [x, y] = [(a.after ?? a.before).hashSpan, (b.after ?? b.before).hashSpan];
  return x.path < y.path ? -1 : x.path > y.path ? 1 : x.start - y.start;
}

/** A key by which pins are paired; null for a pin that is not paired by it. */
type KeyOf = (source: Source, side: Side) => string | null;

/** Pairs the pins that share a key, in their order, where as many on both sides have it. */
function matches(
  before: ReadonlySet<Source>,
  after: ReadonlySet<Source>,
  keyOf: KeyOf,
): readonly [Source, Source][] {
  if (before.size === 0 || after.size === 0) return [];
  const old = grouped(before, "base", keyOf);
  const now = grouped(after, "head", keyOf);
  const pairs: [Source, Source][] = [];
  for (const [key, sources] of old) {
    const others = now.get(key);
    if (others?.length !== sources.length) continue;
    sources.forEach((source, index) => {
      pairs.push([source, others[index] as Source]);
    });
  }
  return pairs;
}

function grouped(sources: ReadonlySet<Source>, side: Side, keyOf: KeyOf): Map<string, Source[]> {
  const groups = new Map<string, Source[]>();
  for (const source of sources) {
    const key = keyOf(source, side);
    if (key !== null) addTo(groups, key, source);
  }
  return groups;
}

function location(source: Source): string | null {
  const urls = source.urls.map((url) => url.value).join(" ");
  return urls === "" && source.rev === null ? null : `${urls} ${source.rev?.value ?? ""}`;
}

/** A location without what a new version changes: digits and the revision. */
function stem(source: Source): string {
  const url = source.urls[0]?.value ?? "";
  const rev = source.rev?.value;
  return (rev ? url.replace(rev, "") : url).replace(/\d+/g, "0");
}

function differs(old: Source, now: Source): boolean {
  return (
    old.path !== now.path ||
    old.version !== now.version ||
    old.hash !== now.hash ||
    location(old) !== location(now) ||
    recipeChanges(old, now).length > 0
  );
}

/** The parts of what a pin is fetched with that differ, by name. Through another function they are not compared. */
export function recipeChanges(old: Source, now: Source): readonly string[] {
  if (old.fetcher !== now.fetcher) return [];
  const [before, after] = [old, now].map(
    ({ recipe }) => new Map(recipe.map(({ name, text }) => [name, text])),
  );
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...names].filter((name) => before?.get(name) !== after?.get(name)).sort();
}

function paired(old: Source, now: Source): SourceChange {
  return { change: old.path === now.path ? "changed" : "moved", before: old, after: now };
}
