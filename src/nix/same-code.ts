/** Changes of nothing but the form: what a formatter does to hundreds of files at once. */

/** What is a token of its own, whatever stands beside it. */
const APART = new Set("{}[]();");
/** So are these, but in an address without quotes. */
const MOSTLY_APART = new Set(",=@");
const IN_NAME = /[\w'-]/;

/** What the code being read is in: a set, an interpolation into a name or a path, or into a string. */
type Around = "{" | "${" | '"' | Indented;

/** An indented string. */
interface Indented {
  /** How much deeper its lines are indented in the first text; null: not known yet. */
  deeper: number | null;
}

/** What a formatter moves: spaces, and the comma after a function's last argument. */
const FORM = /[\s,]+/g;

/**
 * Whether texts with these changed stretches may be the same code; always, where a comment is among them. `isSameCode` tells
 * it for sure, but takes time by the length of the whole texts; for most changes, this says no by the length of the change.
 */
export function mayBeSameCode(before: string, after: string): boolean {
  return /#|\/\*/.test(before + after) || before.replace(FORM, "") === after.replace(FORM, "");
}

/**
 * Whether two Nix texts are the same code: but for white space and comments between tokens, and for the indentation of whole
 * indented strings, which Nix takes away. False where that is not sure.
 */
export function isSameCode(a: string, b: string): boolean {
  const around: Around[] = [];
  let inside: '"' | Indented | null = null;
  let isAddress = false;
  /** What follows an interpolation at once may be more of the same path. */
  let isInPath = false;
  // Up to `i` and `j`, both texts are the same code.
  let i = 0;
  let j = 0;
  for (;;) {
    if (inside === null) {
      const from: number = afterTrivia(a, i, isAddress);
      const to: number = afterTrivia(b, j, isAddress);
      if (from < 0 || to < 0) return false;
      const [before, next] = [a[i - 1] ?? "", a[from] ?? ""];
      if (next !== (b[to] ?? "")) return false;
      // White space between two tokens comes or goes only where they are two tokens without it.
      const isApart = !isInPath && canStandApart(before, next, isAddress);
      if (from > i !== to > j && next !== "" && i > 0 && !isApart) return false;
      if (next === "") return around.length === 0;
      if (from > i && to > j) isAddress = false;
      isInPath = false;
      isAddress ||= next === ":";
      const isQuote = next === "'" && a[from + 1] === "'";
      if (isQuote && b[to + 1] !== "'") return false;
      // A name may have such quotes, and so may an address.
      if (isQuote && (isAddress || (from === i && IN_NAME.test(before)))) return false;
      if (next === '"') inside = '"';
      else if (isQuote) inside = { deeper: null };
      else if (next === "{") around.push(from === i && before === "$" ? "${" : "{");
      else if (next === "}") {
        const opened = around.pop();
        if (opened === undefined) return false;
        if (opened === "${") isInPath = true;
        else if (opened !== "{") inside = opened;
      }
      const length = isQuote ? 2 : 1;
      [i, j] = [from + length, to + length];
      // What stands on the line of the quotes counts from there.
      if (isQuote && inside !== null && inside !== '"' && a[i + indentation(a, i)] !== "\n")
        inside.deeper = 0;
      continue;
    }
    const length = pieceLength(a, i, inside);
    if (length === 0 || a.slice(i, i + length) !== b.slice(j, j + length)) return false;
    const piece = a.slice(i, i + length);
    i += length;
    j += length;
    if (piece === "${") {
      around.push(inside);
      inside = null;
    } else if (piece === (inside === '"' ? '"' : "''")) inside = null;
    else if (piece === "\n" && inside !== '"') {
      const [old, now] = [indentation(a, i), indentation(b, j)];
      i += old;
      j += now;
      if (!isIndentedAlike(a, i, old, now, inside)) return false;
    }
  }
}

/** Whether a line, of which the spaces end at `at`, is as much deeper in the first text as the other lines of its string. */
function isIndentedAlike(text: string, at: number, old: number, now: number, string: Indented): boolean {
  // Nix drops what stands before the quotes alone; other blank lines keep what is deeper than all lines are.
  if (isBlankEnd(text, at)) return old + now === 0 || text.startsWith("''", at);
  string.deeper ??= old - now;
  return old - now === string.deeper;
}

/**
 * The place behind white space and comments, and behind the comma after a function's last argument; -1 where it is not sure
 * that it is a comment, as in an address.
 */
function afterTrivia(text: string, at: number, isAddress: boolean, mayEnd = !isAddress): number {
  const first = text[at];
  if (first === "," && mayEnd) {
    const end = afterTrivia(text, at + 1, isAddress, false);
    return text[end] === "}" ? end : at;
  }
  if (first !== " " && first !== "\n" && first !== "\t" && first !== "\r" && first !== "#" && first !== "/")
    return at;
  const isComment = first === "#" || (first === "/" && text[at + 1] === "*");
  if (first === "/" && !isComment) return at;
  // An address without quotes may have `/*` in it.
  if (isComment && at > 0 && (isAddress || !/[{}[\]();,="]/.test(text[at - 1] ?? ""))) return -1;
  const end = skipTrivia(text, at);
  return text[end] === "," && mayEnd ? afterTrivia(text, end, isAddress, true) : end;
}

/** The place behind white space and comments; -1 in a comment that does not end. */
function skipTrivia(text: string, start: number): number {
  for (let at = start; ; ) {
    const next = text[at];
    if (next === " " || next === "\n" || next === "\t" || next === "\r") at += 1;
    else if (next === "#") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (next === "/" && text[at + 1] === "*") {
      const end = text.indexOf("*/", at + 2);
      if (end < 0) return -1;
      at = end + 2;
    } else return at;
  }
}

function canStandApart(before: string, next: string, isAddress: boolean): boolean {
  if (before === "$" && next === "{") return false;
  if (APART.has(before) || APART.has(next)) return true;
  return !isAddress && (MOSTLY_APART.has(before) || MOSTLY_APART.has(next));
}

const IN_STRING = /\\[\s\S]|\$\$|\$\{|"|[^\\$"]+|\$/y;
const IN_INDENTED = /''(?:'|\$|\\[\s\S])|''|\$\$|\$\{|\n|[^'$\n]+|['$]/y;

/** The length of the next piece of a string: an escape, a mark, a line break or a stretch of text; 0 at the end. */
function pieceLength(text: string, at: number, inside: '"' | Indented): number {
  const pattern = inside === '"' ? IN_STRING : IN_INDENTED;
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
}

function indentation(text: string, at: number): number {
  let end = at;
  while (text[end] === " ") end++;
  return end - at;
}

/** Whether a line has nothing more, or only the quotes that end the string. */
function isBlankEnd(text: string, at: number): boolean {
  return text[at] === "\n" || (text.startsWith("''", at) && !/['$\\]/.test(text[at + 2] ?? ""));
}
