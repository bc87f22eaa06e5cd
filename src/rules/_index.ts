/** Looking things up in the facts: a change may have ten thousand settings, and a rule asks for each of them. */
import type { Facts } from "./rule.ts";

/** Makes an index of facts on first use, and keeps it as long as the facts. */
export function indexed<Index>(make: (facts: Facts) => Index): (facts: Facts) => Index {
  const made = new WeakMap<Facts, { readonly index: Index }>();
  return (facts) => {
    let known = made.get(facts);
    if (!known) {
      known = { index: make(facts) };
      made.set(facts, known);
    }
    return known.index;
  };
}
