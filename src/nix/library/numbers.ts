/** Numbers: those that Nix has functions for, and `lib.toInt`. Whole ones only, as Nix's are in recipes. */
import { apply } from "../evaluate.ts";
import { type Session, spend } from "../session.ts";
import { LIST_LIMIT, list, TOO_LONG, type Value } from "../value.ts";
import { type Builtin, type Library, numberAt, stringAt, valueAt } from "./support.ts";

/** A number as a value; undefined where JavaScript does not have it exactly. */
function numberValue(value: number): Value | undefined {
  return Number.isSafeInteger(value) ? { kind: "number", value } : undefined;
}

/** What `+`, `-`, `*` and `/` of Nix make of two whole numbers. */
export function calculate(operator: string, a: number, b: number): Value | undefined {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return undefined;
  switch (operator) {
    case "+":
      return numberValue(a + b);
    case "-":
      return numberValue(a - b);
    case "*":
      return numberValue(a * b);
    case "/":
      return b === 0 ? undefined : numberValue(Math.trunc(a / b));
    default:
      return undefined;
  }
}

const calculation = (operator: string): Builtin => ({
  arity: 2,
  run: (_, args) => {
    const [a, b] = [numberAt(args, 0), numberAt(args, 1)];
    return a === null || b === null ? undefined : calculate(operator, a, b);
  },
});

const chosen = (pick: (a: number, b: number) => number): Builtin => ({
  arity: 2,
  run: (_, args) => {
    const [a, b] = [numberAt(args, 0), numberAt(args, 1)];
    return a === null || b === null ? undefined : numberValue(pick(a, b));
  },
});

const parsed = (pattern: RegExp): Builtin => ({
  arity: 1,
  run: (_, args) => {
    const digits = pattern.exec(stringAt(args, 0) ?? "")?.[1];
    return digits === undefined ? undefined : numberValue(Number(digits));
  },
});

/** A list of so many items, each made of its place. */
function counted(session: Session, count: number | null, make: (index: number) => Value): Value | undefined {
  if (count === null || count < 0) return undefined;
  if (count > LIST_LIMIT) return TOO_LONG;
  return spend(session, count * 64)
    ? list(Array.from({ length: count }, (_, index) => make(index)))
    : undefined;
}

export const NUMBERS: Library = {
  add: calculation("+"),
  sub: calculation("-"),
  mul: calculation("*"),
  div: calculation("/"),
  mod: chosen((a, b) => a % b),
  min: chosen(Math.min),
  max: chosen(Math.max),
  // A zero in front is refused: it could mean base 8.
  toInt: parsed(/^\s{0,99}(-?(?:0|[1-9]\d{0,15}))\s{0,99}$/),
  toIntBase10: parsed(/^\s{0,99}(-?\d{1,16})\s{0,99}$/),
  range: {
    arity: 2,
    run: (session, args) => {
      const [first, last] = [numberAt(args, 0), numberAt(args, 1)];
      if (first === null || last === null) return undefined;
      return counted(session, Math.max(0, last - first + 1), (index) => ({
        kind: "number",
        value: first + index,
      }));
    },
  },
  genList: {
    arity: 2,
    run: (session, args, text) => {
      const item = (index: number) =>
        apply(session, valueAt(args, 0), () => ({ kind: "number", value: index }), text);
      return counted(session, numberAt(args, 1), item);
    },
  },
  replicate: {
    arity: 2,
    run: (session, args) => counted(session, numberAt(args, 0), () => valueAt(args, 1)),
  },
};
