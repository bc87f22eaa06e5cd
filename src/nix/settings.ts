/** The settings of a Nix file: bindings whose value is no attribute set, with the value as it stands in the text. */
import { createHash } from "node:crypto";
import { appliedFunction, boundTo, lastName } from "./code-text.ts";
import type { Setting, SettingValue } from "./model.ts";
import { inPieces } from "./pieces.ts";
import {
  appliedTo,
  attributePath,
  CONDITIONAL,
  conditionsOf,
  LONGEST_TEXT,
  packageSpan,
  textOf,
} from "./places.ts";
import type { CodeFile } from "./scripts.ts";
import {
  bare,
  isAttrset,
  nodeAt,
  parts,
  type Region,
  type SyntaxNode,
  stringPieces,
  visitIn,
} from "./syntax.ts";

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
  const inText = valueIn({ source, names: 0 }, value);
  const isOne = wrappers.at(-1) === "optional" && inText.kind !== "list";
  const own = node.type === "formal" ? [source.slice(name.start, name.end)] : [];
  return [
    {
      path,
      attributes: [...attributePath(source, node), ...own],
      text: comparable(source, value, room),
      value: isOne ? { kind: "list", items: [itemOf(source, expression)] } : inText,
      wrappers,
      takenBy: appliedTo(source, node),
      conditions: conditionsOf(source, heart(expression)),
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
  "optionalString",
  "toString",
  "concatStringsSep",
]);

/** An expression without what only says when, or how strongly, it holds; `when`: what `mkIf` and the like ask for. */
function unwrapped(source: string, value: SyntaxNode) {
  const wrappers: string[] = [];
  const when: string[] = [];
  let expression = bare(value);
  for (;;) {
    const inner = parts(expression);
    const last = inner.at(-1);
    if (!last) break;
    if (expression.type === "apply_expression") {
      const name = lastName(source, appliedFunction(expression));
      if (!WRAPPERS.has(name)) break;
      wrappers.push(name);
      const [callee] = inner;
      const condition = CONDITIONAL.has(name) && callee ? parts(callee).at(-1) : undefined;
      if (condition) when.push(textOf(source, condition));
    } else if (!["with_expression", "let_expression", "assert_expression"].includes(expression.type)) break;
    expression = bare(last);
  }
  return { expression, wrappers, when };
}

/** Where the conditions of a value are looked for: for what is made of each element of a list, in the function that makes it. */
function heart(expression: SyntaxNode): SyntaxNode {
  const made = expression.type === "apply_expression" ? expression : null;
  for (let call: SyntaxNode | null = made; call?.type === "apply_expression"; ) {
    const [callee, given] = parts(call);
    const maker = given && bare(given);
    const body = maker?.type === "function_expression" ? parts(maker).at(-1) : undefined;
    if (body) return body;
    call = callee ? bare(callee) : null;
  }
  return expression;
}

const MOST_DEPTH = 8;
/** Of a setting: names bound to lists of names end here. */
const MOST_NAMES = 100;

interface Reading {
  readonly source: string;
  /** Names that were looked up. */
  names: number;
}

/** A value as far as it stands in the text. */
function valueIn(reading: Reading, given: SyntaxNode, depth = 0): SettingValue {
  const { source } = reading;
  const { expression: node, when } = unwrapped(source, given);
  if (depth > MOST_DEPTH) return { kind: "other" };
  switch (node.type) {
    case "string_expression":
    case "indented_string_expression":
      return { kind: "string", value: stringOf(source, node) };
    case "integer_expression":
    case "float_expression":
      return { kind: "number", value: Number(source.slice(node.start, node.end)) };
    case "variable_expression":
      return variable(reading, node, when, depth);
    case "list_expression":
      return listOf(parts(node).map((item) => ({ text: itemOf(source, item), when })));
    case "binary_expression":
      return joined(reading, node, when, depth);
    case "if_expression":
      return either(reading, node, when, depth);
    case "apply_expression": {
      const name = lastName(source, appliedFunction(node));
      const last = parts(node).at(-1);
      // What a file holds that is written from a text.
      if (last && name === "writeText") return valueIn(reading, last, depth + 1);
      if (last && name === "singleton") return listOf([{ text: itemOf(source, last), when }]);
      const merged = last && name === "mkMerge" ? bare(last) : null;
      if (merged?.type !== "list_expression") return { kind: "other" };
      return listOf(parts(merged).flatMap((part) => itemsIn(reading, part, when, depth)));
    }
    default:
      return { kind: "other" };
  }
}

