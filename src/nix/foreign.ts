/** Command lines in code of languages that are not read: Perl, JavaScript, Lua, sed, and whatever a patch adds. */

/** What stands in a command line that is worth reading. */
export const FETCHES = /(?<![\w.-])(?:curl|wget|ncat|nc|socat|base64|xxd|openssl)\s|\/dev\/tcp\//;
const EACH_FETCH = new RegExp(FETCHES.source, "g");
/** The most lines of one text; who reads them says it when there are as many. */
export const MOST_LINES = 200;
/** How many characters before and behind the command are looked at, in a longer line. */
const MOST_BEFORE = 2_000;
const MOST_BEHIND = 8_000;

/** A command line in other code. */
export interface InnerShell {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The command lines in a text that fetch or decode: as a quoted text holds them, or to the end of their line. */
export function shellsIn(text: string): readonly InnerShell[] {
  const found = new Map<number, InnerShell>();
  let end = 0;
  for (const { index } of text.matchAll(EACH_FETCH)) {
    if (index < end) continue;
    if (found.size >= MOST_LINES) break;
    const before = text.slice(Math.max(0, index - MOST_BEFORE), index);
    const lineStart = before.lastIndexOf("\n") + 1;
    // Where a line is cut, it is not known which quotes are open: the nearest is taken to be.
    const isCut = lineStart === 0 && before.length === MOST_BEFORE;
    const from = index - before.length + (isCut ? Math.max(0, lastQuote(before)) : lineStart);
    const behind = text.slice(index, index + MOST_BEHIND);
    const feed = behind.indexOf("\n");
    const line = text.slice(from, index + (feed < 0 ? behind.length : feed));
    const quoted = quotedAround(line, index - from) ?? { start: index - from, end: line.length };
    const start = from + quoted.start;
    end = from + quoted.end;
    found.set(start, { text: unescaped(line.slice(quoted.start, quoted.end)), start, end });
  }
  return [...found.values()];
}

/** The quoted text around a place of a line; null when there is none. */
function quotedAround(line: string, at: number): { start: number; end: number } | null {
  let quote = "";
  let start = 0;
  for (let index = 0; index < line.length; index++) {
    const character = line[index] as string;
    if (character === "\\") index++;
    else if (quote === "" && /["'`]/.test(character)) {
      if (index > at) return null;
      quote = character;
      start = index + 1;
    } else if (character === quote) {
      if (index > at) return { start, end: index };
      quote = "";
    }
  }
  return quote === "" ? null : { start, end: line.length };
}

function unescaped(text: string): string {
  return text.replace(/\\(["'`\\/])/g, "$1");
}

function lastQuote(text: string): number {
  return Math.max(text.lastIndexOf('"'), text.lastIndexOf("'"), text.lastIndexOf("`"));
}
