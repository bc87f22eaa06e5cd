// Writes the two lists of all rules, src/rules/index.ts and docs/rules/README.md: `npm run rules`.
// A test holds what is written against what this would write.
import { readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SEVERITIES } from "../src/report/review.ts";
import type { Rule } from "../src/rules/rule.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}src/rules/`;

/** The ids of the rules: one file each in src/rules, beside the index, the types and the helpers (`_*.ts`). */
export function ruleIds(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.startsWith("_"))
    .map((name) => name.slice(0, -".ts".length))
    .filter((id) => id !== "index" && id !== "rule")
    .sort();
}

/** The rules as their files export them, in the order of their ids. */
export async function loadRules(): Promise<Rule[]> {
  const modules = ruleIds().map(
    (id) => import(pathToFileURL(`${folder}${id}.ts`).href) as Promise<{ rule: Rule }>,
  );
  return (await Promise.all(modules)).map(({ rule }) => rule);
}

/** The text of src/rules/index.ts. */
export function indexText(ids: readonly string[]): string {
  const name = (id: string) => id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return `/** All rules. Written by \`npm run rules\`: do not edit. */
// biome-ignore-all assist/source/organizeImports: in the order of the rules.
// biome-ignore-all format: one rule a line, so that two new rules rarely meet in one line.
${ids.map((id) => `import { rule as ${name(id)} } from "./${id}.ts";\n`).join("")}import type { Rule } from "./rule.ts";

export const rules: readonly Rule[] = [
${ids.map((id) => `  ${name(id)},\n`).join("")}];
`;
}

/** The text of docs/rules/README.md: the rules from the most severe to the least. */
export function readmeText(rules: readonly Rule[]): string {
  const rank = (rule: Rule) => SEVERITIES.indexOf(rule.severity);
  const sorted = [...rules].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  return `<!-- Written by \`npm run rules\`: do not edit. -->
# Rules

What each rule finds. The severity here is the one that a rule starts from; its page says what raises or lowers it.
\`verifod explain RULE\` prints a page. What to do about a finding: [findings.md](../findings.md). How to write a rule:
[development.md](../development.md).

| rule | severity | finds |
|---|---|---|
${sorted.map(({ id, severity, description }) => `| [${id}](${id}.md) | ${severity} | ${description} |\n`).join("")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(`${folder}index.ts`, indexText(ruleIds()));
  writeFileSync(`${root}docs/rules/README.md`, readmeText(await loadRules()));
}