function variable(reading: Reading, node: SyntaxNode, when: readonly string[], depth: number): SettingValue {
  const { source } = reading;
  const name = source.slice(node.start, node.end);
  if (name === "true" || name === "false") return { kind: "bool", value: name === "true" };
  if (name === "null") return { kind: "null" };
  const bound = ++reading.names > MOST_NAMES ? null : boundTo(source, node);
  const value = bound ? valueIn(reading, bound, depth + 1) : ({ kind: "other" } as const);
  return value.kind === "list" ? listOf(itemsOf(value, when)) : value;
}

/** The operands of a chain of one operator: `a`, `b` and `c` of `a ++ b ++ c`. */
function operands(node: SyntaxNode, operator: string): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const isChain = next.type === "binary_expression" && next.children.some(({ type }) => type === operator);
    if (isChain) waiting.push(...parts(next).map(bare).reverse());
    else found.push(next);
  }
  return found;
}

/** Lists joined by `++`: the items that stand in the text. Strings joined by `+`. */
function joined(reading: Reading, node: SyntaxNode, when: readonly string[], depth: number): SettingValue {
  const { source } = reading;
  const lists = operands(node, "++");
  if (lists.length > 1) return listOf(lists.flatMap((part) => itemsIn(reading, part, when, depth)));
  const texts = operands(node, "+").map((part) => [part, valueIn(reading, part, depth + 1)] as const);
  if (!texts.some(([, { kind }]) => kind === "string")) return { kind: "other" };
  const text = texts.map(([part, value]) =>
    value.kind === "string" ? value.value : `\${${textOf(source, part)}}`,
  );
  return { kind: "string", value: text.join("") };
}

/** `if … then a else b`: one list of both, or the values that it can be. */
function either(reading: Reading, node: SyntaxNode, when: readonly string[], depth: number): SettingValue {
  const [condition, ...branches] = parts(node);
  if (!condition) return { kind: "other" };
  const asked = textOf(reading.source, condition);
  const values = branches.map((branch) => valueIn(reading, branch, depth + 1));
  if (values.some(({ kind }) => kind === "list")) {
    return listOf(
      branches.flatMap((branch, index) =>
        itemsOfPart(reading, branch, values[index], [...when, index === 0 ? asked : `!(${asked})`]),
      ),
    );
  }
  const options = values.flatMap((value) => (value.kind === "other" ? (value.options ?? []) : [value]));
  return options.length > 0 ? { kind: "other", options } : { kind: "other" };
}

interface Item {
  readonly text: string;
  readonly when: readonly string[];
}

function listOf(items: readonly Item[]): SettingValue {
  const when = items.map((item) => item.when.join(" && "));
  const list = { kind: "list", items: items.map(({ text }) => text) } as const;
  return when.some((each) => each !== "") ? { ...list, when } : list;
}

function itemsOf({ items, when: own }: SettingValue & { kind: "list" }, when: readonly string[]): Item[] {
  return items.map((text, index) => ({ text, when: own?.[index] ? [...when, own[index]] : when }));
}

/** The items of a list's part; what is no list stands as it is. */
function itemsIn(reading: Reading, part: SyntaxNode, when: readonly string[], depth: number): Item[] {
  return itemsOfPart(reading, part, valueIn(reading, part, depth + 1), when);
}

/** The same for a part whose value is known: to work it out twice at each depth would take the power of that. */
function itemsOfPart(
  { source }: Reading,
  part: SyntaxNode,
  value: SettingValue | undefined,
  when: readonly string[],
): Item[] {
  if (value?.kind === "list") return itemsOf(value, when);
  const { expression, wrappers, when: asked } = unwrapped(source, part);
  // `optional x a` gives `a`; of `optionals x a`, `a` is a list.
  const item = wrappers.at(-1) === "optional" ? expression : part;
  const text = value?.kind === "string" ? value.value : textOf(source, item);
  return [{ text, when: [...when, ...asked] }];
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
