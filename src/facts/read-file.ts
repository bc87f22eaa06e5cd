/** The texts of a changed file: what differs between them, and what is read of either side. */

import {
  type Content,
  type Entry,
  type FileChange,
  pathOf,
  type Side,
  type Unchecked,
} from "../change/change.ts";
import { type Contents, inPlaceOf } from "../change/contents.ts";
import { changedText, diffTexts, type Hunk } from "../change/hunks.ts";
import { withLines } from "../nix/parser.ts";
import { isSameCode, mayBeSameCode } from "../nix/same-code.ts";
import type { CodeFile } from "../nix/scripts.ts";
import type { NixSide } from "../nix/side.ts";
import type { Region } from "../nix/syntax.ts";
import type { BinaryFacts, FileFacts } from "../rules/rule.ts";

/** A changed file before its code is looked at. */
export interface ReadFile {
  readonly facts: Omit<FileFacts, "parseErrors" | "baseParseErrors">;
  readonly code: Record<Side, CodeFile | null>;
  readonly regions: Record<Side, readonly Region[]>;
  /** Only the form of its code changed, and comments. */
  readonly isFormatted: boolean;
  readonly unchecked: readonly Unchecked[];
}

/** The nodes of one side of a larger file take a hundred megabytes. */
export const HUGE_CHARACTERS = 1_000_000;
/** The trees of both sides of a larger file are not in memory together. */
export const LARGEST_TREES_CHARACTERS = 4_000_000;
/**
 * The most characters, of both sides, that may differ in the huge Nix files of one change; files that are only formatted do
 * not count. An update of all Haskell packages is a few million; to read more than this takes over a minute and 512 MB.
 */
const MOST_REWRITTEN = 20_000_000;

const TOO_MUCH_REWRITTEN: Content = {
  kind: "unavailable",
  reason: `with it, what differs in Nix files of more than ${HUGE_CHARACTERS / 1_000_000} million characters is more than the ${MOST_REWRITTEN / 1_000_000} million that are read of one change: review its commits one by one`,
};

/** What differs in the huge files of one change, so far. */
export interface Rewritten {
  characters: number;
}

/** Reads both sides of a changed file. The first huge one of a change is read however much of it differs. */
export async function readFile(
  file: FileChange,
  contents: Contents,
  sides: Record<Side, NixSide>,
  rewritten: Rewritten,
): Promise<ReadFile> {
  const unchecked: Unchecked[] = [];
  for (const side of ["base", "head"] as const) {
    const entry = file[side];
    const content = contents[side];
    if (!entry || !content) continue;
    if (content.kind === "unavailable") unchecked.push({ what: entry.path, reason: content.reason });
    else if (content.kind === "binary" && entry.path.endsWith(".nix")) {
      unchecked.push({ what: entry.path, reason: `not a text (${content.because})` });
    }
  }
  const base = textOf(file.base, contents.base);
  const head = textOf(file.head, contents.head);
  const hunks = diffTexts(base ?? "", head ?? "");
  const regions = { base: regionsOf(hunks, "base", base), head: regionsOf(hunks, "head", head) };
  const isSame = isNix(file) && isSameNix(base, head, regions);
  if (isNix(file) && !isSame && Math.max(base?.length ?? 0, head?.length ?? 0) > HUGE_CHARACTERS) {
    const before = rewritten.characters;
    const after = before + lengthOf(regions.base) + lengthOf(regions.head);
    if (before > 0 && after > MOST_REWRITTEN)
      return readFile(file, inPlaceOf(file, TOO_MUCH_REWRITTEN), sides, rewritten);
    rewritten.characters = after;
  }
  const code: Record<Side, CodeFile | null> = {
    base: base === null ? null : await codeOf(file.base, base, sides.base, regions.base, file.head?.oid),
    head: head === null ? null : await codeOf(file.head, head, sides.head, regions.head, file.base?.oid),
  };
  return {
    facts: {
      change: file,
      base,
      head,
      changed: changedText(hunks, head ?? ""),
      target: { base: targetOf(file.base, contents.base), head: targetOf(file.head, contents.head) },
      binary: { base: binaryOf(contents.base), head: binaryOf(contents.head) },
    },
    code,
    regions,
    isFormatted:
      isSame && file.status === "modified" && code.base?.kind === "nix" && code.head?.kind === "nix",
    unchecked,
  };
}

function isNix(file: FileChange): boolean {
  return pathOf(file).endsWith(".nix");
}

function isSameNix(before: string | null, after: string | null, regions: ReadFile["regions"]): boolean {
  if (before === null || after === null) return false;
  // To Nix, a lone carriage return ends a comment.
  const [base, head] = [withLines(before), withLines(after)];
  // Most differences already show in the changed stretches, which are shorter than the whole texts.
  const stretches = (text: string, of: readonly Region[]) =>
    of.map(({ start, end }) => text.slice(start, end)).join("\n");
  return (
    mayBeSameCode(stretches(base, regions.base), stretches(head, regions.head)) && isSameCode(base, head)
  );
}

function lengthOf(regions: readonly Region[]): number {
  return regions.reduce((sum, { start, end }) => sum + end - start, 0);
}

async function codeOf(
  entry: Entry | null,
  text: string,
  side: NixSide,
  changed: readonly Region[],
  previous?: string,
): Promise<CodeFile | null> {
  if (!entry) return null;
  const loaded = /\.(?:nix|json)$/.test(entry.path) ? await side.load(entry, previous, changed) : null;
  return loaded?.kind === "nix" ? loaded : { kind: "text", path: entry.path, text };
}

function textOf(entry: Entry | null, content: Content | null): string | null {
  const isFile = entry?.kind === "file" || entry?.kind === "executable";
  return isFile && content?.kind === "text" ? content.text : null;
}

function targetOf(entry: Entry | null, content: Content | null): string | null {
  return entry?.kind === "symlink" && content?.kind === "text" ? content.text : null;
}

function binaryOf(content: Content | null): BinaryFacts | null {
  return content?.kind === "binary" ? content : null;
}

function regionsOf(hunks: readonly Hunk[] | null, side: Side, text: string | null): readonly Region[] {
  if (text === null) return [];
  return hunks ? hunks.map((hunk) => hunk[side].text) : [{ start: 0, end: text.length }];
}
