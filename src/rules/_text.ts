/** Reads changed files as text, and shows pieces of them safely. */
import type { FileFacts, Place } from "./rule.ts";

/** A line without its LF; offsets into the text of the head. */
export interface Line {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What a change adds to a file, in forms that several rules read. */
interface Added {
  readonly lines: readonly Line[];
  text: string | null;
  isAscii: boolean | null;
}

const added = new WeakMap<FileFacts, Added>();

function addedOf(file: FileFacts): Added {
  let known = added.get(file);
  if (!known) {
    known = { lines: readAddedLines(file), text: null, isAscii: null };
    added.set(file, known);
  }
  return known;
}

/**
 * The lines of the head that the change brings: those that lie in a changed stretch and do not stand word for
 * word in the base of the same file already (a line that only moved is nothing new).
 */
export function addedLines(file: FileFacts): readonly Line[] {
  return addedOf(file).lines;
}

/** The added lines as one text: a rule can see at once whether they hold anything of interest. */
export function addedText(file: FileFacts): string {
  const known = addedOf(file);
  known.text ??= file.base === null ? (file.head ?? "") : known.lines.map((line) => line.text).join("\n");
  return known.text;
}

/** Whether the added lines consist of visible ASCII characters, blanks and line breaks only. */
export function isVisibleAscii(file: FileFacts): boolean {
  const known = addedOf(file);
  known.isAscii ??= !/[^\t\n\r\x20-\x7e]/.test(addedText(file));
  return known.isAscii;
}

function readAddedLines(file: FileFacts): readonly Line[] {
  const text = file.head;
  if (text === null || file.changed.length === 0) return [];
  const lines: Line[] = [];
  let read = 0;
  for (const range of file.changed) {
    let start = Math.max(read, text.lastIndexOf("\n", range.start - 1) + 1);
    while (start < range.end) {
      const feed = text.indexOf("\n", start);
      const end = feed < 0 ? text.length : feed;
      lines.push({ text: text.slice(start, end), start, end });
      start = end + 1;
    }
    read = Math.max(read, start);
  }
  const { base } = file;
  if (base === null) return lines;
  if (lines.length <= FEW_LINES) return lines.filter((line) => !hasLine(base, line.text));
  const old = new Set(base.split("\n"));
  return lines.filter((line) => !old.has(line.text));
}

/** To search the base for so many lines takes less time than to split it into lines. */
const FEW_LINES = 20;

/** The line feeds in what is searched for keep the search linear, even in a text of one repeated letter. */
function hasLine(text: string, line: string): boolean {
  return (
    text === line ||
    text.startsWith(`${line}\n`) ||
    text.endsWith(`\n${line}`) ||
    text.includes(`\n${line}\n`)
  );
}

/** A function that says whether one more of a kind is within `most`, so that a flood of one kind leaves room for others. */
export function quota(most: number): (kind: string) => boolean {
  const counts = new Map<string, number>();
  return (kind) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= most;
  };
}

/** A place in the head of a file. */
export function inHead(file: FileFacts, start: number, end: number): Place {
  return { side: "head", span: { path: headPath(file), start, end: Math.max(end, start) } };
}

/** A place in the base of a file. */
export function inBase(file: FileFacts, start: number, end: number): Place {
  return { side: "base", span: { path: (file.change.base ?? file.change.head).path, start, end } };
}

/** The path at the head (of a removed file: at the base). */
export function headPath(file: FileFacts): string {
  return (file.change.head ?? file.change.base).path;
}

/** Whether a text names something: `CVE-2026-12` does not stand in `CVE-2026-123`. */
export function mentions(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0 && name !== ""; at = text.indexOf(name, at + 1))
    if (!/[A-Za-z0-9]/.test(`${text[at - 1] ?? ""}${text[at + name.length] ?? ""}`)) return true;
  return false;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The extension in lower case, without the dot; "" when there is none. */
export function extension(path: string): string {
  const name = fileName(path);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/** Characters that are not seen or that move others: controls, formats, fillers, variation selectors. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A character as `U+202E`. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A text for a message: what cannot be seen written as `<U+202E>`, cut in the middle to about `length`. */
export function visible(text: string, length = 80): string {
  const half = Math.ceil(length / 2);
  const cut = text.length > length ? `${text.slice(0, half)}…${text.slice(-half)}` : text;
  return cut.replace(UNSEEN, (character) => `<${codePoint(character)}>`);
}

/** A path, quoted for a command that a reader may paste: it can hold `$(…)`, and must not be taken for an option. */
export function argument(path: string): string {
  const text = visible(path, 200);
  const named = text.startsWith("-") ? `./${text}` : text;
  return /^[\w./@%+=,…-]+$/.test(named) ? named : `'${named.replaceAll("'", "'\\''")}'`;
}

/** The letters and digits of a name, in lower case: equal for `libFoo-1` and `lib_foo1`. */
export function folded(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** `3 lines`, `1 line`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
