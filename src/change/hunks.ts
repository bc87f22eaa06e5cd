/** What differs between two texts, by lines, and where GitHub takes comments on it. */
import { diffArrays } from "diff";

/** Lines `start` to `end`, from 1, both included. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** Offsets (UTF-16 units) from `start` up to, not including, `end`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** One side of a stretch that differs. Where the side has no lines, `lines` ends before it starts, and `text` is empty. */
export interface HunkSide {
  readonly lines: LineRange;
  readonly text: TextRange;
}

/** A stretch of lines that differs, without context. */
export interface Hunk {
  readonly base: HunkSide;
  readonly head: HunkSide;
}

/** For honest changes milliseconds suffice; texts that share nothing take the time of their product. */
const DEFAULT_TIMEOUT_MS = 1_000;

/**
 * The stretches that differ, in order; null when that could not be found in time: then treat all as changed.
 * Takes time for what lies between the first and the last differing line only.
 */
export function diffTexts(
  base: string,
  head: string,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): readonly Hunk[] | null {
  if (base === head) return [];
  const prefix = commonPrefix(base, head);
  const suffix = commonSuffix(base, head, prefix);
  const before = splitLines(base.slice(prefix, base.length - suffix));
  const after = splitLines(head.slice(prefix, head.length - suffix));
  const matches = matchLines(before, after, timeoutMs);
  if (matches === null) return null;

  const start = { line: countLines(base, prefix) + 1, offset: prefix };
  let from = { index: 0, ...start };
  let to = { index: 0, ...start };
  const hunks: Hunk[] = [];
  for (const match of [...matches, { base: before.length, head: after.length }]) {
    const baseEnd = advance(before, from, match.base);
    const headEnd = advance(after, to, match.head);
    if (baseEnd !== from || headEnd !== to)
      hunks.push({ base: side(from, baseEnd), head: side(to, headEnd) });
    from = advance(before, baseEnd, match.base + 1);
    to = advance(after, headEnd, match.head + 1);
  }
  return hunks;
}

interface Match {
  readonly base: number;
  readonly head: number;
}

/** The lines, by index, that stay, in order; null when they could not be found in time. */
function matchLines(
  before: readonly string[],
  after: readonly string[],
  timeout: number,
): readonly Match[] | null {
  // Lines that only one side has cannot stay. Without them the rest takes little time even for a rewritten file.
  const [inBefore, inAfter] = [new Set(before), new Set(after)];
  const bases = before.flatMap((line, index) => (inAfter.has(line) ? [index] : []));
  const heads = after.flatMap((line, index) => (inBefore.has(line) ? [index] : []));
  const deadline = performance.now() + timeout;
  return matchIn({ before, after, deadline }, bases, heads);
}

interface Texts {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly deadline: number;
}

/** More differing lines than these are matched piece by piece: the time for a piece grows with the square of them. */
const MOST_EDITS = 400;

/** The lines that stay among those at some indices. */
function matchIn(texts: Texts, bases: readonly number[], heads: readonly number[]): readonly Match[] | null {
  const at = (lines: readonly string[], indices: readonly number[]) =>
    indices.map((index) => lines[index] ?? "");
  const [before, after] = [at(texts.before, bases), at(texts.after, heads)];
  const changes = diffArrays(before, after, { maxEditLength: MOST_EDITS });
  if (changes === undefined) return matchBetweenAnchors(texts, bases, heads);
  const matches: Match[] = [];
  let [base, head] = [0, 0];
  for (const { removed, added, count } of changes) {
    for (let step = 0; !removed && !added && step < count; step += 1) {
      matches.push({ base: bases[base + step] ?? 0, head: heads[head + step] ?? 0 });
    }
    if (!added) base += count;
    if (!removed) head += count;
  }
  return matches;
}

/**
 * Patience diff: lines that each side has once, in the order of both, divide the rest. Where there are none, nothing is
 * said to stay. https://bramcohen.livejournal.com/73318.html
 */
function matchBetweenAnchors(
  texts: Texts,
  bases: readonly number[],
  heads: readonly number[],
): readonly Match[] | null {
  if (performance.now() > texts.deadline) return null;
  const matches: Match[] = [];
  let [base, head] = [0, 0];
  const anchors = inOrder(commonOnce(texts, bases, heads));
  if (anchors.length === 0) return [];
  for (const anchor of [...anchors, { base: bases.length, head: heads.length }]) {
    const between = matchIn(texts, bases.slice(base, anchor.base), heads.slice(head, anchor.head));
    if (between === null) return null;
    matches.push(...between);
    [base, head] = [anchor.base + 1, anchor.head + 1];
    if (anchor.base < bases.length)
      matches.push({ base: bases[anchor.base] ?? 0, head: heads[anchor.head] ?? 0 });
  }
  return matches;
}

