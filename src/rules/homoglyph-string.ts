/** Letters of another script that look like ASCII ones, where a name decides what is fetched, run or set. */
import type { Severity } from "../report/review.ts";
import { asciiLookalike, skeleton } from "./_confusables.ts";
import {
  addedLines,
  argument,
  codePoint,
  extension,
  fileName,
  headPath,
  inHead,
  isVisibleAscii,
  quota,
  visible,
} from "./_text.ts";
import type { Facts, FileFacts, Rule, RuleFinding } from "./rule.ts";

/** What no name of a place or project has: `／` and `‐` too. What is not shown at all is for `hidden-unicode`. */
const NOT_IN_NAMES = /[^\x00-\x7f\p{Default_Ignorable_Code_Point}\p{C}\p{Z}]/u;
const WORD = /[\p{L}\p{M}\p{N}_-]+/gu;
/** Attributes whose value names a place, a project or a program. */
const NAMING =
  /\b(owner|repo|url|rev|tag|pname|domain|group|host|server|mainProgram|githubBase|sourceRoot|attrPath)\s*=\s*"([^"]*)"/g;
/** The same in JSON. */
const NAMING_DATA = /"(owner|repo|url|rev|tag|domain|host|resolved)"\s{0,20}:\s{0,20}"([^"]*)"/g;
const QUOTED_ATTRIBUTE = /"([^"]*)"\s*=(?!=)/g;
const URL_HOST = /\b(?:https?|ftp|git|ssh):\/\/([^\s/"'<>)]+)/g;
const CODE = new Set([
  "nix",
  "sh",
  "bash",
  "zsh",
  "py",
  "pl",
  "rb",
  "js",
  "ts",
  "lua",
  "patch",
  "yml",
  "yaml",
  "toml",
  "mod",
  "sum",
]);
/** Data in which only names of places and projects count. */
const DATA = new Set(["json", "lock", "nuon"]);

interface Hit {
  readonly severity: Severity;
  readonly what: string;
  readonly word: string;
  readonly start: number;
}

function hasLookalike(text: string): boolean {
  for (const character of text) if (asciiLookalike(character) !== null) return true;
  return false;
}

/** `pаypal`: ASCII letters and look-alikes of them in one word. */
function isMixed(word: string): boolean {
  return /[A-Za-z]/.test(word) && hasLookalike(word);
}

/** Whether a word looks like an ASCII one but has letters that are not ASCII. */
function poses(word: string): boolean {
  return hasLookalike(word) && /^[\x20-\x7e]*$/.test(skeleton(word));
}

function* hitsIn(line: string, isData: boolean): Generator<Hit> {
  if (!NOT_IN_NAMES.test(line)) return;
  for (const match of line.matchAll(isData ? NAMING_DATA : NAMING)) {
    const [whole, name, value] = match as unknown as [string, string, string];
    const start = match.index + whole.length - 1 - value.length;
    // Data have texts of other programs, too.
    if (poses(value) || (!isData && NOT_IN_NAMES.test(value)))
      yield { severity: "high", what: `the value of \`${name}\``, word: value, start };
  }
  for (const match of line.matchAll(URL_HOST)) {
    const [whole, host] = match as unknown as [string, string];
    if (poses(host) || NOT_IN_NAMES.test(host))
      yield {
        severity: "high",
        what: "the host of a URL",
        word: host,
        start: match.index + whole.length - host.length,
      };
  }
  if (isData) return;
  for (const match of line.matchAll(QUOTED_ATTRIBUTE)) {
    const [, name] = match as unknown as [string, string];
    if (name.split(/[.\s]/).some(poses))
      yield { severity: "high", what: "a quoted attribute name", word: name, start: match.index + 1 };
  }
  if (/^\s*(?:#|\/\/)/.test(line)) return;
  for (const match of line.matchAll(WORD)) {
    const [word] = match;
    if (isMixed(word)) yield { severity: "medium", what: "a word", word, start: match.index };
  }
}

function lettersOf(word: string): string {
  const odd = [...word].filter((character) => /[^\x20-\x7e]/.test(character));
  return [...new Set(odd)]
    .slice(0, 5)
    .map((c) => `${c} (${codePoint(c)})`)
    .join(", ");
}

function finding(file: FileFacts, hit: Hit, at: number): RuleFinding {
  const plain = skeleton(hit.word);
  return {
    severity: hit.severity,
    confidence: hit.severity === "medium" ? "medium" : "high",
    title: `Letters that look like others in ${hit.what}`,
    message:
      `\`${visible(hit.word)}\` has ${lettersOf(hit.word)} where a reader sees \`${visible(plain)}\`: the two are different ` +
      "names, so another host, owner, file or option than the one that is read can be meant. " +
      "Clear it by typing the name in ASCII; a name that really has these letters needs a word in the pull request. " +
      `Check with: grep -nP '[^\\x00-\\x7F]' ${argument(headPath(file))}`,
    at: inHead(file, at, at + hit.word.length),
    before: null,
    after: visible(hit.word),
    evidence: ["static"],
    related: [],
    identity: [hit.word],
  };
}

/** URLs of pins that went from an ASCII name to its look-alike: the attack itself. */
function* swaps(facts: Facts): Generator<{ readonly path: string; readonly value: string }> {
  for (const { before, after } of facts.sources) {
    if (!before || !after) continue;
    const old = new Set(before.urls.map((url) => url.value));
    for (const { value } of after.urls) {
      if (!old.has(value) && hasLookalike(value) && old.has(skeleton(value)))
        yield { path: after.path, value };
    }
  }
}

/** Of each severity: the others of it say nothing new. */
const MOST_FINDINGS = 20;

function* check(facts: Facts): Iterable<RuleFinding> {
  const doubles = [...swaps(facts)];
  const directories = new Set<string>();
  for (const file of facts.files) {
    const path = headPath(file);
    const { base, head } = file.change;
    const old = new Set(base?.path.split("/"));
    const name = head?.path.split("/").find((part) => !old.has(part) && poses(part));
    if (name !== undefined && !directories.has(name)) {
      directories.add(name);
      yield finding(file, { severity: "high", what: "a file name", word: name, start: 0 }, 0);
    }
    const isData = DATA.has(extension(path));
    if (!(isData || CODE.has(extension(path))) || fileName(path) === "maintainer-list.nix") continue;
    if (isVisibleAscii(file)) continue;
    const seen = new Set<string>();
    const hasRoom = quota(MOST_FINDINGS);
    for (const line of addedLines(file)) {
      for (const hit of hitsIn(line.text, isData)) {
        if (seen.has(hit.word) || [...seen].some((word) => word.includes(hit.word))) continue;
        const double = doubles.some(({ path: at, value }) => at === path && value.includes(hit.word));
        const severity = double ? "block" : hit.severity;
        if (!hasRoom(severity)) continue;
        seen.add(hit.word);
        yield finding(file, { ...hit, severity }, line.start + hit.start);
      }
    }
  }
}

export const rule: Rule = {
  id: "homoglyph-string",
  threat: "A52",
  description: "Letters of other scripts that pose as ASCII ones in names, hosts and code",
  severity: "high",
  check,
};
