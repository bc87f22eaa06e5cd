/** What patches are called: told alike by what reads pins and by the rule that misses a patch. */

/** The identifiers of vulnerabilities. */
export const VULNERABILITY = /CVE-\d{4}-\d+|GHSA(?:-[0-9A-Za-z]{4}){3}/g;
const PATCH_FILE = /(?<![\w.+-])[\w.+-]+\.(?:patch|diff)\b/g;

/** What patches are called in a text: the vulnerabilities that they fix, and their files. */
export function patchNames(text: string): readonly string[] {
  return [...(text.match(VULNERABILITY) ?? []), ...(text.match(PATCH_FILE) ?? [])];
}