/** The lines that both sides have exactly once, as positions in `bases` and `heads`, in the order of the base. */
function commonOnce(texts: Texts, bases: readonly number[], heads: readonly number[]): readonly Match[] {
  const once = (lines: readonly string[], indices: readonly number[]) => {
    const positions = new Map<string, number>();
    for (const [position, index] of indices.entries()) {
      const line = lines[index] ?? "";
      positions.set(line, positions.has(line) ? -1 : position);
    }
    return positions;
  };
  const inHead = once(texts.after, heads);
  return [...once(texts.before, bases)].flatMap(([line, base]) => {
    const head = inHead.get(line) ?? -1;
    return base >= 0 && head >= 0 ? [{ base, head }] : [];
  });
}

/** The longest part of `matches`, which are in the order of the base, that is in the order of the head as well. */
function inOrder(matches: readonly Match[]): readonly Match[] {
  // For each length the chain that ends first. https://en.wikipedia.org/wiki/Patience_sorting
  const ends: { readonly match: Match; readonly previous: number }[][] = [];
  for (const match of matches) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.at(-1)?.match.head ?? 0) < match.head) low = middle + 1;
      else high = middle;
    }
    const pile = ends[low] ?? [];
    ends[low] = pile;
    pile.push({ match, previous: (ends[low - 1]?.length ?? 0) - 1 });
  }
  const chain: Match[] = [];
  let at = (ends.at(-1)?.length ?? 0) - 1;
  for (let length = ends.length - 1; length >= 0; length--) {
    const end = ends[length]?.[at];
    if (!end) break;
    chain.push(end.match);
    at = end.previous;
  }
  return chain.reverse();
}

/** A place between lines: the index among the lines compared, the line's number and offset in the whole text. */
interface Cursor {
  readonly index: number;
  readonly line: number;
  readonly offset: number;
}

/** The place before the line `index`; the same object when it is there already, or all lines are behind it. */
function advance(lines: readonly string[], from: Cursor, index: number): Cursor {
  const end = Math.min(index, lines.length);
  if (end <= from.index) return from;
  let offset = from.offset;
  for (let at = from.index; at < end; at += 1) offset += lines[at]?.length ?? 0;
  return { index: end, line: from.line + end - from.index, offset };
}

function side(from: Cursor, to: Cursor): HunkSide {
  return {
    lines: { start: from.line, end: to.line - 1 },
    text: { start: from.offset, end: to.offset },
  };
}

/** The stretches of the head's text that were added or replaced (deletions leave none); all of it without hunks. */
export function changedText(hunks: readonly Hunk[] | null, head: string): readonly TextRange[] {
  if (hunks === null) return head === "" ? [] : [{ start: 0, end: head.length }];
  return hunks.map((hunk) => hunk.head.text).filter((range) => range.start < range.end);
}

/** As many lines as GitHub shows around a change. */
const CONTEXT_LINES = 3;

/**
 * The lines that GitHub takes review comments on: of the head (side RIGHT) those in a hunk with its context, of the
 * base (LEFT) those that were removed. GitHub diffs by itself and may place a hunk among repeated lines otherwise.
 * https://docs.github.com/en/rest/pulls/comments#create-a-review-comment-for-a-pull-request
 */
export function commentableLines(
  hunks: readonly Hunk[],
  headLineCount: number,
): { readonly left: readonly LineRange[]; readonly right: readonly LineRange[] } {
  const left: LineRange[] = [];
  const right: LineRange[] = [];
  for (const { base, head } of hunks) {
    if (base.lines.start <= base.lines.end) left.push(base.lines);
    const range = {
      start: Math.max(1, head.lines.start - CONTEXT_LINES),
      end: Math.min(headLineCount, head.lines.end + CONTEXT_LINES),
    };
    const previous = right.at(-1);
    if (previous !== undefined && range.start <= previous.end + 1)
      right[right.length - 1] = { ...previous, end: range.end };
    else if (range.start <= range.end) right.push(range);
  }
  return { left, right };
}

/** How many characters of whole lines both texts begin with. */
function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === a.length && at === b.length) return at;
  return at === 0 ? 0 : a.lastIndexOf("\n", at - 1) + 1;
}

/** How many characters of whole lines both texts end with, after their common `prefix`. */
function commonSuffix(a: string, b: string, prefix: number): number {
  const length = Math.min(a.length, b.length) - prefix;
  let common = 0;
  while (common < length && a.charCodeAt(a.length - 1 - common) === b.charCodeAt(b.length - 1 - common))
    common += 1;
  const isLineStart = (text: string): boolean => {
    const at = text.length - common;
    return at === prefix || text[at - 1] === "\n";
  };
  if (common === 0 || (isLineStart(a) && isLineStart(b))) return common;
  const end = a.indexOf("\n", a.length - common);
  return end === -1 ? 0 : a.length - end - 1;
}

/** The lines of a text, each with its line feed. */
function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed + 1;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

function countLines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
