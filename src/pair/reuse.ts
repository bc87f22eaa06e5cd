/** Hashes that a change introduces although another pin has them, or had them. */
import type { Side } from "../change/change.ts";
import type { Source, Text } from "../nix/model.ts";
import type { SourceChange } from "./sources.ts";

/** A pin that is remembered: of the same change, of the base's tree, of its history, or of the ledger. */
export interface KnownPin {
  /** Where it stands; null where only its derivation is known. */
  readonly path: string | null;
  readonly line: number | null;
  /** The pin itself where it is one of the change's own files; null: `path` and `line` say where it stands. */
  readonly source: Source | null;
  readonly side: Side;
  readonly pname: string | null;
  readonly version: string | null;
  readonly urls: readonly Text[];
  readonly rev: Text | null;
  readonly hash: string;
  /** It was accepted, or fetched by a run that nobody outside can shape: the same pin again is nothing new. */
  readonly accepted: boolean;
  /** For a reader, after "a pin": `of the base`, `that was there until commit 1234567`. */
  readonly seen: string;
}

/** A pin of the head whose hash is new in its place, and the other pins that have it. */
export interface Reuse {
  readonly source: Source;
  readonly known: readonly KnownPin[];
}

/** The pins of the head whose hash their place did not have before. */
export function introduced(
  changes: readonly SourceChange[],
): readonly (Source & { readonly hash: string })[] {
  return changes.flatMap(({ before, after }) =>
    after !== null && hasHash(after) && after.hash !== before?.hash ? [after] : [],
  );
}

function hasHash(source: Source): source is Source & { readonly hash: string } {
  return source.hash !== null;
}

/** What is known of the introduced hashes: from the change's own files, and from `remembered`. */
export function reusesOf(
  changes: readonly SourceChange[],
  pins: Readonly<Record<Side, readonly Source[]>>,
  remembered: readonly KnownPin[],
): readonly Reuse[] {
  const fresh = introduced(changes);
  const byHash = new Map<string, KnownPin[]>(fresh.map(({ hash }) => [hash, []]));
  const own = (["base", "head"] as const).flatMap((side) =>
    pins[side].flatMap((source) =>
      hasHash(source) && byHash.has(source.hash) ? [ownPin(source, side)] : [],
    ),
  );
  for (const pin of [...own, ...remembered]) byHash.get(pin.hash)?.push(pin);
  return fresh.flatMap((source) => {
    const known = (byHash.get(source.hash) ?? []).filter((pin) => pin.source !== source);
    return known.length === 0 ? [] : [{ source, known }];
  });
}

function ownPin(source: Source & { readonly hash: string }, side: Side): KnownPin {
  const { path, pname, version, urls, rev, hash } = source;
  const seen = side === "base" ? "of the base" : "of the same change";
  return { path, line: null, source, side, pname, version, urls, rev, hash, accepted: side === "base", seen };
}

/** A text from an index or a ledger, where what was not known stands as `${…}`. */
export function rememberedText(value: string): Text {
  return { value, resolved: !value.includes("${") };
}
