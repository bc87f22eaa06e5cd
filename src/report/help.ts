/** Where rules are explained. */
import { readFile } from "node:fs/promises";

const DOCS = "https://github.com/verifod/verifod/blob/main/docs";

/** The rule of findings that only verdicts bring: its page is that of verification, not one of docs/rules. */
export const VERDICT_RULE = "fod-refetch-mismatch";

function page(rule: string): string {
  return rule === VERDICT_RULE ? "verification.md" : `rules/${rule}.md`;
}

/** The address of a rule's page, or of the list of all rules. */
export function helpAddress(rule: string | null): string {
  return `${DOCS}/${page(rule ?? "README")}`;
}

/**
 * The page of a rule, as Markdown. `rule` must be the id of a rule.
 * @throws when the package lacks its docs folder
 */
export async function readRulePage(rule: string): Promise<string> {
  // From dist/ the docs are one folder up, from src/report/ two.
  try {
    return await readFile(new URL(`../docs/${page(rule)}`, import.meta.url), "utf8");
  } catch {
    return readFile(new URL(`../../docs/${page(rule)}`, import.meta.url), "utf8");
  }
}
