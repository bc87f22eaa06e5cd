/** What the binders of the language put in scope: `let`, `rec`, function arguments, `with`. */
import { asSet, evaluate, evaluateAt, thunk } from "./evaluate.ts";
import { bind, bindWith, EMPTY_SCOPE, type Scope } from "./scope.ts";
import { type Session, snippet } from "./session.ts";
import { entriesOf } from "./sets.ts";
import type { SourceFile } from "./source-file.ts";
import { parts, type SyntaxNode } from "./syntax.ts";
import { lazy, type Thunk, textValue, unknown, type Value } from "./value.ts";

/** The scope around a node: what the binders between it and the root of its file bind. */
export function scopeAt(session: Session, file: SourceFile, node: SyntaxNode): Scope {
  const binders: SyntaxNode[] = [];
  for (let child = node, up = node.parent; up; child = up, up = up.parent) {
    if (binds(up, child)) binders.push(up);
  }
  let scope = EMPTY_SCOPE;
  for (const binder of binders.reverse()) {
    const outer = scope;
    scope = session.scopes.get(binder) ?? innerScope(session, file, binder, outer);
    session.scopes.set(binder, scope);
  }
  return scope;
}

function binds(binder: SyntaxNode, child: SyntaxNode): boolean {
  switch (binder.type) {
    case "let_expression":
    case "rec_attrset_expression":
    case "let_attrset_expression":
    case "function_expression":
      return true;
    case "with_expression":
      return parts(binder).at(-1) === child;
    default:
      return false;
  }
}

function innerScope(session: Session, file: SourceFile, binder: SyntaxNode, outer: Scope): Scope {
  switch (binder.type) {
    case "with_expression": {
      const [environment] = parts(binder);
      return environment ? bindWith(outer, thunk(session, file, environment, outer, "with")) : outer;
    }
    case "function_expression": {
      const argument = lazy(
        () => argumentHere(session, file, binder),
        () => snippet(file, binder),
      );
      return functionScope(session, file, binder, argument, outer);
    }
    default:
      return recursiveScope(session, file, binder, outer).scope;
  }
}

/** The choice that stands for an argument which the text does not give, whatever its default. */
export function argumentKey(name: string): string {
  return `argument ${name}`;
}

function assumedValue(option: string): Value {
  return option === "true" || option === "false"
    ? { kind: "bool", value: option === "true" }
    : textValue(option);
}

/** What a function literal is called with where it stands, as `finalAttrs` in `mkDerivation (finalAttrs: { … })`. */
function argumentHere(session: Session, file: SourceFile, node: SyntaxNode, isOuter = true): Value {
  let child = node;
  let up = node.parent;
  while (up?.type === "parenthesized_expression") {
    child = up;
    up = up.parent;
  }
  // Of `finalAttrs: previousAttrs: { … }`, both are given what is around.
  if (up?.type === "function_expression" && parts(up).at(-1) === child)
    return argumentHere(session, file, up, false);
  const [callee, argument] = up?.type === "apply_expression" ? parts(up) : [];
  if (!up || !callee || argument !== child) return unknown(snippet(file, node));
  const called = evaluateAt(session, file, callee);
  // The first of two arguments is what comes of an override; the last, and a single one, is what it changes.
  const isFinal = isOuter && parts(node).at(-1)?.type === "function_expression";
  if (called.kind === "builtin" && OVERRIDES.has(called.name) && !isFinal)
    return called.arguments[0]?.() ?? called;
  if (called.kind === "unknown" && overridesAttrs(called.path.at(-1)) && !isFinal)
    return unknown(snippet(file, node));
  const value = evaluateAt(session, file, up);
  const isLibrary = called.kind === "builtin" || (called.kind === "unknown" && called.path.at(-1) === "fix");
  return value.kind === "call" || isLibrary ? value : unknown(snippet(file, node));
}

export const OVERRIDES = new Set(["overrideAttrs", "overrideDerivation"]);

/** Whether a function of a name changes the attributes of a package: `overrideAttrs`, `overridePythonAttrs` and their like. */
export function overridesAttrs(name: string | null | undefined): boolean {
  return /^override\w*Attrs$/.test(name ?? "");
}

export function recursiveScope(session: Session, file: SourceFile, node: SyntaxNode, outer: Scope) {
  let entries: ReadonlyMap<string, Thunk> = new Map();
  const scope = bind(outer, (name) => entries.get(name));
  const made = entriesOf(session, file, node, scope, outer);
  entries = made.entries;
  return { scope, ...made };
}

export function functionScope(
  session: Session,
  file: SourceFile,
  node: SyntaxNode,
  argument: Thunk,
  outer: Scope,
): Scope {
  const bound = new Map<string, Thunk>();
  const scope = bind(outer, (name) => bound.get(name));
  for (const part of parts(node)) {
    if (part.type === "identifier") {
      const name = file.text.slice(part.start, part.end);
      bound.set(
        name,
        lazy(() => {
          const given = argument();
          return given.kind === "unknown" ? unknown(name, [name]) : given;
        }, name),
      );
    } else if (part.type === "formals") {
      for (const formal of parts(part)) {
        const identifier = parts(formal)[0];
        if (formal.type !== "formal" || !identifier) continue;
        const name = file.text.slice(identifier.start, identifier.end);
        const given = lazy(() => {
          const own = asSet(session, argument())?.entries.get(name);
          return own ? own() : missing(session, file, formal, name, scope);
        }, name);
        bound.set(name, given);
      }
    } else if (part.type === ":") break;
  }
  return scope;
}

/** The value of an argument that is not given. */
function missing(session: Session, file: SourceFile, formal: SyntaxNode, name: string, scope: Scope): Value {
  const assumed = session.assumed.get(argumentKey(name));
  if (assumed !== undefined) return assumedValue(assumed);
  const fallback = parts(formal)[1];
  const value = fallback && evaluate(session, file, fallback, scope);
  // `fetchurl ? null`: without it there would be no package.
  if (value && (value.kind !== "null" || !ALWAYS_GIVEN.test(name))) return value;
  const isOfFile = formal.parent?.parent?.parent?.type === "source_code";
  return unknown(name, [name], isOfFile ? file.path : undefined);
}

const ALWAYS_GIVEN = /^(?:lib|pkgs|stdenv(?:NoCC)?|fetch[A-Za-z0-9]*)$/;
