/** Names in scope: what `let`, `rec`, functions and `with` bind around a node. */
import type { Thunk, Value } from "./value.ts";

export interface Scope {
  /** The thunk that a name is bound to here or further out; undefined when no binder names it. */
  lookup(name: string): Thunk | undefined;
  /** The environments of the `with`s around, innermost first. */
  readonly withs: readonly Thunk[];
}

export const EMPTY_SCOPE: Scope = { lookup: () => undefined, withs: [] };

/** A scope that binds names over an outer one. `resolve` gives undefined for names that it does not bind. */
export function bind(outer: Scope, resolve: (name: string) => Thunk | undefined): Scope {
  return { lookup: (name) => resolve(name) ?? outer.lookup(name), withs: outer.withs };
}

/** The scope inside `with environment;`: it only adds names that no binder gives. */
export function bindWith(outer: Scope, environment: Thunk): Scope {
  return { lookup: outer.lookup, withs: [environment, ...outer.withs] };
}

/** What a `with` gives for a name: its value, `absent`, or `unsure` when the environment is not known. */
export function lookupWith(environment: Value, name: string): Thunk | "absent" | "unsure" {
  if (environment.kind !== "set") return "unsure";
  return environment.entries.get(name) ?? (environment.open ? "unsure" : "absent");
}
