/** The operators of the language. */
import { asSet, coerced } from "./evaluate.ts";
import { calculate } from "./library/numbers.ts";
import { charge, type Session, snippet } from "./session.ts";
import { update } from "./sets.ts";
import { normalPath, type SourceFile } from "./source-file.ts";
import type { SyntaxNode } from "./syntax.ts";
import { concatenate, knownText, LIST_LIMIT, type Thunk, TOO_LONG, unknown, type Value } from "./value.ts";

export function binary(
  session: Session,
  file: SourceFile,
  node: SyntaxNode,
  left: Thunk,
  right: Thunk,
): Value {
  const operator = node.children.find((child) => !child.isNamed)?.type ?? "";
  const here = () => unknown(snippet(file, node));
  switch (operator) {
    case "+": {
      const a = left();
      const b = right();
      if (a.kind === "number" && b.kind === "number") return calculate("+", a.value, b.value) ?? here();
      if (a.kind === "path") {
        const path = knownText(b) === null ? null : normalPath(a.path + knownText(b));
        return path === null ? here() : { kind: "path", path };
      }
      return a.kind === "text" || b.kind === "text"
        ? concatenate([coerced(session, a), coerced(session, b)])
        : here();
    }
    case "//": {
      const b = right();
      const a = left();
      const above = asSet(session, b);
      const below = asSet(session, a);
      if (above && below) return charge(session, update(below, above));
      const known = above ?? below;
      return known ? { ...known, open: true } : here();
    }
    case "++": {
      const a = left();
      const b = right();
      if (a.kind !== "list" && b.kind !== "list") return here();
      const items = [a, b].flatMap((side) => (side.kind === "list" ? side.items : []));
      if (items.length > LIST_LIMIT) return TOO_LONG;
      return charge(session, {
        kind: "list",
        items,
        open: [a, b].some((side) => side.kind !== "list" || side.open),
      });
    }
    case "&&":
    case "||": {
      const a = left();
      if (a.kind === "bool" && a.value === (operator === "||")) return a;
      const b = right();
      if (b.kind === "bool" && b.value === (operator === "||")) return b;
      return a.kind === "bool" && b.kind === "bool" ? b : here();
    }
    case "==":
    case "!=": {
      const same = equal(left(), right());
      return same === undefined ? here() : { kind: "bool", value: same === (operator === "==") };
    }
    case "->": {
      const a = left();
      if (a.kind === "bool" && !a.value) return { kind: "bool", value: true };
      const b = right();
      return b.kind === "bool" && (b.value || a.kind === "bool") ? b : here();
    }
    case "-":
    case "*":
    case "/": {
      const [a, b] = [left(), right()];
      const both = a.kind === "number" && b.kind === "number";
      return (both && calculate(operator, a.value, b.value)) || here();
    }
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const order = ordered(left(), right());
      if (order === undefined) return here();
      const isSo = order === 0 ? operator.length === 2 : order < 0 === operator.startsWith("<");
      return { kind: "bool", value: isSo };
    }
    default:
      return here();
  }
}

/** How two numbers or texts stand to each other; undefined where it is not known. */
function ordered(a: Value, b: Value): -1 | 0 | 1 | undefined {
  if (a.kind === "number" && b.kind === "number") return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
  const [x, y] = [knownText(a), knownText(b)];
  // Nix compares bytes.
  if (x === null || y === null || /[^\0-\x7f]/.test(x + y)) return undefined;
  return x < y ? -1 : x > y ? 1 : 0;
}

function equal(a: Value, b: Value): boolean | undefined {
  const [x, y] = [knownText(a), knownText(b)];
  if (x !== null && y !== null) return x === y;
  if (a.kind === "number" && b.kind === "number") return a.value === b.value;
  if (a.kind === "bool" && b.kind === "bool") return a.value === b.value;
  const decided = (v: Value) =>
    v.kind !== "unknown" && v.kind !== "call" && !(v.kind === "text" && knownText(v) === null);
  if ((a.kind === "null" || b.kind === "null") && decided(a) && decided(b)) return a.kind === b.kind;
  return undefined;
}
