/**
 * The lines of a comment that are its author's own plain text: without what a Markdown parser takes for code, quotes, lists,
 * tables, links or HTML, and without what a mail program quotes below an answer.
 */
import { Lexer, type Token } from "marked";

/** A line as it was written. */
export interface OwnLine {
  /** The line up to the first thing in it that is no plain text, such as a link. */
  readonly plain: string;
  readonly whole: string;
  /** It holds HTML, of which a reader sees something else or nothing. */
  readonly hasHtml: boolean;
}

/** The longest possible comment: https://github.com/orgs/community/discussions/27190 */
const LONGEST_BODY = 65_536;
/** Nobody writes a command into a longer paragraph, and some of these take a parser long. */
const LONGEST_PARAGRAPH = 4_000;

/** The lines in order, whatever ends them (a lone CR does: https://spec.commonmark.org/0.31.2/#line-ending); none for an impossibly long text. */
export function ownLines(body: string): readonly OwnLine[] {
  if (body.length > LONGEST_BODY) return [];
  try {
    return linesOfBlocks(body.replace(/\r\n?/g, "\n"));
  } catch (error) {
    // Ten thousand nested quotes: the parser runs out of stack.
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
    // Footnotes and formulas, which the parser does not know as GitHub does.
    if (raw.startsWith("[^") || raw.includes("$$")) continue;
    if (raw.length > LONGEST_PARAGRAPH) {
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
    // Code or a link over several lines: neither its first line nor its last is plain text alone.
    if (raw.includes("\n")) own = false;
  }
  end();
  return lines;
}

interface OpenTags {
  read(html: string): void;
  /** Gives up: everything from here on may be inside some element. */
  lose(): void;
  isInside(): boolean;
}

/** HTML comments, also an unclosed one, so that the starts of others in it are not searched again and again. */
const COMMENT = /<!--[\s\S]*?(-->|$)/g;
const TAG = /<(\/?)([a-z][a-z0-9-]*)(?![a-z0-9-])[^<>]*>/gi;
const WITHOUT_END = new Set(["br", "hr", "img", "input", "wbr"]);

/** Tracks which HTML elements are open, since to the parser Markdown between `<details>` and `</details>` is ordinary text. */
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
      // Something that is not a plain tag, such as one with another in an attribute.
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

/** Whether a mail program introduces quoted text with this paragraph: what follows is somebody else's. */
function introducesMail(paragraph: string): boolean {
  if (MAIL.some((pattern) => pattern.test(paragraph))) return true;
  const has = (header: string) =>
    paragraph.split("\n").some((line) => line.replaceAll("*", "").startsWith(header));
  return has("From:") && (has("Sent:") || has("Date:") || has("To:"));
}
