/** What the functions of the library share: reading arguments that may not be known. */
import { apply } from "../evaluate.ts";
import { type Session, spend } from "../session.ts";
import { knownText, type Thunk, textValue, unknown, type Value } from "../value.ts";

/** A library function. `undefined` as its answer: not enough is known. */
export interface Builtin {
  readonly arity: number;
  /** `text` is the application as it stands, for naming what stays unknown. */
  readonly run: (session: Session, args: readonly Thunk[], text: string) => Value | undefined | null;
}
export type Library = Readonly<Record<string, Builtin>>;

/** A function of two arguments, applied to both. */
export function applyTwo(session: Session, callee: Value, first: Thunk, second: Thunk, text: string): Value {
  return apply(session, apply(session, callee, first, text), second, text);
}

export function valueAt(args: readonly Thunk[], index: number): Value {
  return args[index]?.() ?? unknown("argument");
}

export function stringAt(args: readonly Thunk[], index: number): string | null {
  return knownText(valueAt(args, index));
}

export function numberAt(args: readonly Thunk[], index: number): number | null {
  const value = valueAt(args, index);
  return value.kind === "number" ? value.value : null;
}

/** The items of a list that is known to its end. */
export function itemsAt(args: readonly Thunk[], index: number): readonly Thunk[] | null {
  const value = valueAt(args, index);
  return value.kind === "list" && !value.open ? value.items : null;
}

/** The items of a list of known strings. */
export function stringsAt(args: readonly Thunk[], index: number): readonly string[] | null {
  return allKnown(itemsAt(args, index) ?? [null]);
}

function allKnown(thunks: readonly (Thunk | null)[]): readonly string[] | null {
  const texts: string[] = [];
  for (const thunk of thunks) {
    const text = thunk && knownText(thunk());
    if (text === null) return null;
    texts.push(text);
  }
  return texts;
}

/** The known strings that a function is given; null too when there are no steps left to go through them. */
function textsOf(session: Session, args: readonly Thunk[]): readonly string[] | null {
  const texts = allKnown(args);
  const size = texts?.reduce((sum, text) => sum + text.length, 0) ?? 0;
  return spend(session, size) ? texts : null;
}

/** A function from known strings to a string. */
export function ofStrings(arity: number, run: (...texts: string[]) => string | null): Builtin {
  return {
    arity,
    run: (session, args) => {
      const texts = textsOf(session, args);
      const result = texts && run(...texts);
      return result === null ? undefined : textValue(result);
    },
  };
}

/** A question about known strings. */
export function predicate(arity: number, run: (...texts: string[]) => boolean): Builtin {
  return {
    arity,
    run: (session, args) => {
      const texts = textsOf(session, args);
      return texts && { kind: "bool", value: run(...texts) };
    },
  };
}

/** A function that gives back one of its arguments. */
export function argument(arity: number, index: number): Builtin {
  return { arity, run: (_, args) => valueAt(args, index) };
}
