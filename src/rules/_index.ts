/** Looks things up in the facts by index: a change may have ten thousand settings, and a rule asks for each of them. */
import type { Side } from "../change/change.ts";
import type { Facts, FileFacts } from "./rule.ts";

/** A function that makes an index of facts when it is first asked for, and keeps it as long as the facts. */
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

const filesByPath = indexed(({ files }) => {
  const paths = { base: new Map<string, FileFacts>(), head: new Map<string, FileFacts>() };
  for (const file of files) {
    const { base, head } = file.change;
    if (base) paths.base.set(base.path, file);
    if (head) paths.head.set(head.path, file);
  }
  return paths;
});

/** The facts of a changed file, by its path at a side. */
export function fileAt(facts: Facts, side: Side, path: string): FileFacts | undefined {
  return filesByPath(facts)[side].get(path);
}
