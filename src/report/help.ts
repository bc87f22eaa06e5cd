/** Where rules are explained. */
import { readFile } from "node:fs/promises";

const DOCS = "https://github.com/verifod/verifod/blob/main/docs/rules";

/** The address of a rule's page, or of the list of all rules. */
export function helpAddress(rule: string | null): string {
  return `${DOCS}/${rule ?? "README"}.md`;
}

/**
 * The page of a rule, as Markdown. `rule` must be the id of a rule.
 * @throws when the package lacks its docs folder
 */
export async function readRulePage(rule: string): Promise<string> {
  // From dist/ the docs are one folder up, from src/report/ two.
  try {
    return await readFile(new URL(`../docs/rules/${rule}.md`, import.meta.url), "utf8");
  } catch {
    return readFile(new URL(`../../docs/rules/${rule}.md`, import.meta.url), "utf8");
  }
}
