/** The text of a script that a Nix expression builds, with a way back to the file. */
import {
  attrName,
  attrNames,
  bare,
  bindingsOf,
  nodeMemo,
  parts,
  type SyntaxNode,
  stringPieces,
} from "./syntax.ts";

/** A script's text: interpolations that do not resolve to a text are stand-in words that a shell can read. */
export interface CodeText {
  readonly text: string;
  /** Puts the expressions back, as `${expression}`. */
  restore(text: string): string;
  /** The offset in the file for an offset in `text`. */
  fileOffset(offset: number): number;
  /** Some of it is left out, because there is too much, or too deep inside. */
  readonly cut: boolean;
  /** Whether the text at an offset was worked out, and so stands in no string literal as it is. */
  readonly isComputed?: (offset: number) => boolean;
}

/** Works out the text that an expression gives; null when the text does not decide. */
export type Compute = (node: SyntaxNode) => string | null;

interface Run {
  readonly at: number;
  readonly fileStart: number;
  readonly length: number;
}

const STAND_IN = /__nix_(\d+)__/g;
const MOST_CHARACTERS = 2_000_000;
const MOST_DEPTH = 30;
/** Names bound to names bound to names: a bomb ends here. */
const MOST_STEPS = 5_000;
const LONGEST_EXPRESSION = 200;

/** Functions that give (one of) the strings of their last argument. */
export const STRING_FUNCTIONS = new Set([
  "optionalString",
  "concatStrings",
  "concatStringsSep",
  "concatLines",
  "toString",
  "trim",
  "removeSuffix",
  "removePrefix",
  "mkIf",
  "mkMerge",
  "mkBefore",
  "mkAfter",
  "mkForce",
  "mkDefault",
  "mkOverride",
  "mkOrder",
]);

/** Functions whose result may stand in no string literal as it is. */
const COMPUTES =
  /^(?:replaceStrings|replaceChars|substring|fromJSON|concat(?:I?Map)?Strings|concat(?:I?Map)?StringsSep|implode)$/;

/** Whether a text is worked out, not joined from a list of strings as they stand. */
export function isComputed(source: string, node: SyntaxNode): boolean {
  // `(fromJSON "…").command`
  const [from] = parts(node);
  if (node.type === "select_expression" && from) {
    const set = bare(from);
    return set.type === "apply_expression" && lastName(source, appliedFunction(set)) === "fromJSON";
  }
  if (node.type !== "apply_expression") return false;
  const applied = appliedFunction(node);
  const name = lastName(source, applied);
  // A function of the file's own may do the same inside.
  if (!COMPUTES.test(name))
    return applied.type === "variable_expression" && boundTo(source, applied) !== null;
  const last = parts(node).at(-1);
  return !(STRING_FUNCTIONS.has(name) && last && bare(last).type === "list_expression");
}

/** `@name@`: what `substituteAll` and `replaceVars` put a value in place of. */
const PLACEHOLDER = /@(\w{1,60})@/g;

/** A file's text. Placeholders, which no shell reads, are words of the same length. */
export function plainText(text: string): CodeText {
  const names = new Set<string>();
  const words = text.replace(PLACEHOLDER, (_, name: string) => {
    names.add(name);
    return `_${name}_`;
  });
  const restore = (shown: string) =>
    shown.replace(/_(\w{1,60}?)_/g, (whole, name: string) => (names.has(name) ? `@${name}@` : whole));
  return {
    text: words,
    restore: names.size === 0 ? (same) => same : restore,
    fileOffset: (offset) => offset,
    cut: false,
  };
}

/** The function at the head of a (curried) application: `f` of `f a b`. */
export function appliedFunction(node: SyntaxNode): SyntaxNode {
  let head = node;
  while (head.type === "apply_expression") {
    const [callee] = parts(head);
    if (!callee) break;
    head = bare(callee);
  }
  return head;
}

/** The last name of a function or variable: `optionalString` of `lib.strings.optionalString`; "" when there is none. */
export function lastName(source: string, node: SyntaxNode): string {
  if (node.type === "variable_expression" || node.type === "identifier")
    return source.slice(node.start, node.end);
  if (node.type !== "select_expression") return "";
  const path = parts(node).find((part) => part.type === "attrpath");
  return (path && attrNames(source, path).at(-1)) ?? "";
}

function isSum(node: SyntaxNode): boolean {
  return node.type === "binary_expression" && node.children.some((child) => child.type === "+");
}

