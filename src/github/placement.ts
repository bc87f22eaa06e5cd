/** Which findings become line comments, and on which lines GitHub will take them. */
import type { Change, Entry, Tree } from "../change/change.ts";
import { commentableLines, diffTexts, type LineRange } from "../change/hunks.ts";
import { lineStarts } from "../change/lines.ts";
import type { Finding, Review } from "../report/review.ts";
import { bySeverity } from "../report/status.ts";

/** A comment stays within this many lines: GitHub folds longer ones, and nobody reads them. */
const MOST_LINES = 20;

export interface Placement {
  readonly finding: Finding;
  readonly side: "LEFT" | "RIGHT";
  readonly line: number;
  /** The first of several lines; null: only `line`. */
  readonly startLine: number | null;
}

/** Only findings that are severe and sure interrupt people; the others are in the check run. */
function deservesComment({ severity, confidence }: Finding): boolean {
  return (severity === "block" || severity === "high") && confidence === "high";
}

/** The findings that deserve a comment and stand on a line that takes one, the most severe first. */
export async function placeFindings(change: Change, review: Review): Promise<readonly Placement[]> {
  const placements: Placement[] = [];
  const lines = new Map<string, Promise<Commentable>>();
  for (const finding of bySeverity(review.findings.filter(deservesComment))) {
    const key = `${finding.side}:${finding.path}`;
    const known = lines.get(key) ?? linesOf(change, finding);
    lines.set(key, known);
    const placement = place(finding, await known);
    if (placement !== null) placements.push(placement);
  }
  return placements;
}

type Commentable = ReturnType<typeof commentableLines>;
const nowhere: Commentable = { left: [], right: [] };

async function linesOf(change: Change, { path, side }: Finding): Promise<Commentable> {
  const file = change.files.find((each) => each[side]?.path === path);
  if (file === undefined) return nowhere;
  const [base, head] = await Promise.all([textOf(change.base, file.base), textOf(change.head, file.head)]);
  if (base === null || head === null) return nowhere;
  const hunks = diffTexts(base, head);
  return hunks === null ? nowhere : commentableLines(hunks, lineStarts(head).length);
}

/** The text of a side; "" where the side has no file, null where it is no text. */
async function textOf(tree: Tree, entry: Entry | null): Promise<string | null> {
  if (entry === null) return "";
  const content = await tree.read(entry);
  return content.kind === "text" ? content.text : null;
}

function place(finding: Finding, { left, right }: Commentable): Placement | null {
  const { startLine, endLine } = finding;
  const [side, ranges] = finding.side === "head" ? (["RIGHT", right] as const) : (["LEFT", left] as const);
  const range = rangeOf(ranges, startLine);
  if (range === undefined) return besides(finding, right);
  const last = lastLine(range, startLine, endLine);
  return { finding, side, line: last, startLine: last > startLine ? startLine : null };
}

/**
 * A place on a related line, when the finding's own line is out of GitHub's reach: if a version changed without its hash, the
 * hash may stand too far below the changed line.
 */
function besides(finding: Finding, right: readonly LineRange[]): Placement | null {
  const near = finding.related.find(
    ({ path, line }) => path === finding.path && rangeOf(right, line) !== undefined,
  );
  return near === undefined ? null : { finding, side: "RIGHT", line: near.line, startLine: null };
}

function rangeOf(ranges: readonly LineRange[], line: number): LineRange | undefined {
  return ranges.find(({ start, end }) => start <= line && line <= end);
}

/** All lines of a comment must be of one hunk. */
function lastLine(range: LineRange, start: number, end: number): number {
  return Math.min(end, range.end, start + MOST_LINES - 1);
}
