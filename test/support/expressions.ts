/** The regular expressions of the sources, and texts that are made from each to keep it busy. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AST, parseRegExpLiteral, visitRegExpAST } from "@eslint-community/regexpp";
import ts from "typescript";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

export interface Expression {
  /** The file and the line where it stands. */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

/** All that stand in `src`. */
export function expressionsOfSources(): readonly Expression[] {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((name) => {
    const text = readFileSync(`${SOURCES}/${name}`, "utf8");
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
    const found: Expression[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf("/");
        found.push({
          place: `src/${name}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`,
          source: node.text.slice(1, end),
          flags: node.text.slice(end + 1),
        });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

/** What may stand between two of a kind, for what asks for the edge of a word or the begin of a line. */
const BETWEEN = ["", " ", "-", "\n"];

/**
 * What, again and again, an expression stumbles over where it can: for each part that may repeat, what stands before it, with
 * and without the part, and the part alone.
 */
export function pumpsOf({ source, flags }: Expression): ReadonlySet<string> {
  const pumps = new Set<string>();
  visitRegExpAST(parseRegExpLiteral(`/${source}/${flags}`), {
    onQuantifierEnter(node) {
      if (node.max <= 1_000) return;
      const before = textBefore(node);
      const parts = textsOf(node.element);
      for (const part of ["", ...parts])
        for (const between of BETWEEN) pumps.add(`${before}${part}${between}`);
      for (const part of parts) for (const other of parts) pumps.add(part === other ? part : part + other);
    },
  });
  pumps.delete("");
  return pumps;
}

/** What stands before a part, as short as it can be. */
function textBefore(node: AST.Node): string {
  const { parent } = node;
  if (!parent || parent.type === "Pattern" || parent.type === "RegExpLiteral") return "";
  const own =
    parent.type === "Alternative"
      ? parent.elements.slice(0, parent.elements.indexOf(node as AST.Element))
      : [];
  return textBefore(parent) + own.map(textOf).join("");
}

function textOf(node: AST.Node): string {
  return textsOf(node)[0] ?? "";
}

/** Some texts that a part takes. */
function textsOf(node: AST.Node): readonly string[] {
  switch (node.type) {
    case "Character":
      return [String.fromCodePoint(node.value)];
    case "CharacterSet":
    case "CharacterClass":
    case "ExpressionCharacterClass":
      return charactersOf(node);
    case "Quantifier":
      return node.min === 0 ? [""] : textsOf(node.element).map((text) => text.repeat(node.min));
    case "Group":
    case "CapturingGroup":
      return node.alternatives.map(textOf);
    case "Alternative":
      return [node.elements.map(textOf).join("")];
    default:
      // Assertions and references take nothing.
      return [""];
  }
}

const CANDIDATES = [
  "a",
  "A",
  "1",
  " ",
  "-",
  ".",
  "/",
  "+",
  "_",
  ":",
  '"',
  "'",
  "{",
  "$",
  "(",
  "[",
  ",",
  "=",
  "#",
  "%",
  "\n",
  "é",
  "\u200b",
];

function charactersOf(node: AST.Node): readonly string[] {
  const expression = new RegExp(`^${node.raw}$`, /\\p/.test(node.raw) ? "u" : "");
  const found = CANDIDATES.filter((candidate) =>
    node.raw === "." ? candidate !== "\n" : expression.test(candidate),
  );
  if (found.length > 0) return found.slice(0, 3);
  const range = visitFirst(node);
  return range === null ? [""] : [String.fromCodePoint(range)];
}

function visitFirst(node: AST.Node): number | null {
  if (node.type !== "CharacterClass" || node.negate) return null;
  const [first] = node.elements;
  if (first?.type === "Character") return first.value;
  return first?.type === "CharacterClassRange" ? first.min.value : null;
}