/** What is added up, from left to right: long scripts are sums of many pieces, each a level deeper in the tree. */
function summands(sum: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  let left = sum;
  while (isSum(left)) {
    const [before, after] = parts(left);
    if (!before || !after) break;
    found.push(after);
    left = bare(before);
  }
  return [left, ...found.reverse()];
}

/** What a string expression is made of: a literal, other expressions with a text between them, or not known. */
type Composition = "literal" | "unknown" | { readonly of: readonly SyntaxNode[]; readonly separator: string };

function compositionOf(source: string, node: SyntaxNode): Composition {
  const inner = parts(node);
  const last = inner.at(-1);
  switch (node.type) {
    case "string_expression":
    case "indented_string_expression":
      return "literal";
    case "binary_expression":
      return isSum(node) ? { of: summands(node), separator: "" } : "unknown";
    case "if_expression":
      return { of: inner.slice(1), separator: "\n" };
    case "let_expression":
    case "with_expression":
    case "assert_expression":
      return last ? { of: [last], separator: "" } : "unknown";
    case "apply_expression": {
      const name = lastName(source, appliedFunction(node));
      if (!last || !STRING_FUNCTIONS.has(name)) return "unknown";
      const list = bare(last);
      return list.type === "list_expression"
        ? { of: parts(list), separator: separatorOf(source, name, node) }
        : { of: [last], separator: "" };
    }
    case "variable_expression": {
      const bound = boundTo(source, node);
      return bound ? { of: [bound], separator: "" } : "unknown";
    }
    case "select_expression": {
      // `old.postInstall or ""`: as if it were not set.
      const isOptional = last !== undefined && inner.length === 3 && isEmptyText(source, last);
      return isOptional ? { of: [], separator: "" } : "unknown";
    }
    default:
      return "unknown";
  }
}

function isEmptyText(source: string, node: SyntaxNode): boolean {
  return /^(?:""|''\s*'')$/.test(source.slice(node.start, node.end));
}

/** A phase or hook of another package: what follows it begins on a new line. */
const OTHERS_SCRIPT = /\.(?:\w+Phase|(?:pre|post)[A-Z]\w*|shellHook|buildCommand)$/;

function separatorOf(source: string, name: string, node: SyntaxNode): string {
  if (name === "concatStrings") return "";
  if (name !== "concatStringsSep") return "\n";
  const [callee] = parts(node);
  const separator = callee && parts(bare(callee)).at(-1);
  if (!separator || compositionOf(source, separator) !== "literal") return " ";
  return stringPieces(source, separator)
    .map((piece) => (piece.kind === "text" ? piece.text : ""))
    .join("");
}

/** What `expression` gives when it is a string; never fails: what cannot be read becomes a stand-in. */
export function codeText(source: string, expression: SyntaxNode, compute?: Compute): CodeText {
  const runs: Run[] = [];
  const computed: { start: number; end: number }[] = [];
  const opaque: string[] = [];
  let text = "";
  let steps = 0;
  let cut = false;

  const isTooMuch = (depth: number): boolean => {
    const is = depth > MOST_DEPTH || ++steps > MOST_STEPS;
    cut ||= is;
    return is;
  };

  const addText = (piece: string, start: number, end: number) => {
    if (text.length + piece.length > MOST_CHARACTERS) {
      cut = true;
      return;
    }
    for (const run of runsOf(source, piece, start, end)) runs.push({ ...run, at: text.length + run.at });
    text += piece;
  };

  const addOpaque = (node: SyntaxNode, start: number, end: number) => {
    const shown = source.slice(node.start, node.end).replace(/\s+/g, " ");
    runs.push({ at: text.length, fileStart: start, length: end - start });
    text += `__nix_${opaque.length}__${OTHERS_SCRIPT.test(shown) ? "\n" : ""}`;
    opaque.push(shown.length > LONGEST_EXPRESSION ? `${shown.slice(0, LONGEST_EXPRESSION)}…` : shown);
  };

  /** Adds what an expression gives where that is worked out and known. */
  const addComputed = (given: SyntaxNode): boolean => {
    const node = bare(given);
    const known = compute && isComputed(source, node) ? compute(node) : null;
    if (known === null || text.length + known.length > MOST_CHARACTERS) return false;
    computed.push({ start: text.length, end: text.length + known.length });
    runs.push({ at: text.length, fileStart: node.start, length: 0 });
    text += known;
    return true;
  };

  const add = (given: SyntaxNode, depth: number): void => {
    const node = bare(given);
    if (addComputed(node)) return;
    const composition = isTooMuch(depth) ? "unknown" : compositionOf(source, node);
    if (composition === "unknown") {
      addOpaque(node, node.start, node.end);
    } else if (composition === "literal") {
      for (const piece of stringPieces(source, node)) {
        if (piece.kind === "text") addText(piece.text, piece.start, piece.end);
        else if (addComputed(piece.expression)) continue;
        else if (hasText(piece.expression, 0)) add(piece.expression, depth + 1);
        else addOpaque(piece.expression, piece.start, piece.end);
      }
    } else {
      for (const [index, part] of composition.of.entries()) {
        if (index > 0) text += composition.separator;
        add(part, depth + 1);
      }
    }
  };

  const hasText = (given: SyntaxNode, depth: number): boolean => {
    if (isTooMuch(depth)) return false;
    const composition = compositionOf(source, bare(given));
    if (composition === "literal" || composition === "unknown") return composition === "literal";
    return composition.of.some((part) => hasText(part, depth + 1));
  };

  add(expression, 0);
  return {
    text,
    restore: (shown) =>
      shown.includes("__nix_")
        ? shown.replace(STAND_IN, (whole, index) => {
            const expression = opaque[Number(index)];
            return expression === undefined ? whole : `\${${expression}}`;
          })
        : shown,
    fileOffset: (offset) => offsetIn(runs, offset) ?? expression.start,
    cut,
    isComputed: (offset) => computed.some(({ start, end }) => start <= offset && offset < end),
  };
}

