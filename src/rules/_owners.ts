/** CODEOWNERS files, as far as comparing two of them needs: https://docs.github.com/articles/about-code-owners */
import ignore from "ignore";
import type { Severity } from "../report/review.ts";

interface OwnerLine {
  readonly pattern: string;
  readonly owners: readonly string[];
  readonly start: number;
  readonly end: number;
}

export interface OwnerRisk {
  readonly severity: Severity;
  readonly pattern: string;
  readonly before: string;
  readonly after: string;
  readonly at: { readonly side: "base" | "head"; readonly start: number; readonly end: number };
}

function parse(text: string): ReadonlyMap<string, OwnerLine> {
  const lines = new Map<string, OwnerLine>();
  let start = 0;
  for (const line of text.split("\n")) {
    const [pattern = "", ...rest] = (line.split(/(?:^|\s)#/, 1)[0] ?? "")
      .split(/\s+/)
      .filter((word) => word !== "");
    const owners = rest.map((owner) => owner.toLowerCase());
    // The last line for a pattern counts.
    if (pattern !== "") lines.set(pattern, { pattern, owners, start, end: start + line.length });
    start += line.length + 1;
  }
  return lines;
}

function covers(pattern: string, paths: readonly string[]): boolean {
  try {
    const matcher = ignore({ ignorecase: false }).add(pattern);
    return paths.some((path) => matcher.ignores(path));
  } catch {
    return false;
  }
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
