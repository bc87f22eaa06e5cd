/** Pairing of facts that have a name: what the base had with what the head has. */

/** A fact that differs between the two sides. `moved`: the same fact, in another file. */
export type Paired<T> =
  | { readonly change: "added"; readonly before: null; readonly after: T }
  | { readonly change: "removed"; readonly before: T; readonly after: null }
  | { readonly change: "changed" | "moved"; readonly before: T; readonly after: T };

/**
 * Pairs facts. `keys` name a fact, from the most to the least exact; facts that share one are paired in order.
 * `same` pairs are left out.
 */
export function pairByKeys<T extends { readonly path: string }>(
  base: readonly T[],
  head: readonly T[],
  keys: readonly ((fact: T, side: "base" | "head") => string)[],
  same: (before: T, after: T) => boolean,
): readonly Paired<T>[] {
  const partners = new Map<T, T>();
  const taken = new Set<T>();
  for (const keyOf of keys) {
    if (taken.size === base.length || taken.size === head.length) break;
    const waiting = new Map<string, T[]>();
    for (const fact of base) {
      if (taken.has(fact)) continue;
      const key = keyOf(fact, "base");
      const queue = waiting.get(key);
      if (queue) queue.push(fact);
      else waiting.set(key, [fact]);
    }
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