/** The runs of a literal's piece that stand in the file as they are: only indentation may be missing between them. */
function runsOf(source: string, piece: string, start: number, end: number): readonly Run[] {
  const raw = source.slice(start, end);
  if (raw === piece) return [{ at: 0, fileStart: start, length: piece.length }];
  const runs: Run[] = [];
  let at = 0;
  let from = 0;
  for (const line of piece.split(/(?<=\n)/)) {
    const body = line.trimStart();
    const found = body === "" ? from : raw.indexOf(body, from);
    const offset = found < 0 ? from : found;
    const indent = line.length - body.length;
    runs.push({ at, fileStart: start + Math.max(offset - indent, 0), length: line.length });
    at += line.length;
    from = Math.min(raw.length, offset + Math.max(body.length, 1));
  }
  return runs;
}

function offsetIn(runs: readonly Run[], offset: number): number | null {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((runs[middle]?.at ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const run = runs[low];
  return run ? run.fileStart + Math.max(0, Math.min(offset - run.at, run.length)) : null;
}

const scopes = nodeMemo<ReadonlyMap<string, SyntaxNode>>();

/** The expression that a name is bound to by an enclosing `let` or `rec`, when the text says so. */
export function boundTo(source: string, variable: SyntaxNode): SyntaxNode | null {
  const name = source.slice(variable.start, variable.end);
  for (let scope = variable.parent; scope; scope = scope.parent) {
    if (scope.type === "function_expression" && bindsArgument(source, scope, name)) return null;
    if (scope.type !== "let_expression" && scope.type !== "rec_attrset_expression") continue;
    const bound = namesOf(source, scope).get(name);
    if (bound) return bound;
  }
  return null;
}

/** Does a function, `let` or `rec` bind this name? */
export function bindsName(source: string, scope: SyntaxNode, name: string): boolean {
  switch (scope.type) {
    case "function_expression":
      return bindsArgument(source, scope, name);
    case "let_expression":
    case "rec_attrset_expression":
      return bindingsOf(scope).some((binding) =>
        binding.kind === "binding"
          ? attrNames(source, binding.attrpath)[0] === name
          : binding.names.some((each) => attrName(source, each) === name),
      );
    default:
      return false;
  }
}

function bindsArgument(source: string, node: SyntaxNode, name: string): boolean {
  return parts(node).some(
    (part) =>
      (part.type === "identifier" && source.slice(part.start, part.end) === name) ||
      (part.type === "formals" &&
        parts(part).some(
          (formal) =>
            formal.type === "formal" &&
            parts(formal)[0] !== undefined &&
            source.slice(formal.start, formal.end).split(/[\s?]/)[0] === name,
        )),
  );
}

function namesOf(source: string, scope: SyntaxNode): ReadonlyMap<string, SyntaxNode> {
  let names = scopes.get(scope);
  if (!names) {
    const map = new Map<string, SyntaxNode>();
    for (const binding of bindingsOf(scope)) {
      if (binding.kind !== "binding") continue;
      const [name, ...more] = attrNames(source, binding.attrpath);
      if (name && more.length === 0) map.set(name, binding.value);
    }
    names = map;
    scopes.set(scope, names);
  }
  return names;
}
