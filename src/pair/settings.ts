/** Which setting of the base became which of the head. */
import type { Setting } from "../nix/model.ts";
import { headPaths, type Paired, pairByKeys } from "./changes.ts";

export type SettingChange = Paired<Setting>;

/** Pairs settings by attribute path; those with the same value are left out. `renames`: a base path to its head path. */
export function pairSettings(
  base: readonly Setting[],
  head: readonly Setting[],
  renames: ReadonlyMap<string, string>,
): readonly SettingChange[] {
  const path = headPaths(renames);
  const name = (setting: Setting) => setting.attributes.join(".");
  return pairByKeys(
    base,
    head,
    [
      (setting, side) =>
        JSON.stringify([path(setting, side), name(setting), setting.text, setting.conditions]),
      (setting, side) => JSON.stringify([path(setting, side), name(setting), setting.conditions]),
      (setting, side) => JSON.stringify([path(setting, side), name(setting)]),
      // Moved: the same name and value elsewhere.
      (setting) => JSON.stringify([setting.attributes.slice(-2), setting.text]),
    ],
    (before, after) =>
      before.text === after.text && before.conditions.join("\n") === after.conditions.join("\n"),
  );
}
