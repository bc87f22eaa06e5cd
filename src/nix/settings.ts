/** The settings of a Nix file: bindings whose value is no attribute set, with the value as it stands in the text. */
import { createHash } from "node:crypto";
import { appliedFunction, boundTo, lastName } from "./code-text.ts";
import type { Setting, SettingValue } from "./model.ts";
import { inPieces } from "./pieces.ts";
import { attributePath, conditionsOf, LONGEST_TEXT, packageSpan, textOf } from "./places.ts";
import type { CodeFile, Region } from "./scripts.ts";
import { bare, isAttrset, nodeAt, parts, type SyntaxNode, stringPieces, visitIn } from "./syntax.ts";

/** The release of all Haskell packages touches some thousands. What is generated anew as a whole has more. */
const MOST_SETTINGS = 20_000;

/**
 * The settings of a Nix file that `regions` touch, in order. A function's `name ? default` is one too. `onCut` is told
 * when there are more than are looked at.
 */
export function settingsOf(
  file: CodeFile,
  regions: readonly Region[],
  onCut: (what: string) => void = () => {},
): readonly Setting[] {
  if (file.kind !== "nix") return [];
  const { text } = file.document;
  const seen = new Set<number>();
  const settings: Setting[] = [];
  const room = { characters: MOST_COMPARED };
  for (const region of inPieces(file.document, regions)) {
    const bindings = new Set<SyntaxNode>();
    const inside = nodeAt(file.document.root, region.start, region.end);
    for (let up: SyntaxNode | null = inside; up; up = up.parent) {
      if (up.type === "binding" || up.type === "formal") {
        bindings.add(up);
        break;
      }
    }
    visitIn(text, inside, region, (node) => {
      if (node.type === "binding" || node.type === "formal") bindings.add(node);
      return true;
    });
    for (const binding of bindings) {
      if (seen.has(binding.start)) continue;
      seen.add(binding.start);
      settings.push(...settingsAt(file.path, text, binding, room));
    }
    if (settings.length > MOST_SETTINGS || room.characters < 0) {
      onCut("it holds more settings than are looked at");
      break;
    }
  }
  return settings.sort((a, b) => a.span.start - b.span.start).slice(0, MOST_SETTINGS);
}

/** Characters of values that are too long to be kept: one inside another is looked through as often as it is deep. */
const MOST_COMPARED = 100_000_000;

/** The text of a value. Of a long one a part, and what tells it from others that begin alike. */
function comparable(source: string, value: SyntaxNode, room: { characters: number }): string {
  const text = textOf(source, value);
  if (text.length <= LONGEST_TEXT || room.characters < 0) return text;
  room.characters -= value.end - value.start;
  const whole = source.slice(value.start, value.end).replace(/\s+/g, " ");
  return `${text}${createHash("sha256").update(whole).digest("hex").slice(0, 16)}`;
}

function settingsAt(
  path: string,
  source: string,
  node: SyntaxNode,
  room: { characters: number },
): readonly Setting[] {
  const inner = parts(node);
  const [name, value] = inner;
  if (!name || !value) return [];
  const { expression, wrappers } = unwrapped(source, value);
  if (isAttrset(expression)) return [];
  const own = node.type === "formal" ? [source.slice(name.start, name.end)] : [];
  return [
    {
      path,
      attributes: [...attributePath(source, node), ...own],
      text: comparable(source, value, room),
      value: valueIn(source, expression, 0),
      wrappers,
      conditions: conditionsOf(source, expression),
      span: { path, start: node.start, end: node.end },
      packageSpan: packageSpan(source, path, node),
    },
  ];
}

/** Functions that only say when, or how strongly, their last argument holds. */
const WRAPPERS = new Set([
  "mkIf",
  "mkDefault",
  "mkForce",
  "mkOptionDefault",
  "mkOverride",
  "mkBefore",
  "mkAfter",
  "mkOrder",
  "optional",
  "optionals",
  "optionalAttrs",
  "toString",
  "concatStringsSep",
]);

function unwrapped(source: string, value: SyntaxNode) {
  const wrappers: string[] = [];
  let expression = bare(value);
  for (;;) {
    const inner = parts(expression);
    const last = inner.at(-1);
    if (!last) break;
    if (expression.type === "apply_expression") {
      const name = lastName(source, appliedFunction(expression));
      if (!WRAPPERS.has(name)) break;
      wrappers.push(name);
    } else if (!["with_expression", "let_expression", "assert_expression"].includes(expression.type)) break;
    expression = bare(last);
  }
  return { expression, wrappers };
}

const MOST_DEPTH = 8;

/** A value as far as it stands in the text. */
function valueIn(source: string, given: SyntaxNode, depth: number): SettingValue {
  const { expression: node } = unwrapped(source, given);
  if (depth > MOST_DEPTH) return { kind: "other" };
  switch (node.type) {
    case "string_expression":
    case "indented_string_expression":
      return { kind: "string", value: stringOf(source, node) };
    case "integer_expression":
    case "float_expression":
      return { kind: "number", value: Number(source.slice(node.start, node.end)) };
    case "variable_expression":
      return variable(source, node, depth);
    case "list_expression":
      return { kind: "list", items: parts(node).map((item) => itemOf(source, item)) };
    case "binary_expression":
      return joined(source, node, depth);
    default:
      return { kind: "other" };
  }
}

function variable(source: string, node: SyntaxNode, depth: number): SettingValue {
  const name = source.slice(node.start, node.end);
  if (name === "true" || name === "false") return { kind: "bool", value: name === "true" };
  if (name === "null") return { kind: "null" };
  const bound = boundTo(source, node);
  return bound ? valueIn(source, bound, depth + 1) : { kind: "other" };
}

/** Lists joined by `++`: the items that stand in the text. */
function joined(source: string, node: SyntaxNode, depth: number): SettingValue {
  if (!node.children.some((child) => child.type === "++")) return { kind: "other" };
  const items = parts(node).flatMap((part) => {
    const value = valueIn(source, part, depth + 1);
    if (value.kind === "list") return value.items;
    return value.kind === "string" ? [value.value] : [textOf(source, part)];
  });
  return { kind: "list", items };
}

function itemOf(source: string, item: SyntaxNode): string {
  const node = bare(item);
  return node.type.endsWith("string_expression") ? stringOf(source, node) : textOf(source, node);
}

function stringOf(source: string, node: SyntaxNode): string {
  return stringPieces(source, node)
    .map((piece) => (piece.kind === "text" ? piece.text : `\${${textOf(source, piece.expression)}}`))
    .join("");
}
