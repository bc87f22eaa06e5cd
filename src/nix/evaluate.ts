/**
 * Static evaluation: a lazy, partial interpreter of the Nix language over the syntax tree. It answers what a
 * source pin needs (strings, sets, calls) and says `unknown` for the rest. It reads files of the same side
 * through `SourceFiles` and nothing else.
 */
import { argumentKey, functionScope, OVERRIDES, overridesAttrs, recursiveScope, scopeAt } from "./binders.ts";
import { applyBuiltin, isBuiltin } from "./library/index.ts";
import { binary } from "./operators.ts";
import { platformFact } from "./platform.ts";
import { bindWith, isTooDeep, lookupWith, type Scope } from "./scope.ts";
import { choose, DEPTH_LIMIT, decide, type Session, STEP_LIMIT, snippet } from "./session.ts";
import { computedName, entriesOf, setLiteral } from "./sets.ts";
import { directoryOf, normalPath, type SourceFile } from "./source-file.ts";
import { attrName, parts, type SyntaxNode, stringPieces } from "./syntax.ts";
import {
  type CallValue,
  concatenate,
  type SetValue,
  type Thunk,
  TOO_LONG,
  textValue,
  unknown,
  type Value,
} from "./value.ts";

/** What an expression evaluates to where it stands; worked out once a session. */
export function evaluateAt(session: Session, file: SourceFile, node: SyntaxNode): Value {
  let value = session.values.get(node);
  if (!value) {
    value = evaluate(session, file, node, scopeAt(session, file, node));
    session.values.set(node, value);
  }
  return value;
}

/** Evaluates an expression in a scope. */
export function evaluate(session: Session, file: SourceFile, node: SyntaxNode, scope: Scope): Value {
  session.isCut ||= session.depth > DEPTH_LIMIT || isTooDeep(scope);
  if (++session.steps > STEP_LIMIT || session.depth > DEPTH_LIMIT) return unknown(snippet(file, node));
  session.depth++;
  try {
    const value = evaluateNode(session, file, node, scope);
    session.isCut ||= value === TOO_LONG;
    return value;
  } finally {
    session.depth--;
  }
}

/** The value of an expression in a scope, worked out once; one that needs itself is unknown. */
export function thunk(
  session: Session,
  file: SourceFile,
  node: SyntaxNode,
  scope: Scope,
  name?: string,
): Thunk {
  // As `lazy`, in one closure: there is one for each argument and attribute.
  let value: Value | undefined;
  let running = false;
  return () => {
    if (value) return value;
    if (running) return unknown(name ?? snippet(file, node));
    running = true;
    try {
      value = evaluate(session, file, node, scope);
    } finally {
      running = false;
    }
    return value;
  };
}

function evaluateNode(session: Session, file: SourceFile, node: SyntaxNode, scope: Scope): Value {
  const inner = parts(node);
  const first = inner[0];
  const second = inner[1];
  switch (node.type) {
    case "parenthesized_expression":
    case "source_code":
      return first ? evaluate(session, file, first, scope) : asItStands(file, node);
    case "variable_expression":
      return variable(session, file.text.slice(node.start, node.end), scope);
    case "string_expression":
    case "indented_string_expression":
      return stringValue(session, file, node, scope);
    case "uri_expression":
      return textValue(file.text.slice(node.start, node.end), { file, start: node.start, end: node.end });
    case "integer_expression":
      return { kind: "number", value: Number(file.text.slice(node.start, node.end)) };
    case "path_expression":
      return pathValue(file, node);
    case "list_expression":
      return { kind: "list", items: inner.map((item) => thunk(session, file, item, scope)), open: false };
    case "attrset_expression":
      return setLiteral(file, node, entriesOf(session, file, node, scope, scope));
    case "rec_attrset_expression":
      return setLiteral(file, node, recursiveScope(session, file, node, scope));
    case "let_attrset_expression": {
      const body = recursiveScope(session, file, node, scope).entries.get("body");
      return body ? body() : asItStands(file, node);
    }
    case "let_expression": {
      const body = inner.at(-1);
      return body && body.type !== "binding_set"
        ? evaluate(session, file, body, recursiveScope(session, file, node, scope).scope)
        : asItStands(file, node);
    }
    case "with_expression":
      return first && second
        ? evaluate(session, file, second, bindWith(scope, thunk(session, file, first, scope)))
        : asItStands(file, node);
    case "assert_expression":
      return second ? evaluate(session, file, second, scope) : asItStands(file, node);
    case "function_expression":
      return { kind: "function", file, node, scope };
    case "apply_expression":
      if (!first || !second) return asItStands(file, node);
      return apply(
        session,
        evaluate(session, file, first, scope),
        thunk(session, file, second, scope),
        snippet(file, node),
      );
    case "select_expression": {
      if (!first || !second) return asItStands(file, node);
      const third = inner[2];
      const fallback = third && thunk(session, file, third, scope);
      return selectPath(session, file, evaluate(session, file, first, scope), second, scope, fallback, node);
    }
    case "has_attr_expression": {
      const name = second && attrName(file.text, second.children[0] ?? second);
      const target = first && asSet(session, evaluate(session, file, first, scope));
      if (!target || name === null || name === undefined || parts(second as SyntaxNode).length > 1)
        return asItStands(file, node);
      if (target.entries.has(name)) return { kind: "bool", value: true };
      return target.open ? asItStands(file, node) : { kind: "bool", value: false };
    }
    case "if_expression": {
      const third = inner[2];
      if (!first || !second || !third) return asItStands(file, node);
      const taken = decide(session, evaluate(session, file, first, scope), snippet(file, first));
      if (taken === undefined) return asItStands(file, node);
      return evaluate(session, file, taken ? second : third, scope);
    }
    case "unary_expression": {
      const operand = first && evaluate(session, file, first, scope);
      const operator = node.children[0]?.type;
      if (operator === "!" && operand?.kind === "bool") return { kind: "bool", value: !operand.value };
      if (operator === "-" && operand?.kind === "number") return { kind: "number", value: -operand.value };
      return asItStands(file, node);
    }
    case "binary_expression":
      return first && second
        ? binary(session, file, node, thunk(session, file, first, scope), thunk(session, file, second, scope))
        : asItStands(file, node);
    default:
      return asItStands(file, node);
  }
}

