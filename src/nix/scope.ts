/** Names in scope: what `let`, `rec`, functions and `with` bind around a node. */
import { type Thunk, unknown, type Value } from "./value.ts";

export interface Scope {
  /** The thunk that a name is bound to here or further out; undefined when no binder names it. */
  lookup(name: string): Thunk | undefined;
  /** The environments of the `with`s around, innermost first. */
  readonly withs: readonly Thunk[];
  /** How many binders are around. */
  readonly depth: number;
}

export const EMPTY_SCOPE: Scope = { lookup: () => undefined, withs: [], depth: 0 };

/** People nest some ten binders; a name is looked for in one after the other, which takes time and stack. */
const DEPTH_LIMIT = 200;
const TOO_DEEP: Scope = { lookup: (name) => () => unknown(name), withs: [], depth: DEPTH_LIMIT };

/** Whether there are so many binders around that names are not looked for. */
export function isTooDeep(scope: Scope): boolean {
  return scope === TOO_DEEP;
}

/** A scope that binds names over an outer one. `resolve` gives undefined for names that it does not bind. */
export function bind(outer: Scope, resolve: (name: string) => Thunk | undefined): Scope {
  if (outer.depth >= DEPTH_LIMIT) return TOO_DEEP;
  return {
    lookup: (name) => resolve(name) ?? outer.lookup(name),
    withs: outer.withs,
    depth: outer.depth + 1,
  };
}

/** The scope inside `with environment;`: it only adds names that no binder gives. */
export function bindWith(outer: Scope, environment: Thunk): Scope {
  if (outer.depth >= DEPTH_LIMIT) return TOO_DEEP;
  return { lookup: outer.lookup, withs: [environment, ...outer.withs], depth: outer.depth + 1 };
}

/** What a `with` gives for a name: its value, `absent`, or `unsure` when the environment is not known. */
export function lookupWith(environment: Value, name: string): Thunk | "absent" | "unsure" {
  if (environment.kind !== "set") return "unsure";
  return environment.entries.get(name) ?? (environment.open ? "unsure" : "absent");
}
