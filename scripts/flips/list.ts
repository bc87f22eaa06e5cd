// Writes the list of guards, docs/guards.md: `npm run guards`. A test holds what is written against what this would write.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Guard } from "./guard.ts";
import { GUARDS } from "./guards.ts";

/** The text of docs/guards.md: by file and test, what each guard keeps and how it is taken away. */
export function guardsText(guards: readonly Guard[]): string {
  const places = new Map<string, Guard[]>();
  for (const guard of guards) {
    const place = `## \`${guard.file}\`: \`${guard.test}\``;
    places.set(place, [...(places.get(place) ?? []), guard]);
  }
  const parts = [...places]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([place, own]) => `\n${place}\n\n${own.map((guard) => `- ${line(guard)}\n`).join("")}`);
  return `<!-- Written by \`npm run guards\`: do not edit. -->

# Guards

What keeps hostile input harmless and publications right, by the file that has it and the test that fails without it.
\`npm run flips\` takes each of these ${guards.length} guards away in turn, as it says here, and requires that the test fails.
${parts.join("")}`;
}

function line({ keeps, flips }: Guard): string {
  const changes = flips.map(([text, flipped]) =>
    flipped.trim() === "" ? `without ${span(text)}` : `${span(text)} is ${span(flipped)}`,
  );
  return `${keeps}: ${changes.join("; ")}`;
}

/** A code span of one line. */
function span(code: string): string {
  const text = code.replace(/\s+/g, " ").trim();
  const fence = "`".repeat(1 + Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length)));
  const room = /^`|`$/.test(text) ? " " : "";
  return `${fence}${room}${text}${room}${fence}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(fileURLToPath(new URL("../../docs/guards.md", import.meta.url)), guardsText(GUARDS));
