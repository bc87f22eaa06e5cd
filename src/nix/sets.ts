/** Attribute sets: the attributes that a literal or `let` binds, and `//`. */
import { addTo } from "../lists.ts";
import { asSet, evaluate, select, stringValue, thunk, variable } from "./evaluate.ts";
import type { Scope } from "./scope.ts";
import { type Session, snippet } from "./session.ts";
import type { SourceFile } from "./source-file.ts";
import { attrName, type Binding, bindingsOf, parts, type SyntaxNode } from "./syntax.ts";
import { knownText, lazy, type SetValue, type Thunk, unknown } from "./value.ts";

export function setLiteral(
  file: SourceFile,
  node: SyntaxNode,
  made: { readonly entries: ReadonlyMap<string, Thunk>; readonly open: boolean },
): SetValue {
  return {
    kind: "set",
    entries: made.entries,
    open: made.open,
    literal: { file, start: node.start, end: node.end },
  };
}

/** The attributes that a set literal or `let` binds. `inner` is the scope of values, `outer` that of `inherit x`. */
export function entriesOf(session: Session, file: SourceFile, node: SyntaxNode, inner: Scope, outer: Scope) {
  const entries = new Map<string, Thunk>();
  // `a.b = …; a.c = …;` together make the set `a`.
  const nested = new Map<string, { rest: readonly SyntaxNode[]; value: SyntaxNode }[]>();
  let open = false;
  const nameOf = (attr: SyntaxNode) => attrName(file.text, attr) ?? computedName(session, file, attr, inner);
  const bindings = bindingsOf(node);
  // A session that looks at a list of thousands has little time for others.
  session.steps += bindings.length >> 4;
  for (const binding of bindings) {
    switch (binding.kind) {
      case "binding": {
        const path = parts(binding.attrpath);
        const name = path[0] ? nameOf(path[0]) : null;
        if (name === null) open = true;
        else if (path.length === 1) {
          entries.set(name, thunk(session, file, binding.value, inner, name));
        } else {
          addTo(nested, name, { rest: path.slice(1), value: binding.value });
        }
        break;
      }
      case "inherit":
        for (const attr of binding.names) {
          const name = nameOf(attr);
          if (name !== null)
            entries.set(
              name,
              lazy(() => variable(session, name, outer), name),
            );
        }
        break;
      case "inherit-from":
        inheritFrom(session, file, binding, inner, entries);
        break;
    }
  }
  for (const [name, group] of nested) {
    const whole = entries.get(name);
    entries.set(
      name,
      lazy(() => {
        const deeper = nestedSet(session, file, group, inner);
        const plain = whole && asSet(session, whole());
        return plain ? update(plain, deeper) : deeper;
      }, name),
    );
  }
  return { entries, open };
}

function inheritFrom(
  session: Session,
  file: SourceFile,
  binding: Extract<Binding, { kind: "inherit-from" }>,
  scope: Scope,
  entries: Map<string, Thunk>,
): void {
  const from = thunk(session, file, binding.from, scope);
  for (const attr of binding.names) {
    const name = attrName(file.text, attr);
    if (name === null) continue;
    entries.set(
      name,
      lazy(() => select(session, from(), name, `${snippet(file, binding.from)}.${name}`), name),
    );
  }
}

function nestedSet(
  session: Session,
  file: SourceFile,
  group: readonly { readonly rest: readonly SyntaxNode[]; readonly value: SyntaxNode }[],
  scope: Scope,
): SetValue {
  const entries = new Map<string, Thunk>();
  let open = false;
  for (const { rest, value } of group) {
    const [attr, ...deeper] = rest;
    const name = attr ? (attrName(file.text, attr) ?? computedName(session, file, attr, scope)) : null;
    if (name === null) {
      open = true;
      continue;
    }
    const known = entries.get(name);
    const made: Thunk = lazy(() => {
      if (deeper.length === 0) return evaluate(session, file, value, scope);
      const inner = nestedSet(session, file, [{ rest: deeper, value }], scope);
      const before = known && asSet(session, known());
      return before ? update(before, inner) : inner;
    }, name);
    entries.set(name, made);
  }
  return { kind: "set", entries, open, literal: null };
}

export function computedName(
  session: Session,
  file: SourceFile,
  attr: SyntaxNode,
  scope: Scope,
): string | null {
  if (attr.type === "string_expression") return knownText(stringValue(session, file, attr, scope));
  const [expression] = attr.type === "interpolation" ? parts(attr) : [];
  return expression ? knownText(evaluate(session, file, expression, scope)) : null;
}

/** `left // right`. What stands on both sides is unknown where the right side is only `conditional`. */
export function update(left: SetValue, right: SetValue): SetValue {
  const entries = new Map(left.entries);
  for (const [name, value] of right.entries) {
    entries.set(name, right.conditional && left.entries.has(name) ? () => unknown(name) : value);
  }
  return {
    kind: "set",
    entries,
    open: left.open || right.open,
    literal: left.literal ?? right.literal,
  };
}
