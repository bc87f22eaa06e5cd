/** Where a node stands in its file: the attribute path, the package and the conditions around it. */
import { appliedFunction, boundTo, codeText, lastName } from "./code-text.ts";
import type { Span } from "./model.ts";
import {
  attrName,
  attrNames,
  bare,
  bindingsOf,
  isAttrset,
  nodeMemo,
  parts,
  type SyntaxNode,
} from "./syntax.ts";

/** The names of the bindings around a node, outermost first; computed ones as `${…}`. */
export function attributePath(source: string, node: SyntaxNode): readonly string[] {
  const names: string[] = [];
  for (let up: SyntaxNode | null = node; up; up = up.parent) {
    if (up.type !== "binding") continue;
    const [path] = parts(up);
    if (path)
      names.unshift(...parts(path).map((attr) => attrName(source, attr) ?? computedName(source, attr)));
  }
  return names;
}

/** `${"post" + "Install"}` is postInstall; what the text does not decide is `${…}`. */
export function computedName(source: string, attr: SyntaxNode): string {
  const [inner] = attr.type === "interpolation" ? parts(attr) : [attr];
  const { text, restore } = inner ? codeText(source, inner) : { text: "", restore: (same: string) => same };
  return text !== "" && restore(text) === text ? text : "${…}";
}

/** The attribute set around a node that names a package (`pname`, or `name` or `version` beside a `src`). */
export function packageSpan(source: string, path: string, node: SyntaxNode): Span | null {
  for (let up = node.parent; up; up = up.parent) {
    if (isAttrset(up) && namesPackage(source, up)) return { path, start: up.start, end: up.end };
  }
  return null;
}

/** The function that takes the attribute set around a binding; "" when none does. */
export function appliedTo(source: string, binding: SyntaxNode): string {
  const set = binding.parent?.parent;
  let up = set?.parent;
  while (up && (up.type === "parenthesized_expression" || up.type === "function_expression")) up = up.parent;
  return up?.type === "apply_expression" ? lastName(source, appliedFunction(up)) : "";
}

const packages = nodeMemo<boolean>();

/** More bindings than any package has: a list of packages. To read all of its names takes as long as to parse it. */
const MOST_BINDINGS = 400;

function namesPackage(source: string, set: SyntaxNode): boolean {
  const bindings = set.children.find((child) => child.type === "binding_set");
  if (bindings && bindings.children.length > MOST_BINDINGS) return false;
  let known = packages.get(set);
  if (known === undefined) {
    const names = new Set<string>();
    for (const binding of bindingsOf(set)) {
      if (binding.kind === "binding") {
        const [name] = attrNames(source, binding.attrpath);
        if (name) names.add(name);
      } else {
        for (const attr of binding.names) names.add(attrName(source, attr) ?? "");
      }
    }
    known = names.has("pname") || (names.has("src") && (names.has("name") || names.has("version")));
    packages.set(set, known);
  }
  return known;
}

/** Functions whose first argument says whether the other holds. */
export const CONDITIONAL = new Set(["mkIf", "optional", "optionals", "optionalString", "optionalAttrs"]);

/**
 * The conditions between a node and the file's root, outermost first. For what is made of each element of a filtered list, the
 * filter is one.
 */
export function conditionsOf(source: string, node: SyntaxNode): readonly string[] {
  const conditions: string[] = [];
  let below = node;
  let isInFunction = false;
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "if_expression") {
      const [condition, yes] = parts(up);
      if (condition && condition !== below)
        conditions.unshift(below === yes ? textOf(source, condition) : `!(${textOf(source, condition)})`);
    } else if (up.type === "apply_expression" && CONDITIONAL.has(lastName(source, appliedFunction(up)))) {
      const [callee] = parts(up);
      const condition = callee?.type === "apply_expression" ? parts(callee).at(-1) : undefined;
      if (condition && condition !== below) conditions.unshift(textOf(source, condition));
    } else if (up.type === "apply_expression" && isInFunction) {
      const filter = filterOf(source, up, below);
      if (filter) conditions.unshift(textOf(source, filter));
    }
    isInFunction = up.type === "function_expression" || (isInFunction && up.type !== "binding");
    below = up;
  }
  return conditions;
}

const FILTERS = new Set(["filter", "filterAttrs"]);

/** The filter of the elements that a function is called for: `p` of `mapAttrsToList f (filterAttrs p set)`. */
function filterOf(source: string, call: SyntaxNode, below: SyntaxNode): SyntaxNode | undefined {
  const [callee, argument] = parts(call);
  // `map f list` is `(map f) list`, and `forEach list f` is `(forEach list) f`.
  const other =
    callee === below ? argument : callee?.type === "apply_expression" ? parts(callee)[1] : undefined;
  if (!other) return undefined;
  const named = bare(other);
  const elements = bare((named.type === "variable_expression" && boundTo(source, named)) || named);
  if (elements.type !== "apply_expression") return undefined;
  const isFiltered = FILTERS.has(lastName(source, appliedFunction(elements)));
  const [filtering] = parts(elements);
  return isFiltered && filtering?.type === "apply_expression" ? parts(filtering)[1] : undefined;
}

/** In characters; a text that is cut has one more. */
export const LONGEST_TEXT = 4_000;

/** What stands right behind what is before it; a path such as `./x` does not. */
const GLUED = /^(?:[;,)\]}:]|\.+$)/;

/** The source text of a node without comments and needless white space, cut when very long. */
export function textOf(source: string, node: SyntaxNode): string {
  let text = "";
  // Its last character: to ask a text that grows for it takes the time to put it together.
  let last = "";
  const add = (part: SyntaxNode): void => {
    if (part.type === "comment" || text.length > LONGEST_TEXT) return;
    if (part.type.endsWith("string_expression") || part.children.length === 0) {
      const piece = source.slice(part.start, part.end);
      const glued = text === "" || ".([{!".includes(last) || GLUED.test(piece);
      text += (glued ? "" : " ") + piece;
      last = piece.at(-1) ?? (glued ? last : " ");
    } else for (const child of part.children) add(child);
  };
  add(bare(node));
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
