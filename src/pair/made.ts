/** Fetches that the value of a file has another of, where none of its pins says so. */
import type { Made } from "../nix/made.ts";
import type { Source } from "../nix/model.ts";
import { byPlace, type SourceChange } from "./sources.ts";

/** What a file's value fetched and what it fetches now, of one attribute each; null: what another package fetches. */
export type MadePair = readonly [Source, Source | null];

/** The fetches of one attribute that are others on the two sides, as far as the text decides. */
export function madePairs(base: readonly Made[], head: readonly Made[]): readonly MadePair[] {
  const now = grouped(head);
  const elsewhere = new Set(head.flatMap(({ at, source }) => (source === null ? [at] : [])));
  return [...grouped(base)].flatMap(([at, sources]): readonly MadePair[] => {
    const others = now.get(at) ?? [];
    if (elsewhere.has(at)) return sources.map((source) => [source, null]);
    const [old, current] = [without(sources, others), without(others, sources)];
    // Of a list that got longer, which item became which is not known: each that is new is a pin of its own.
    if (old.length !== current.length) return [];
    return old.flatMap((source, index) => {
      const after = current[index] as Source;
      return source.hash !== after.hash || (isLocated(source) && isLocated(after))
        ? [[source, after] as const]
        : [];
    });
  });
}

function grouped(made: readonly Made[]): Map<string, Source[]> {
  const groups = new Map<string, Source[]>();
  for (const { at, source } of made) {
    if (source === null) continue;
    const group = groups.get(at);
    if (group) group.push(source);
    else groups.set(at, [source]);
  }
  return groups;
}

/** Those whose bytes and place none of the others has. */
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

/** The changes of pins, with those that only the values show, and with their places where only these say where from. */
export function withMade(
  changes: readonly SourceChange[],
  pairs: readonly MadePair[],
): readonly SourceChange[] {
  const left = new Set(changes.map(({ before }) => before?.hash));
  const came = new Set(changes.map(({ after }) => after?.hash));
  const bare = new Map(
    changes.flatMap((each) =>
      each.before && each.after && isBare(each.after) ? [[hashesOf(each), each]] : [],
    ),
  );
  const added: SourceChange[] = [];
  const replaced = new Set<SourceChange>();
  const seen = new Set<string>();
  for (const [before, after] of pairs) {
    const said = after && bare.get(hashesOf({ before, after }));
    if (said && isLocated(before) && isLocated(after)) replaced.add(said);
    else if (left.has(before.hash) && (after === null || came.has(after.hash))) continue;
    const key = keyOf(before) + (after && keyOf(after));
    if (seen.has(key)) continue;
    seen.add(key);
    added.push(after ? { change: "changed", before, after } : { change: "removed", before, after });
  }
  if (added.length === 0) return changes;
  return [...changes.filter((each) => !replaced.has(each)), ...added].sort(byPlace);
}

/** Whether the text around a hash says neither what takes it nor where its bytes are from. */
function isBare({ fetcher, urls, rev }: Source): boolean {
  return fetcher === null && urls.length === 0 && rev === null;
}

function hashesOf({
  before,
  after,
}: {
  readonly before: Source | null;
  readonly after: Source | null;
}): string {
  return `${before?.hash} ${after?.hash}`;
}
