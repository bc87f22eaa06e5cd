/** Two CODEOWNERS files compared. */
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
 * Patterns that lost their owners. `gone`: the paths that this change removes or moves, whose patterns may go too.
 * An owner that leaves while others stay is no risk.
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
  return risks;
}
