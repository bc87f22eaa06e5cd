/**
 * Catalogues of gettext, which every release refreshes: places in the sources, dates and breaks of lines are new, texts
 * that are gone are commented out, new ones are there untranslated, or as guesses that are marked fuzzy and not used.
 * https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
 */

/** Whether all translations that are in use in `after` are in `before`. */
export function hasSameTranslations(before: string, after: string): boolean {
  const known = new Set(translations(before));
  return translations(after).every((entry) => known.has(entry));
}

/** What msgmerge and translation tools write into the first entry. */
const HEADER = /(?:POT-Creation-Date|Project-Id-Version|X-Generator|Report-Msgid-Bugs-To): [^\\]{0,500}\\n/g;

/** Each used translation with its original, as one text. */
function translations(text: string): string[] {
  const entries: string[] = [];
  let entry = "";
  let fuzzy = false;
  let last = "";
  const end = () => {
    // Without its last keyword's text an entry is not translated.
    if (entry !== "" && !fuzzy && !/msgstr(?:\[\d+\])?\u0000$/.test(entry))
      entries.push(entry.replace(HEADER, ""));
    entry = "";
    last = "";
    fuzzy = false;
  };
  for (const line of text.split("\n")) {
    const [, keyword, value] = /^(?:(msg\w+(?:\[\d+\])?)\s+)?"(.*)"\s*$/.exec(line) ?? [];
    if (line.startsWith("#") || keyword === "msgctxt" || (keyword === "msgid" && last !== "msgctxt")) {
      if (last.startsWith("msgstr")) end();
    }
    if (/^#,.*\bfuzzy\b/.test(line)) fuzzy = true;
    if (value === undefined) continue;
    if (keyword !== undefined) {
      entry += `\u0000${keyword}\u0000`;
      last = keyword;
    }
    entry += value;
  }
  end();
  return entries;
}
