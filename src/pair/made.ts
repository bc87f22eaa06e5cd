/** Fetches that changed in the value of a file, though none of its pins says so. */
import { addTo } from "../lists.ts";
import type { Made } from "../nix/made.ts";
import type { Source } from "../nix/model.ts";
import { byPlace, type SourceChange } from "./sources.ts";

/** What an attribute of a file's value fetched, and what it fetches now. */
export interface MadePair {
  readonly before: Source;
  /** Null: it is taken from another package now. */
  readonly after: Source | null;
  /** As the usual platform evaluates it; another one may have a source of its own beside that. */
  readonly isUsual: boolean;
}

/** Pairs the fetches of each attribute that differ between the two sides, as far as the text decides. */
export function madePairs(
  base: readonly Made[],
  head: readonly Made[],
  isUsual: boolean,
): readonly MadePair[] {
  const now = grouped(head);
  const elsewhere = new Set(head.flatMap(({ at, source }) => (source === null ? [at] : [])));
  return [...grouped(base)].flatMap(([at, sources]): readonly MadePair[] => {
    const others = now.get(at) ?? [];
    if (elsewhere.has(at)) return sources.map((before) => ({ before, after: null, isUsual }));
    const [old, current] = [without(sources, others), without(others, sources)];
    // In a list that got longer, it is not known which item became which: each new one is a pin of its own.
    if (old.length !== current.length) return [];
    return old.flatMap((before, index) => {
      const after = current[index] as Source;
      return before.hash !== after.hash || (isLocated(before) && isLocated(after))
        ? [{ before, after, isUsual }]
        : [];
    });
  });
}

function grouped(made: readonly Made[]): Map<string, Source[]> {
  const groups = new Map<string, Source[]>();
  for (const { at, source } of made) {
    if (source !== null) addTo(groups, at, source);
  }
  return groups;
}

/** The sources whose hash and location none of the others has. */
function without(sources: readonly Source[], others: readonly Source[]): readonly Source[] {
  const known = new Set(others.map(keyOf));
  return sources.filter((source) => !known.has(keyOf(source)));
}

function keyOf({ hash, urls, rev }: Source): string {
  return JSON.stringify([hash, urls.map(({ value }) => value), rev?.value]);
}

function isLocated({ urls }: Source): boolean {
  return urls.length > 0 && urls.every(({ resolved }) => resolved);
}

/**
 * The changes of pins, with those that only values show. A change whose pin says nothing but its hash is replaced by the pair
 * of its value, where that says where the bytes are from.
 */
export function withMade(
  changes: readonly SourceChange[],
  pairs: readonly MadePair[],
): readonly SourceChange[] {
  const left = new Set(changes.map(({ before }) => before?.hash));
  const came = new Set(changes.map(({ after }) => after?.hash));
  const bare = new Map(
    changes.flatMap((each) =>
      each.before && each.after && isBare(each.after) ? [[hashesOf(each.before, each.after), each]] : [],
    ),
  );
  const byHash = new Map<string | null, SourceChange[]>();
  if (pairs.length > 0) for (const each of changes) if (each.after) addTo(byHash, each.after.hash, each);
  const added: SourceChange[] = [];
  const replaced = new Set<SourceChange>();
  const seen = new Set<string>();
  for (const pair of pairs) {
    const { before, after } = pair;
    const said = after && bare.get(hashesOf(before, after));
    const corrected = after && byHash.get(after.hash)?.find((each) => isCorrectedBy(each, pair, after));
    if (said && isLocated(before) && isLocated(after)) replaced.add(said);
    else if (corrected) replaced.add(corrected);
    else if (left.has(before.hash) && (after === null || came.has(after.hash))) continue;
    const key = keyOf(before) + (after && keyOf(after));
    if (seen.has(key)) continue;
    seen.add(key);
    const now = corrected?.change === "added" ? corrected.after : after;
    added.push(now ? { change: "changed", before, after: now } : { change: "removed", before, after: null });
  }
  if (added.length === 0) return changes;
  return [...changes.filter((each) => !replaced.has(each)), ...added].sort(byPlace);
}

/**
 * Whether a change to the same hash says what its value does not: another address, as where the fetch is overridden, or that it is an
 * addition, where it takes the place of another source for everybody.
 */
function isCorrectedBy(change: SourceChange, { before, isUsual }: MadePair, after: Source): boolean {
  if (!change.after || !isLocated(before) || !isLocated(after)) return false;
  if (change.change === "added")
    return isUsual && change.after.role === "source" && keyOf(change.after) === keyOf(after);
  return (
    change.before?.hash === before.hash && isLocated(change.after) && keyOf(change.after) !== keyOf(after)
  );
}

/** Whether the text around a hash says neither what takes it nor where its bytes are from. */
function isBare({ fetcher, urls, rev }: Source): boolean {
  return fetcher === null && urls.length === 0 && rev === null;
}

function hashesOf(before: Source, after: Source): string {
  return `${before.hash} ${after.hash}`;
}
