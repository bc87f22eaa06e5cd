/**
 * The one place where text of others becomes Markdown. What comes out of here mentions nobody, refers to no issue or
 * commit, links nowhere, and opens no HTML, image, fence, table or marker, wherever it is put on a line.
 *
 * A backslash is not enough: GitHub finds mentions, references and e-mail addresses in the rendered text, where the
 * backslash is gone, but never in code. https://docs.github.com/en/get-started/writing-on-github
 */
import { visible } from "./visible.ts";

// Our own state is kept in such comments; a copy in a value must not look like one, even to a plain search.
const COMMENT = /<!--/g;

function inert(text: string, limit: number): string {
  return visible(text, limit).replace(COMMENT, "<\\u{21}--");
}

function fence(text: string, least: number): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(Math.max(least, longest + 1));
}

/** A code span with a value as it is, on one line, of at most `limit` characters. */
export function code(value: string, limit = 200): string {
  const text = inert(value, limit);
  if (text === "") return "(empty)";
  const ticks = fence(text, 1);
  // One space on each side is taken away again. https://spec.commonmark.org/0.31.2/#code-spans
  const pad = /^`|`$|^ .* $/.test(text) && text.trim() !== "" ? " " : "";
  return `${ticks}${pad}${text}${pad}${ticks}`;
}

/** A block of code with `lines` as they are. `language` is ours, never a value. */
export function codeBlock(lines: readonly string[], language = ""): string {
  const text = lines.map((line) => inert(line, 2_000)).join("\n");
  const ticks = fence(text, 3);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

// Words that mean nothing to Markdown or GitHub; every other word becomes code.
const PLAIN_WORD = /^[\p{L}\p{M}\p{N}.,;:?!'"()/%…→“”‘’–—-]+$/u;
const LIVE_WORD = /www\.|:\/\/|(mailto|xmpp):|\bgh-[0-9]|[0-9a-f]{7}|:[^\s:]+:|^-+$|--/i;
/** What opens a list, a heading's underline or a quote when it is first on its line. */
const OPENS_BLOCK = /^(?:[-=]|[0-9]+[.)])/;

/** Running text on one line: plain words as they are, words that could mean something to GitHub as code. */
export function prose(text: string, limit = 4_000): string {
  const words = visible(text.replace(/\s+/g, " ").trim(), limit).split(" ").filter(Boolean);
  return words
    .map((word, index) => {
      if (!PLAIN_WORD.test(word) || LIVE_WORD.test(word)) return proseCode(word);
      return index === 0 && OPENS_BLOCK.test(word) ? proseCode(word) : word;
    })
    .join(" ");
}

/** A word as code, with the punctuation of the sentence around it left outside. */
function proseCode(word: string): string {
  const open = /^[("'“‘]*/u.exec(word)?.[0] ?? "";
  const rest = word.slice(open.length);
  const close = /(?<![.,;:?!)"'”’])[.,;:?!)"'”’]+$/u.exec(rest)?.[0] ?? "";
  const middle = rest.slice(0, rest.length - close.length);
  return middle === "" ? code(word) : `${open}${code(middle, 500)}${close}`;
}
