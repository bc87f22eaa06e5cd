/** Which source pin of the base became which of the head. */
import type { Source } from "../nix/model.ts";

/** A pin that differs between the two sides. `moved`: the same pin, in another file. */
export type SourceChange =
  | { readonly change: "added"; readonly before: null; readonly after: Source }
  | { readonly change: "removed"; readonly before: Source; readonly after: null }
  | { readonly change: "changed" | "moved"; readonly before: Source; readonly after: Source };
