/** Characters that are not seen, or that make others be seen in another order than they are read. */

import {
  addedLines,
  argument,
  codePoint,
  count,
  extension,
  fileName,
  headPath,
  inHead,
  isVisibleAscii,
  quota,
  visible,
} from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

type Class = "reorders" | "encodes" | "unseen" | "terminal";

/** Candidates, found in one pass over a line; whether each has an ordinary reason is decided one by one. */
const SUSPECT = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800\u0008\u001b\u0090\u009b\u009d]/gu;

function classOf(character: string): Class {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x08 || code === 0x1b || (code >= 0x80 && code <= 0x9f)) return "terminal";
  if (code >= 0xe0000) return "encodes";
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return "reorders";
  if (code === 0x200e || code === 0x200f || code === 0x061c) return "reorders";
  return "unseen";
}

const EMOJI_BEFORE = /(?:[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}#*0-9]|\ufe0f)$/u;
const EMOJI_AFTER = /^[\p{Extended_Pictographic}\u2640\u2642\u2695]/u;
/** Scripts that are written from right to left, or that need joiners and non-joiners in ordinary words. */
const NEEDS_MARKS =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Malayalam}\p{Script=Kannada}\p{Script=Telugu}\p{Script=Gujarati}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Mongolian}\p{Script=Tibetan}\p{Script=Myanmar}]/u;
const BRAILLE = /[\u2801-\u28ff]/;
const FLAG = /^\u{1f3f4}[\u{e0061}-\u{e007a}\u{e0030}-\u{e0039}]{2,6}\u{e007f}/u;
/** Files whose text is for people: joiners and direction marks of their scripts are ordinary there. */
const PROSE = new Set([
  "md",
  "txt",
  "po",
  "pot",
  "json",
  "desktop",
  "xml",
  "html",
  "rst",
  "adoc",
  "ftl",
  "ts",
  "arb",
]);

/** Whether a suspect has an ordinary reason where it stands. */
function isHonest(line: string, at: number, character: string, prose: boolean): boolean {
  const before = line.slice(Math.max(0, at - 14), at);
  const after = line.slice(at + character.length, at + character.length + 4);
  const code = character.codePointAt(0) ?? 0;
  if (code === 0xfe0f || code === 0xfe0e) return EMOJI_BEFORE.test(before);
  // A joined emoji: man + ZWJ + laptop.
  if (code === 0x200d && EMOJI_BEFORE.test(before) && EMOJI_AFTER.test(after)) return true;
  // The flags of England, Scotland and Wales are spelt with tag characters.
  if (code >= 0xe0020 && code <= 0xe007f) {
    const flag = before.lastIndexOf("\u{1f3f4}");
    return flag >= 0 && FLAG.test(line.slice(Math.max(0, at - 14) + flag));
  }
  if (code === 0x2800) return BRAILLE.test(before.slice(-1)) || BRAILLE.test(after.slice(0, 1));
  if (
    code === 0x200e ||
    code === 0x200f ||
    code === 0x061c ||
    code === 0x200c ||
    code === 0x200d ||
    (code >= 0x180b && code <= 0x180f)
  ) {
    return prose && (NEEDS_MARKS.test(before) || NEEDS_MARKS.test(after));
  }
  return false;
}

interface Hit {
  readonly character: string;
  readonly class: Class;
  readonly start: number;
  readonly line: string;
}

/** At most so many of each class: every character of a hostile line may be a hit, and a report needs a few. */
const MOST_HITS = 1_000;

function hitsOf(file: FileFacts): readonly Hit[] {
  if (isVisibleAscii(file)) return [];
  const kind = extension(headPath(file));
  const isPatch = kind === "patch" || kind === "diff";
  const prose = PROSE.has(kind);
  const code = !prose && kind !== "";
  const found: Hit[] = [];
  const hasRoom = quota(MOST_HITS);
  for (const line of addedLines(file)) {
    // In a patch, only what the patch adds is new; the rest is upstream's text.
    if (isPatch && !line.text.startsWith("+")) continue;
    for (const match of line.text.matchAll(SUSPECT)) {
      const [character] = match;
      const hit = classOf(character);
      if (hit === "terminal" && !code) continue;
      // A byte order mark at the very start is a mark, not hidden text.
      if (character === "\ufeff" && line.start + match.index === 0) continue;
      if (isHonest(line.text, match.index, character, prose)) continue;
      if (hasRoom(hit))
        found.push({ character, class: hit, start: line.start + match.index, line: line.text });
    }
  }
  return found;
}

