/** Suppressions: `# verifod: ignore[rule-a,rule-b] reason` on a finding's line or the line above it. */
import { diffTexts, type Hunk } from "../change/hunks.ts";
import type { FileFacts } from "../rules/rule.ts";

export interface Suppression {
  /** The line of the comment, from 1. */
  readonly line: number;
  readonly rules: readonly string[];
  readonly reason: string;
}

const COMMENT = /#[ \t]*verifod:[ \t]*ignore\[([^\]]{0,1000})\](.*)/;

function parse(text: string | undefined, line: number): Suppression | null {
  const [, rules, reason] = COMMENT.exec(text ?? "") ?? [];
  if (rules === undefined || reason === undefined) return null;
  return { line, rules: rules.split(",").map((rule) => rule.trim()), reason: reason.trim() };
}

/** The suppressions of one file. */
export interface FileSuppressions {
  /** The suppression of `rule` at a line (from 1) of a side that stands in the base; null when there is none. */
  find(rule: string, side: "base" | "head", line: number): Suppression | null;
  /** Those that the change itself adds, or moves to other code. */
  readonly added: readonly Suppression[];
}

/** Reads the suppressions of a file; null when it has none, like almost every file. */
export function readSuppressions(file: FileFacts): FileSuppressions | null {
  if (!file.base?.includes("verifod:") && !file.head?.includes("verifod:")) return null;
  const base = linesOf(file.base);
  const head = linesOf(file.head);
  const hunks = diffTexts(file.base ?? "", file.head ?? "");
  const before = hunks === null ? [] : counterparts(base, head, hunks);
  const baseLine = (line: number) => before[line] ?? null;

  /** Whether a comment of the head stood in the base at the code that is on `line` now. */
  const stands = (comment: Suppression, line: number): boolean => {
    const [commentBefore, lineBefore] = [baseLine(comment.line), baseLine(line)];
    if (commentBefore === null || lineBefore === null) return false;
    if (lineBefore - commentBefore !== line - comment.line) return false;
    return sameComment(base[commentBefore - 1], head[comment.line - 1]);
  };

  return {
    find(rule, side, line) {
      const lines = side === "base" ? base : head;
      for (const at of [line, line - 1]) {
        const comment = parse(lines[at - 1], at);
        if (comment?.rules.includes(rule) && (side === "base" || stands(comment, line))) return comment;
      }
      return null;
    },
    added: head.flatMap((text, index) => {
      const comment = parse(text, index + 1);
      return comment === null || stands(comment, comment.line) ? [] : [comment];
    }),
  };
}

function linesOf(text: string | null): string[] {
  return text === null ? [] : text.split(/\r?\n/);
}

function sameComment(a: string | undefined, b: string | undefined): boolean {
  const [before, after] = [parse(a, 0), parse(b, 0)];
  return before !== null && JSON.stringify(before) === JSON.stringify(after);
}

/**
 * For each line of the head (from 1) the line of the base that became it; null when it is new. In a replaced stretch, a line
 * only becomes one that sets the same attribute: otherwise a change could slip other code under an old comment.
 */
function counterparts(
  base: readonly string[],
  head: readonly string[],
  hunks: readonly Hunk[],
): readonly (number | null)[] {
  const found: (number | null)[] = [null];
  let shift = 0;
  for (const hunk of hunks) {
    while (found.length < hunk.head.lines.start) found.push(found.length + shift);
    const before = linesByKey(base, hunk.base.lines);
    const after = linesByKey(head, hunk.head.lines);
    while (found.length <= hunk.head.lines.end) {
      const key = keyOf(head[found.length - 1]);
      found.push(after.get(key) === found.length ? (before.get(key) ?? null) : null);
    }
    shift = hunk.base.lines.end - hunk.head.lines.end;
  }
  while (found.length <= head.length) found.push(found.length + shift);
  return found;
}

/** The lines of a stretch by what they set; null where several set the same. */
function linesByKey(
  lines: readonly string[],
  { start, end }: { readonly start: number; readonly end: number },
): ReadonlyMap<string, number | null> {
  const byKey = new Map<string, number | null>();
  for (let line = start; line <= end; line++) {
    const key = keyOf(lines[line - 1]);
    byKey.set(key, byKey.has(key) ? null : line);
  }
  return byKey;
}

/** The part of a line before its `=`; a line without one, as a whole. */
function keyOf(text: string | undefined): string {
  const code = (text ?? "").replace(COMMENT, "").trim();
  if (code === "") return (text ?? "").trim();
  const equals = code.indexOf("=");
  return equals === -1 ? code : code.slice(0, equals).trim();
}
