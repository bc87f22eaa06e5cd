/** Git attributes that make a file be folded, shown as binary, or stored as another text than the reviewed one. */
import ignore from "ignore";
import { argument, fileName, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

interface AttributeLine {
  readonly pattern: string;
  readonly attributes: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** What makes GitHub fold a diff; `linguist-generated=false` and `-linguist-generated` unfold it. */
const FOLDS = /^linguist-(?:generated|vendored)(?:=(?!false$|0$)|$)/;
const HIDES =
  /^(?:-diff|binary|diff=|filter=|working-tree-encoding=|export-subst|ident|merge=(?:ours|union)|-merge)/;

const EFFECT: readonly (readonly [RegExp, string])[] = [
  [/^linguist-/, "GitHub folds the diff"],
  [/^(?:-diff|binary)/, "the diff is shown as binary, that is, not at all"],
  [/^diff=/, "the diff is made by another program"],
  [
    /^(?:filter=|working-tree-encoding=|ident|export-subst)/,
    "what is checked out or exported is not what the diff shows",
  ],
  [/^(?:merge=|-merge)/, "what a merge makes is not what was reviewed"],
];

/** A line of gitattributes: a pattern, quoted when it has spaces, then attributes. https://git-scm.com/docs/gitattributes */
function parse(text: string): readonly AttributeLine[] {
  const lines: AttributeLine[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    const end = start + line.length;
    const quoted = /^\s*"((?:[^"\\]|\\.)*)"/.exec(line);
    const words = (quoted ? line.slice(quoted[0].length) : line)
      .split(/[ \t\r]+/)
      .filter((word) => word !== "");
    const pattern = quoted ? (quoted[1] ?? "") : (words.shift() ?? "");
    if (pattern !== "" && !pattern.startsWith("#")) lines.push({ pattern, attributes: words, start, end });
    start = end + 1;
  }
  return lines;
}

/** The macros that `[attr]name …` lines define, with the attributes that each stands for. */
function macros(lines: readonly AttributeLine[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    lines
      .filter(({ pattern }) => pattern.startsWith("[attr]"))
      .map(({ pattern, attributes }) => [pattern.slice("[attr]".length), attributes]),
  );
}

function suppressing(line: AttributeLine, known: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (line.pattern.startsWith("[attr]")) return [];
  return line.attributes
    .flatMap((attribute) => [attribute, ...(known.get(attribute) ?? [])])
    .filter((attribute) => FOLDS.test(attribute) || HIDES.test(attribute));
}

/** Files that programs write, for which such attributes are meant. */
const GENERATED =
  /(?:^|[/-])(?:deps|gemset|node-packages|node-composition|sources|generated|hashes|pin|versions?)\.(?:nix|json)$|\.lock$|-lock\./;

/** Whether a pattern covers a path below its file. */
function matcherOf(pattern: string): (path: string) => boolean {
  try {
    const matcher = ignore({ ignorecase: false }).add(pattern);
    return (path) => matcher.ignores(path);
  } catch {
    return () => false;
  }
}

/** The hand-written files of this change in a directory, by their paths in it. */
function handWritten(directory: string, files: readonly FileFacts[]): readonly string[] {
  return files
    .map((file) => file.change.head?.path ?? "")
    .filter(
      (path) => path.startsWith(directory) && fileName(path) !== ".gitattributes" && !GENERATED.test(path),
    )
    .map((path) => path.slice(directory.length))
    .filter((path) => path !== "" && /\.(?:nix|sh|py|pl|patch|ya?ml)$/.test(path));
}

/** More lines than any such file has: for each of them a pattern is read. */
const MOST_LINES = 1_000;
const MOST_FILES = 100;

/** Which of the files are hidden by which line: for each attribute, the last line that speaks of it counts. */
function hiding(
  lines: readonly AttributeLine[],
  paths: readonly string[],
): ReadonlyMap<string, AttributeLine> {
  const known = macros(lines);
  const hidden = new Map<string, Map<string, AttributeLine | null>>();
  for (const line of lines.slice(0, MOST_LINES)) {
    const attributes = line.attributes.flatMap((each) => [each, ...(known.get(each) ?? [])]);
    if (line.pattern.startsWith("[attr]") || attributes.length === 0) continue;
    const matches = matcherOf(line.pattern);
    for (const path of paths.slice(0, MOST_FILES)) {
      if (!matches(path)) continue;
      const state = hidden.get(path) ?? new Map<string, AttributeLine | null>();
      hidden.set(path, state);
      for (const each of attributes) {
        const name = each === "binary" ? "diff" : each.replace(/^[-!]/, "").split("=", 1).join("");
        state.set(name, FOLDS.test(each) || HIDES.test(each) ? line : null);
      }
    }
  }
  const found = new Map<string, AttributeLine>();
  for (const [path, state] of hidden) for (const line of state.values()) if (line) found.set(path, line);
  return found;
}

const keyOf = (line: AttributeLine, attributes: readonly string[]) => [line.pattern, ...attributes].join(" ");

function* check(file: FileFacts, files: readonly FileFacts[]): Iterable<RuleFinding> {
  const path = headPath(file);
  if (file.head === null || fileName(path) !== ".gitattributes") return;
  const baseLines = parse(file.base ?? "");
  const baseMacros = macros(baseLines);
  const old = new Set(baseLines.map((line) => keyOf(line, suppressing(line, baseMacros))));
  const lines = parse(file.head);
  const known = macros(lines);
  const directory = path.slice(0, -".gitattributes".length);
  const written = handWritten(directory, files);
  // Lines that another order, or the loss of a line that shows files, brings to bear.
  const before = hiding(baseLines, written);
  const revived = new Set(
    [...hiding(lines, written)].flatMap(([name, line]) => (before.has(name) ? [] : [line])),
  );
  for (const line of lines) {
    const attributes = suppressing(line, known);
    const [attribute] = attributes;
    if (attribute === undefined || (old.has(keyOf(line, attributes)) && !revived.has(line))) continue;
    const hidden = written.filter(matcherOf(line.pattern));
    const effect = EFFECT.find(([pattern]) => pattern.test(attribute))?.[1] ?? "the diff is not shown";
    const names = hidden.slice(0, 3).map((name) => `\`${visible(directory + name, 120)}\``);
    yield {
      severity: hidden.length > 0 ? "block" : "medium",
      confidence: "high",
      title:
        hidden.length > 0
          ? "Attributes hide a file of this very change"
          : "Attributes hide changes from reviewers",
      message:
        `\`${visible(line.pattern)} ${visible(attributes.join(" "))}\` is new: ${effect}. ` +
        (hidden.length > 0
          ? `It covers ${names.join(", ")}${hidden.length > 3 ? ` and ${hidden.length - 3} more` : ""}, changed here and written by hand: the reviewer is not shown it. `
          : "Later changes to such files are easily overlooked. ") +
        "Clear it by naming generated files only, in a change of its own. " +
        `Check with: git check-attr --all -- ${argument(hidden[0] === undefined ? "FILE" : directory + hidden[0])}`,
      at: inHead(file, line.start, line.end),
      before: null,
      after: visible(file.head.slice(line.start, line.end).trim(), 200),
      evidence: ["static"],
      related: [],
      identity: [keyOf(line, attributes)],
    };
  }
}

export const rule: Rule = {
  id: "diff-suppression",
  threat: "A54",
  description: "Git attributes that hide a file's changes from reviewers",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file, facts.files);
  },
};