const WHY: Readonly<Record<Class, string>> = {
  reorders:
    "They change the order in which the line is shown, so that a reader sees other code than what runs.",
  encodes: "They are shown as nothing at all and can carry a whole hidden text.",
  unseen: "They are shown as nothing or as a blank: two texts that look the same are not.",
  terminal: "They steer a terminal: `cat` and `git diff` can show another text than what stands in the file.",
};
const TITLE: Readonly<Record<Class, string>> = {
  reorders: "Bidirectional control characters",
  encodes: "Invisible characters that can carry a hidden text",
  unseen: "Invisible characters",
  terminal: "Terminal control characters",
};

function kinds(hits: readonly Hit[]): string {
  const names = [...new Set(hits.map((hit) => codePoint(hit.character)))].sort();
  return names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ");
}

function* checkText(file: FileFacts): Iterable<RuleFinding> {
  const hits = hitsOf(file);
  for (const group of ["reorders", "encodes", "unseen", "terminal"] as const) {
    const of = hits.filter((hit) => hit.class === group);
    const [first] = of;
    if (!first) continue;
    const at = first.start - (file.head?.lastIndexOf("\n", first.start - 1) ?? 0) - 1;
    const around = visible(first.line.slice(Math.max(0, at - 30), at + 30), 200);
    yield {
      severity:
        group === "reorders" || group === "encodes" ? "block" : group === "unseen" ? "high" : "medium",
      confidence: "high",
      title: `${TITLE[group]} (${kinds(of)})`,
      message:
        `${count(of.length, "added character")} of this file ${of.length === 1 ? "is" : "are"} ${kinds(of)}, first in \`${around}\`. ${WHY[group]} ` +
        "Clear it by removing them, or by an escape (`\\u…` where the format has it). " +
        `Check with: grep -nP '[^\\x09\\x20-\\x7E]' ${argument(headPath(file))} | cat -v`,
      at: inHead(file, first.start, first.start + first.character.length),
      before: null,
      after: around,
      evidence: ["static"],
      related: of
        .filter((hit) => hit.line !== first.line)
        .slice(0, 5)
        .map((hit) => ({
          at: inHead(file, hit.start, hit.start + hit.character.length),
          note: codePoint(hit.character),
        })),
      identity: [group, kinds(of), visible(first.line.trim(), 200)],
    };
  }
}

/** A new file's name: names are shown to reviewers too. */
function* checkName(file: FileFacts): Iterable<RuleFinding> {
  const { base, head } = file.change;
  if (!head || base?.path === head.path) return;
  const suspects = [...head.path.matchAll(SUSPECT)].filter(
    (match) => !isHonest(head.path, match.index, match[0], true),
  );
  const [first] = suspects;
  if (!first) return;
  const names = [...new Set(suspects.map(([character]) => codePoint(character)))].join(", ");
  yield {
    severity: "block",
    confidence: "high",
    title: `Invisible characters in a file name (${names})`,
    message:
      `The name \`${visible(head.path, 200)}\` has characters that are not shown or that reorder others (${names}): ` +
      `it looks like another name (\`${visible(fileName(head.path).replace(SUSPECT, ""), 100)}\`). Clear it by renaming the file. ` +
      "Check with: git -c core.quotePath=true ls-files",
    at: inHead(file, 0, 0),
    before: base?.path ?? null,
    after: visible(head.path, 200),
    evidence: ["static"],
    related: [],
    identity: ["name", visible(head.path, 200)],
  };
}

export const rule: Rule = {
  id: "hidden-unicode",
  threat: "A31",
  description: "Invisible or reordering characters in added text or file names",
  severity: "block",
  *check(facts) {
    for (const file of facts.files) {
      yield* checkName(file);
      yield* checkText(file);
    }
  },
};
