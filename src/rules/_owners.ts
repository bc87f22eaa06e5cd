/** Compares two versions of a CODEOWNERS file. */
import { matcherOf, type OwnerLine, ownerLines } from "../owners/codeowners.ts";
import type { Severity } from "../report/review.ts";

export interface OwnerRisk {
  readonly severity: Severity;
  readonly pattern: string;
  readonly before: string;
  readonly after: string;
  readonly at: { readonly side: "base" | "head"; readonly start: number; readonly end: number };
}

function parse(text: string): ReadonlyMap<string, OwnerLine> {
  // The last line for a pattern counts.
  return new Map(
    ownerLines(text).map((line) => [
      line.pattern,
      { ...line, owners: line.owners.map((owner) => owner.toLowerCase()) },
    ]),
  );
}

function covers(pattern: string, paths: readonly string[]): boolean {
  const matches = matcherOf(pattern);
  return matches !== null && paths.some(matches);
}

/**
 * Patterns that lost their owners. `gone`: paths that this change removes or moves, whose patterns may be dropped too.
 * It is no risk when one owner leaves and others stay.
 */
export function ownerRisks(base: string, head: string, gone: readonly string[]): readonly OwnerRisk[] {
  const before = parse(base);
  const after = parse(head);
  const risks: OwnerRisk[] = [];
  for (const [pattern, line] of before) {
    if (line.owners.length === 0) continue;
    const now = after.get(pattern);
    if (now?.owners.some((owner) => line.owners.includes(owner))) continue;
    if (!now && covers(pattern, gone)) continue;
    const at = now ?? line;
    risks.push({
      severity: now && now.owners.length > 0 ? "medium" : "high",
      pattern,
      before: line.owners.join(" "),
      after: now?.owners.join(" ") ?? "",
      at: { side: now ? "head" : "base", start: at.start, end: at.end },
    });
  }
  return [...risks, ...takenOver(before, after, ownerLines(head))];
}

/** At most so many pairs of lines are compared. nixpkgs has some 400 lines. */
const MOST_COMPARED = 200_000;

/** Whether too many lines are new to compare them with those before them. */
export function hasTooManyOwners(base: string, head: string): boolean {
  const before = parse(base);
  return isTooMuch(before, freshIn(before, parse(head)));
}

function isTooMuch(before: ReadonlyMap<string, OwnerLine>, fresh: readonly OwnerLine[]): boolean {
  return fresh.length * before.size > MOST_COMPARED;
}

function freshIn(
  before: ReadonlyMap<string, OwnerLine>,
  after: ReadonlyMap<string, OwnerLine>,
): readonly OwnerLine[] {
  return [...after.values()].filter(({ pattern }) => !before.has(pattern));
}

/** Owners that new lines take files from: the last line that matches a path counts. */
function takenOver(
  before: ReadonlyMap<string, OwnerLine>,
  after: ReadonlyMap<string, OwnerLine>,
  lines: readonly OwnerLine[],
): readonly OwnerRisk[] {
  const fresh = freshIn(before, after);
  if (isTooMuch(before, fresh)) return [];
  return fresh.flatMap(({ pattern, owners, start, end }): OwnerRisk[] => {
    const taken = [...before.values()].filter(
      (old) =>
        old.owners.length > 0 &&
        !old.owners.some((owner) => owners.includes(owner)) &&
        lines.some((line) => line.pattern === old.pattern && line.start < start) &&
        covers(pattern, samplesOf(old.pattern)),
    );
    const [first] = taken;
    if (!first) return [];
    const shown = taken.length === 1 ? first.pattern : `${first.pattern} and ${taken.length - 1} more`;
    return [
      {
        severity: owners.length > 0 ? "medium" : "high",
        pattern: shown,
        before: first.owners.join(" "),
        after: owners.join(" "),
        at: { side: "head", start, end },
      },
    ];
  });
}

/** Some paths that a pattern matches. */
function samplesOf(pattern: string): readonly string[] {
  const path = pattern.replace(/^\//, "").replace(/\*+/g, "x").replace(/\?/g, "x");
  return path.endsWith("/") ? [`${path}x`] : [path, `${path}/x`];
}
