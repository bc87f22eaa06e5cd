/** Which script of the base became which of the head. */
import type { Script } from "../nix/model.ts";
import { headPaths, type Paired, pairByKeys } from "./changes.ts";

export type ScriptChange = Paired<Script>;

/** Pairs scripts; those with the same code are left out. `renames`: a base path to its head path. */
export function pairScripts(
  base: readonly Script[],
  head: readonly Script[],
  renames: ReadonlyMap<string, string>,
): readonly ScriptChange[] {
  const path = headPaths(renames);
  return pairByKeys(
    base,
    head,
    [
      (script, side) => JSON.stringify([path(script, side), script.binding, script.text]),
      (script, side) => JSON.stringify([path(script, side), script.binding]),
      // Moved: to another file or binding, with its text as it was.
      (script) => JSON.stringify([script.context, script.text]),
      (script, side) => JSON.stringify([path(script, side), script.context, script.code[0] ?? ""]),
    ],
    (before, after) => before.text === after.text && before.context === after.context,
  );
}
