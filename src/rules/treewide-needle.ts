/** A few files that change in another way, in a change of many files by one pattern. */
import {
  addedLines,
  argument,
  extension,
  fileName,
  headPath,
  inBase,
  inHead,
  type Line,
  visible,
} from "./_text.ts";
import type { FileFacts, Place, Rule, RuleFinding, Undecided } from "./rule.ts";

/** With fewer files, reviewers look at each of them. */
const TREEWIDE_FILES = 30;
/** A token that so many files gain (or lose) belongs to the pattern. */
const PATTERN_FILES = 8;
/** With more outliers the change was not made by one pattern. The other rules look at each file anyway. */
const MOST_OUTLIERS = 3;
/** In both sides of a file. Generated lists of packages have more: they are not compared, and the review says so. */
const MOST_CHARACTERS = 4_000_000;

const MOST_KINDS = 5;
const MECHANICAL_SHARE = 0.9;

const TOKEN = /[A-Za-z_][\w-]*|\d[\d.]*|[^\s\w]/g;

interface Difference {
  readonly file: FileFacts;
  /** `+token` for tokens that the file has more of than before, `-token` for fewer. */
  readonly signs: ReadonlySet<string>;
}

function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const each of text.split("\n")) {
    const line = each.trim();
    lines.set(line, (lines.get(line) ?? 0) + 1);
  }
  return lines;
}

/** A token as it compares between files: names of the file's own package, hashes and numbers count as equal. */
function normal(token: string, own: ReadonlySet<string>): string {
  if (own.has(token.toLowerCase())) return "NAME";
  if (/^\d/.test(token)) return "NUMBER";
  if (token.length >= 32 && /\d/.test(token)) return "HASH";
  return token;
}

function isTooLarge({ base, head }: FileFacts): boolean {
  return (base?.length ?? 0) + (head?.length ?? 0) > MOST_CHARACTERS;
}

function difference(file: FileFacts): Difference | null {
  const { base, head } = file;
  if (base === null || head === null || isTooLarge(file)) return null;
  const own = new Set(headPath(file).toLowerCase().split(/[/.]/));
  const balance = new Map<string, number>();
  const lines = linesOf(head);
  for (const [line, count] of linesOf(base)) lines.set(line, (lines.get(line) ?? 0) - count);
  for (const [line, count] of lines) {
    if (count === 0) continue;
    for (const [token] of line.matchAll(TOKEN)) {
      const key = normal(token, own);
      balance.set(key, (balance.get(key) ?? 0) + count);
    }
  }
  const signs = new Set<string>();
  for (const [token, count] of balance) {
    // Any rewriting adds and removes punctuation.
    if (count !== 0 && /\w/.test(token)) signs.add(`${count > 0 ? "+" : "-"}${token}`);
  }
  return { file, signs };
}

interface Treewide {
  readonly modified: readonly FileFacts[];
  readonly differences: readonly Difference[];
}

/** The differences between the sides of each file, if the change is one of many files by one pattern; else null. */
function treewide(files: readonly FileFacts[]): Treewide | null {
  const modified = files.filter(({ base, head }) => base !== null && head !== null);
  if (modified.length < TREEWIDE_FILES) return null;
  const differences = modified.flatMap((file) => difference(file) ?? []);
  return isMechanical(differences) ? { modified, differences } : null;
}

function* undecided(files: readonly FileFacts[]): Iterable<Undecided> {
  const large = files.filter((file) => file.base !== null && file.head !== null && isTooLarge(file));
  if (large.length === 0 || treewide(files) === null) return;
  for (const file of large)
    yield {
      undecided: "too large to be compared with the other files of a treewide change",
      at: inHead(file, 0, 0),
    };
}

function* check(files: readonly FileFacts[]): Iterable<RuleFinding> {
  const found = treewide(files);
  if (!found) return;
  const { modified, differences } = found;
  const users = new Map<string, number>();
  for (const { signs } of differences) for (const sign of signs) users.set(sign, (users.get(sign) ?? 0) + 1);
  const odd = (sign: string) => (users.get(sign) ?? 0) < PATTERN_FILES;
  const outliers = differences.filter(
    ({ file, signs }) => extension(headPath(file)) !== "md" && [...signs].some(odd),
  );
  // In a change of hundreds of files a few more are as easily overlooked.
  if (outliers.length > Math.max(MOST_OUTLIERS, Math.min(10, differences.length / 20))) return;
  for (const { file, signs } of outliers) {
    const needle = needleOf(file, [...signs].filter(odd));
    if (!needle) continue;
    const { at, line, verb } = needle;
    yield {
      severity: "high",
      confidence: "medium",
      title: "One file of a treewide change differs in kind",
      message:
        `${modified.length} files change by the same pattern; ${visible(fileName(headPath(file)), 80)} also ${verb} \`${visible(line)}\`, ` +
        "as no other does. In a change of this size nobody looks at each file, and web views do not show them all. " +
        `Clear it by moving it to a change of its own. Check with: git diff HEAD^ HEAD -- ${argument(headPath(file))}`,
      at,
      before: verb === "loses" ? visible(line, 200) : null,
      after: verb === "gains" ? visible(line, 200) : null,
      evidence: ["static"],
      related: [],
      identity: [verb, line],
    };
  }
}

/** Whether a program made the change: a few kinds of difference make up nearly all of it. */
function isMechanical(differences: readonly Difference[]): boolean {
  const kinds = new Map<string, number>();
  for (const { signs } of differences) {
    const kind = [...signs].sort().join(" ");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const largest = [...kinds.values()].sort((a, b) => b - a).slice(0, MOST_KINDS);
  return largest.reduce((sum, count) => sum + count, 0) >= differences.length * MECHANICAL_SHARE;
}

interface Needle {
  readonly at: Place;
  readonly line: string;
  readonly verb: "gains" | "loses";
}

/** The first line that the file gained, else lost, with one of the odd tokens. */
function needleOf(file: FileFacts, signs: readonly string[]): Needle | null {
  const own = new Set(headPath(file).toLowerCase().split(/[/.]/));
  const find = (lines: Iterable<Line>, sign: string) => {
    const tokens = new Set(signs.filter((each) => each.startsWith(sign)).map((each) => each.slice(1)));
    for (const line of tokens.size === 0 ? [] : lines) {
      if ([...line.text.matchAll(TOKEN)].some(([token]) => tokens.has(normal(token, own)))) return line;
    }
    return null;
  };
  const gained = find(addedLines(file), "+");
  if (gained) return { at: inHead(file, gained.start, gained.end), line: gained.text.trim(), verb: "gains" };
  const lost = find(removedLines(file), "-");
  return lost && { at: inBase(file, lost.start, lost.end), line: lost.text.trim(), verb: "loses" };
}

/** The lines of the base that do not stand word for word in the head. */
function* removedLines(file: FileFacts): Generator<Line> {
  const now = new Set(file.head?.split("\n"));
  let start = 0;
  for (const text of file.base?.split("\n") ?? []) {
    if (!now.has(text)) yield { text, start, end: start + text.length };
    start += text.length + 1;
  }
}

export const rule: Rule = {
  id: "treewide-needle",
  threat: "A39",
  description: "A few files in a mechanical change of many that change in another way",
  severity: "high",
  check: ({ files }) => check(files),
  undecided: ({ files }) => undecided(files),
};
