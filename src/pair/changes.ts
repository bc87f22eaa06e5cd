/** Pairing of facts that have a name: what the base had with what the head has. */
import type { Side } from "../change/change.ts";
import { addTo } from "../lists.ts";

/** A fact that differs between the two sides. `moved`: the same fact, in another file. */
export type Paired<T> =
  | { readonly change: "added"; readonly before: null; readonly after: T }
  | { readonly change: "removed"; readonly before: T; readonly after: null }
  | { readonly change: "changed" | "moved"; readonly before: T; readonly after: T };

/** Gives the path that a fact of either side has in the head. `renames`: a base path to its head path. */
export function headPaths(
  renames: ReadonlyMap<string, string>,
): (fact: { readonly path: string }, side: Side) => string {
  return ({ path }, side) => (side === "base" ? (renames.get(path) ?? path) : path);
}

/**
 * Pairs facts. `keys` name a fact, from the most to the least exact; facts that share one are paired in order.
 * `same` pairs are left out.
 */
export function pairByKeys<T extends { readonly path: string }>(
  base: readonly T[],
  head: readonly T[],
  keys: readonly ((fact: T, side: Side) => string)[],
  same: (before: T, after: T) => boolean,
): readonly Paired<T>[] {
  const partners = new Map<T, T>();
  const taken = new Set<T>();
  for (const keyOf of keys) {
    if (taken.size === base.length || taken.size === head.length) break;
    const waiting = new Map<string, T[]>();
    for (const fact of base) if (!taken.has(fact)) addTo(waiting, keyOf(fact, "base"), fact);
    for (const queue of waiting.values()) queue.reverse();
    for (const fact of head) {
      if (partners.has(fact)) continue;
      const partner = waiting.get(keyOf(fact, "head"))?.pop();
      if (!partner) continue;
      partners.set(fact, partner);
      taken.add(partner);
    }
  }
  const changes: Paired<T>[] = [];
  for (const fact of base)
    if (!taken.has(fact)) changes.push({ change: "removed", before: fact, after: null });
  for (const after of head) {
    const before = partners.get(after);
    if (!before) changes.push({ change: "added", before: null, after });
    else if (!same(before, after)) {
      changes.push({ change: before.path === after.path ? "changed" : "moved", before, after });
    }
  }
  return changes;
}
