/** The contents of a change's files, one file after the other, as many as fit into memory. */
import type { Change, Content, FileChange, Side } from "./change.ts";

/** Both sides of a file; null: it is not on that side. */
export type Contents = Readonly<Record<Side, Content | null>>;

/** Files whose contents are asked for at a time, in one message: git answers while others are looked through. */
const READ_AHEAD = 16;
/** Files that are there, or on their way, when the next ones are asked for. */
const LEFT_AHEAD = 8;
/** Larger ones are let go until their turn: sixteen of them at a time would fill the memory. */
const KEPT_AHEAD_CHARACTERS = 1_000_000;
/**
 * The texts of one change, both sides together: all are held until the rules are done. A release of all Haskell packages
 * has 30 million; with much more, 512 MB of memory would not suffice.
 */
const TEXT_LIMIT_CHARACTERS = 50_000_000;
/**
 * A change of the whole of nixpkgs, as one that formats it anew, has some 25,000. What is held of each takes 10 kB: with
 * more, 512 MB of memory would not suffice.
 */
const MOST_FILES = 25_000;
/** What is read to find that it is too much takes time too. */
const READ_LIMIT_CHARACTERS = 1_000_000_000;

/** The largest generated file of nixpkgs has half a million; what splits a text takes some fifty bytes for each. */
const LINE_LIMIT = 1_000_000;

const TOO_MANY_LINES: Content = {
  kind: "unavailable",
  reason: `it has more than ${LINE_LIMIT / 1_000_000} million lines`,
};
const OVER_LIMIT: Content = {
  kind: "unavailable",
  reason: `with it, the texts of the change have more than the ${TEXT_LIMIT_CHARACTERS / 1_000_000} MB that are read of one change`,
};

const TOO_MANY_FILES: Content = {
  kind: "unavailable",
  reason: `the change has more files than the ${MOST_FILES / 1_000} thousand that are read of one change`,
};

/** Gives the contents of a change's files by their index, in order; those beyond the limit are unavailable. */
export function readAhead(change: Change): (index: number) => Promise<Contents> {
  /** Null: to be read again. */
  const asked = new Map<number, Promise<Contents | null>>();
  let next = 0;
  let left = TEXT_LIMIT_CHARACTERS;
  let toRead = READ_LIMIT_CHARACTERS;
  const read = async (file: FileChange): Promise<Contents> => {
    const of = (side: Side): Promise<Content> | null => {
      const entry = file[side];
      return entry && entry.kind !== "submodule" ? change[side].read(entry) : null;
    };
    const [base, head] = await Promise.all([of("base"), of("head")]);
    return { base, head };
  };
  /** The bytes of both sides, as far as they are known: no less than the characters. */
  const knownSize = async (file: FileChange): Promise<number> => {
    const of = (side: Side) => {
      const entry = file[side];
      return entry && entry.kind !== "submodule" ? (change[side].size?.(entry) ?? null) : null;
    };
    const [base, head] = await Promise.all([of("base"), of("head")]);
    return (base ?? 0) + (head ?? 0);
  };
  const readSmall = async (file: FileChange): Promise<Contents | null> => {
    if ((await knownSize(file)) > KEPT_AHEAD_CHARACTERS) return null;
    const contents = await read(file);
    return sizeOf(contents) > KEPT_AHEAD_CHARACTERS ? null : contents;
  };
  return async (index) => {
    const last = next < index + LEFT_AHEAD ? index + READ_AHEAD : next;
    for (; toRead > 0 && next < Math.min(change.files.length, MOST_FILES, last); next++) {
      const file = change.files[next];
      if (file) asked.set(next, readSmall(file));
    }
    const file = change.files[index];
    const early = asked.get(index);
    asked.delete(index);
    if (!file) return { base: null, head: null };
    if (index >= MOST_FILES) return inPlaceOf(file, TOO_MANY_FILES);
    if (early) {
      const small = await early;
      if (!small && (await knownSize(file)) > left) {
        toRead -= KEPT_AHEAD_CHARACTERS;
        return inPlaceOf(file, OVER_LIMIT);
      }
      const contents = small ?? (await read(file));
      const size = sizeOf(contents);
      toRead -= size;
      if (size <= left) {
        left -= size;
        return { base: withinLines(contents.base), head: withinLines(contents.head) };
      }
    }
    return inPlaceOf(file, OVER_LIMIT);
  };
}

/** One content in the place of all that a file has. */
export function inPlaceOf(file: FileChange, content: Content): Contents {
  return { base: file.base && content, head: file.head && content };
}

function withinLines(content: Content | null): Content | null {
  // Most texts have fewer characters than lines are allowed.
  if (lengthOf(content) <= LINE_LIMIT || content?.kind !== "text") return content;
  let lines = 0;
  for (let at = content.text.indexOf("\n"); at !== -1; at = content.text.indexOf("\n", at + 1)) lines += 1;
  return lines > LINE_LIMIT ? TOO_MANY_LINES : content;
}

function sizeOf({ base, head }: Contents): number {
  return lengthOf(base) + lengthOf(head);
}

function lengthOf(content: Content | null): number {
  return content?.kind === "text" ? content.text.length : 0;
}