function asItStands(file: SourceFile, node: SyntaxNode): Value {
  return unknown(snippet(file, node));
}

const GLOBALS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", { kind: "bool", value: true }],
  ["false", { kind: "bool", value: false }],
  ["null", { kind: "null" }],
]);

/** The functions that are in scope everywhere: `with` does not shadow them. */
const GLOBAL_FUNCTIONS: ReadonlySet<string> = new Set([
  "baseNameOf",
  "builtins",
  "derivation",
  "dirOf",
  "fetchGit",
  "fetchTarball",
  "fetchTree",
  "import",
  "map",
  "removeAttrs",
  "scopedImport",
  "throw",
  "toString",
]);

export function variable(session: Session, name: string, scope: Scope): Value {
  const bound = scope.lookup(name);
  if (bound) return bound();
  const global = GLOBALS.get(name);
  if (global) return global;
  if (GLOBAL_FUNCTIONS.has(name)) return unknown(name, [name]);
  for (const environment of scope.withs) {
    const around = environment();
    const found = lookupWith(asSet(session, around) ?? around, name);
    if (found === "unsure") return platformName(session, around, name) ?? unknown(name, [name]);
    if (found !== "absent") return found();
  }
  return unknown(name, [name]);
}

/** `with stdenv.hostPlatform.go; GOOS`: a name that the platform decides; null: it does not. */
function platformName(session: Session, around: Value, name: string): Value | null {
  if (around.kind !== "unknown" || around.path.length === 0) return null;
  return factOf(session, [...around.path, name]);
}

/** What the platform that is assumed says by a name; null: nothing. */
function factOf(session: Session, path: readonly string[]): Value | null {
  const fact = platformFact(path, session.assumed.get("system"));
  if (fact) session.isOfPlatform = true;
  return fact;
}

export function stringValue(session: Session, file: SourceFile, node: SyntaxNode, scope: Scope): Value {
  const pieces = stringPieces(file.text, node);
  const origin = { file, start: node.start, end: node.end };
  if (pieces.every((piece) => piece.kind === "text")) {
    return textValue(pieces.map((piece) => piece.text).join(""), origin);
  }
  return concatenate(
    pieces.map((piece) =>
      piece.kind === "text"
        ? textValue(piece.text, { file, start: piece.start, end: piece.end })
        : coerced(session, evaluate(session, file, piece.expression, scope)),
    ),
  );
}

/** A value as it is put into a string: for a set with `__toString`, what that gives. */
export function coerced(session: Session, value: Value): Value {
  const toText = value.kind === "set" ? value.entries.get("__toString") : undefined;
  return toText ? apply(session, toText(), () => value, "__toString") : value;
}

function pathValue(file: SourceFile, node: SyntaxNode): Value {
  const text = file.text.slice(node.start, node.end);
  const path =
    text.startsWith("/") || text.includes("${") ? null : normalPath(`${directoryOf(file.path)}/${text}`);
  return path === null ? unknown(snippet(file, node)) : { kind: "path", path };
}

