/** Hostile text made harmless for people to read: nothing hidden, reordered, or taken for a command. */

// Controls, formats (bidi, zero width, tags), surrogates, private and unassigned characters, line separators, every
// space but U+0020, and letters that draw nothing (Hangul fillers, variation selectors, the blank Braille pattern).
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

// Marks pile up on one letter without limit and cover the lines around it.
const MARK_PILE = /(\p{M}{4})\p{M}+/gu;

const NAMED = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\x1b", "\\e"],
]);

function name(character: string): string {
  return NAMED.get(character) ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}}`;
}

/**
 * `text` on one line, with what cannot be seen written as `\u{202e}` or `\n`. Beyond `limit` characters the middle is cut
 * out, since hashes and URLs differ at both ends. Only for people: the original cannot be restored.
 */
export function visible(text: string, limit = 1_000): string {
  // Cut first, since a value may have megabytes.
  const short =
    text.length > limit
      ? `${text.slice(0, Math.ceil(limit * 0.6))}…${text.slice(text.length - Math.floor(limit * 0.4) + 1)}`
      : text;
  return short.replace(INVISIBLE, name).replace(MARK_PILE, "$1…");
}

/** A JSON text with what cannot be seen as escapes: the same to a parser, harmless on a terminal. */
export function visibleJson(json: string): string {
  // The only such character outside of strings is the line feed.
  return json.replace(INVISIBLE, (character) => (character === "\n" ? character : jsonEscape(character)));
}

function jsonEscape(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** The lines of a longer text, each made visible; at most `limit` of them. */
export function visibleLines(text: string, limit: number): string[] {
  const lines = text.split(/\r?\n/, limit + 1).map((line) => visible(line, 2_000));
  return lines.length > limit ? [...lines.slice(0, limit), "…"] : lines;
}
