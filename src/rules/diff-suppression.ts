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

/** The hand-written files of this change that a pattern covers. */
function covered(pattern: string, directory: string, files: readonly FileFacts[]): readonly string[] {
  let matches: (path: string) => boolean;
  try {
    const matcher = ignore({ ignorecase: false }).add(pattern);
    matches = (path) => matcher.ignores(path);
  } catch {
    return [];
  }
  return files
    .map((file) => file.change.head?.path ?? "")
    .filter(
      (path) => path.startsWith(directory) && fileName(path) !== ".gitattributes" && !GENERATED.test(path),
    )
    .map((path) => path.slice(directory.length))
    .filter((path) => path !== "" && /\.(?:nix|sh|py|pl|patch|ya?ml)$/.test(path) && matches(path));
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
  for (const line of lines) {
    const attributes = suppressing(line, known);
    const [attribute] = attributes;
    if (attribute === undefined || old.has(keyOf(line, attributes))) continue;
    const hidden = covered(line.pattern, directory, files);
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