function selectPath(
  session: Session,
  file: SourceFile,
  from: Value,
  attrpath: SyntaxNode,
  scope: Scope,
  fallback: Thunk | undefined,
  node: SyntaxNode,
): Value {
  let value = from;
  for (const attr of parts(attrpath)) {
    let name = attrName(file.text, attr) ?? computedName(session, file, attr, scope);
    if (name === null) {
      // The set is known, the name is not: any of its attributes, as in `hashes.${system}`.
      const options = asSet(session, value);
      if (!options || options.entries.size === 0) return unknown(snippet(file, node));
      name = choose(session, selectorKey(session, file, attr, scope), [...options.entries.keys()]) ?? null;
      if (name === null) return unknown(snippet(file, node));
    }
    const target = asSet(session, value);
    const entry = target?.entries.get(name);
    if (!entry && target && !target.open && fallback) return fallback();
    if (!entry && value.kind === "unknown" && fallback) {
      if (value.path.length === 0) return unknown(snippet(file, node));
      // The user's settings are empty where packages are built for everybody.
      if (value.path.length === 1 && value.path[0] === "config") return fallback();
    }
    value = entry ? entry() : select(session, value, name, snippet(file, node));
  }
  return value;
}

function selectorKey(session: Session, file: SourceFile, attr: SyntaxNode, scope: Scope): string {
  const expression = selectorOf(file, attr);
  const value = expression && evaluate(session, file, expression, scope);
  return keyOfSelector(value, snippet(file, attr));
}

/** The expression in `.${system}` and in `."${system}"`. */
function selectorOf(file: SourceFile, attr: SyntaxNode): SyntaxNode | undefined {
  if (attr.type !== "string_expression") return parts(attr)[0];
  const [piece, ...others] = stringPieces(file.text, attr);
  return piece?.kind === "expression" && others.length === 0 ? piece.expression : undefined;
}

/**
 * The key of the choice that a computed attribute name is. Selectors that must agree have one key: every spelling of the build
 * platform is `system`, and an argument's is the key under which the argument itself is assumed.
 */
export function keyOfSelector(selector: Value | undefined, text: string): string {
  if (selector?.kind !== "unknown") return text;
  if (selector.path.at(-1) === "system") return "system";
  const [name, ...deeper] = selector.path;
  return name !== undefined && deeper.length === 0 ? argumentKey(name) : selector.text;
}

/** `value.name`, for one known name. */
export function select(session: Session, value: Value, name: string, text: string): Value {
  if (value.kind === "unknown") {
    if (value.path.length === 0) return unknown(text);
    const path = [...value.path, name];
    const { taker } = value;
    // What a table is asked for, `hashes.${stdenv.hostPlatform.rust.rustcTarget}`, is the same wherever its path stands.
    const assumed = session.assumed.size > 0 ? session.assumed.get(path.join(".")) : undefined;
    const known =
      factOf(session, path) ??
      (assumed === undefined ? null : textValue(assumed)) ??
      (taker === undefined ? null : session.files.elsewhere?.(path, taker));
    return known ?? unknown(path.join("."), path, taker);
  }
  if (value.kind === "call" && (name === "override" || OVERRIDES.has(name))) {
    return { kind: "builtin", name, arguments: [() => value] };
  }
  const entry = asSet(session, value)?.entries.get(name);
  return entry ? entry() : unknown(text);
}

/** The attributes that a value shows: a set's own, or those that a call was given. */
export function asSet(session: Session, value: Value): SetValue | null {
  if (value.kind === "set") return value;
  return value.kind === "call" ? callAttributes(session, value) : null;
}

/** `mkDerivation { … }` shows what it was given; `mkDerivation (finalAttrs: { … })` is given itself. */
function callAttributes(session: Session, call: CallValue): SetValue | null {
  if (call.attributes !== undefined) return call.attributes;
  // What a call is given may ask for the call itself, which shows nothing yet.
  call.attributes = null;
  let known: SetValue | null | undefined;
  try {
    let argument = call.argument();
    if (argument.kind === "function" || argument.kind === "builtin")
      argument = apply(session, argument, () => call, call.text);
    // `finalAttrs: previousAttrs: { … }`, over something that is not known.
    if (argument.kind === "function" && overridesAttrs(call.name))
      argument = apply(session, argument, () => unknown("previousAttrs"), call.text);
    known = asSet(session, argument);
    return known;
  } finally {
    // Undefined when a file must be loaded first: then it is worked out again.
    call.attributes = known;
  }
}

/** Applies a function to an argument. */
export function apply(session: Session, callee: Value, argument: Thunk, text: string): Value {
  switch (callee.kind) {
    case "function": {
      const body = parts(callee.node).at(-1);
      if (!body) return unknown(text);
      return evaluate(
        session,
        callee.file,
        body,
        functionScope(session, callee.file, callee.node, argument, callee.scope),
      );
    }
    case "builtin":
      return applyBuiltin(session, callee.name, [...callee.arguments, argument], text);
    case "unknown": {
      const name = callee.path.at(-1) ?? null;
      if (name !== null && isBuiltin(callee.path)) return applyBuiltin(session, name, [argument], text);
      return { kind: "call", name, text, argument };
    }
    case "call":
      return { kind: "call", name: callee.name, text, argument };
    default:
      return unknown(text);
  }
}
