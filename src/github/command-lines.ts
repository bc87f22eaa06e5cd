/**
 * The lines of a comment that its author wrote as text of their own: what a Markdown parser puts in code, quotes, lists,
 * tables, links or HTML is none, and neither is what a mail program quotes below an answer.
 */
import { Lexer, type Token } from "marked";

/** A line, as it stands. */
export interface OwnLine {
  /** The line up to the first thing in it that is no plain text, such as a link. */
  readonly plain: string;
  readonly whole: string;
  /** It holds HTML, of which a reader sees something else or nothing. */
  readonly hasHtml: boolean;
}

/** https://github.com/orgs/community/discussions/27190: longer comments there are none. */
const longestBody = 65_536;
/** Nobody writes a command into a longer paragraph, and some take a parser long. */
const longestParagraph = 4_000;

/** The lines in order, whatever ends them (a lone CR does: https://spec.commonmark.org/0.31.2/#line-ending); none of a text that is longer than a comment can be. */
export function ownLines(body: string): readonly OwnLine[] {
  if (body.length > longestBody) return [];
  try {
    return linesOfBlocks(body.replace(/\r\n?/g, "\n"));
  } catch (error) {
    // Ten thousand quotes in one another: the parser runs out of stack.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function linesOfBlocks(body: string): readonly OwnLine[] {
  const lexer = new Lexer({ gfm: true });
  const html = openTags();
  const lines: OwnLine[] = [];
  let before = "";
  for (const token of lexer.blockTokens(body, lexer.tokens)) {
    const isFootnote = before.startsWith("[^");
    before = token.raw;
    if (token.type === "html") html.read(token.raw);
    if (token.type !== "paragraph" || isFootnote) continue;
    const { raw } = token;
    if (introducesMail(raw)) break;
    // Footnotes and formulas, which GitHub knows and the parser takes for something else.
    if (raw.startsWith("[^") || raw.includes("$$")) continue;
    if (raw.length > longestParagraph) {
      html.lose();
      continue;
    }
    lines.push(...linesOf(lexer.inlineTokens(raw.trimEnd(), []), html));
  }
  return lines;
}

function linesOf(tokens: readonly Token[], html: OpenTags): readonly OwnLine[] {
  const lines: OwnLine[] = [];
  let line = { plain: "", whole: "", hasHtml: false };
  let onlyText = true;
  let own = !html.isInside();
  const end = () => {
    if (own) lines.push(line);
    line = { plain: "", whole: "", hasHtml: false };
    onlyText = true;
    own = !html.isInside();
  };
  for (const { type, raw } of tokens) {
    if (type === "br") {
      end();
      continue;
    }
    if (type === "text") {
      for (const [index, part] of raw.split("\n").entries()) {
        if (index > 0) end();
        line.whole += part;
        if (onlyText) line.plain += part;
      }
      continue;
    }
    onlyText = false;
    line.whole += raw;
    if (type === "html") {
      line.hasHtml = true;
      html.read(raw);
    }
    // Code or a link over several lines: neither its first line nor its last stands alone.
    if (raw.includes("\n")) own = false;
  }
  end();
  return lines;
}

interface OpenTags {
  read(html: string): void;
  /** What comes from here on may be inside of anything. */
  lose(): void;
  isInside(): boolean;
}

/** One that stays open, too: what begins in it again and again is not looked for again. */
const COMMENT = /<!--[\s\S]*?(-->|$)/g;
const TAG = /<(\/?)([a-z][a-z0-9-]*)(?![a-z0-9-])[^<>]*>/gi;
const WITHOUT_END = new Set(["br", "hr", "img", "input", "wbr"]);

/** Which HTML elements are open: Markdown between `<details>` and `</details>` is text of its own to the parser. */
function openTags(): OpenTags {
  const open = new Map<string, number>();
  let lost = false;
  return {
    read(html) {
      const tags = html.replace(COMMENT, (comment: string, end: string) => (end === "" ? comment : ""));
      for (const [, slash, name = ""] of tags.matchAll(TAG)) {
        const key = name.toLowerCase();
        if (WITHOUT_END.has(key)) continue;
        open.set(key, Math.max(0, (open.get(key) ?? 0) + (slash === "/" ? -1 : 1)));
      }
      // Something that is no plain tag, as one with another in an attribute.
      if (tags.replace(TAG, "").includes("<")) lost = true;
    },
    lose() {
      lost = true;
    },
    isInside: () => lost || [...open.values()].some((count) => count > 0),
  };
}

const MAIL = [
  /^.{1,300}\b(?:wrote|schrieb|écrit|escribió|scritto|schreef)\b.{0,100}:[ \t]*$/m,
  /^-{2,} ?(?:Original|Forwarded) Message/im,
];

/** Whether what follows was written by somebody else: mail programs put an answer above what it answers. */
function introducesMail(paragraph: string): boolean {
  if (MAIL.some((pattern) => pattern.test(paragraph))) return true;
  const has = (header: string) =>
    paragraph.split("\n").some((line) => line.replaceAll("*", "").startsWith(header));
  return has("From:") && (has("Sent:") || has("Date:") || has("To:"));
}
