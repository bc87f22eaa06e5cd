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

const NON_ASCII_LETTER = /[^\P{L}A-Za-z]/u;
const WORD = /[\p{L}\p{M}\p{N}_-]+/gu;
/** Attributes whose value names a place, a project or a program. */
const NAMING =
  /\b(owner|repo|url|rev|tag|pname|domain|group|host|server|mainProgram|githubBase|sourceRoot|attrPath)\s*=\s*"([^"]*)"/g;
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
]);

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

function* hitsIn(line: string): Generator<Hit> {
  if (!NON_ASCII_LETTER.test(line) && !hasLookalike(line)) return;
  for (const match of line.matchAll(NAMING)) {
    const [whole, name, value] = match as unknown as [string, string, string];
    const start = match.index + whole.length - 1 - value.length;
    if (poses(value) || NON_ASCII_LETTER.test(value))
      yield { severity: "high", what: `the value of \`${name}\``, word: value, start };
  }
  for (const match of line.matchAll(URL_HOST)) {
    const [whole, host] = match as unknown as [string, string];
    if (poses(host) || NON_ASCII_LETTER.test(host))
      yield {
        severity: "high",
        what: "the host of a URL",
        word: host,
        start: match.index + whole.length - host.length,
      };
  }
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
  for (const file of facts.files) {
    const path = headPath(file);
    const { base, head } = file.change;
    if (head && base?.path !== head.path && poses(fileName(path))) {
      yield finding(file, { severity: "high", what: "a file name", word: fileName(path), start: 0 }, 0);
    }
    if (!CODE.has(extension(path)) || fileName(path) === "maintainer-list.nix") continue;
    if (isVisibleAscii(file)) continue;
    const seen = new Set<string>();
    const hasRoom = quota(MOST_FINDINGS);
    for (const line of addedLines(file)) {
      for (const hit of hitsIn(line.text)) {
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
