/** The revision that a pin names. */
import type { Source } from "../nix/model.ts";
import { locationsOf } from "./location.ts";

/** What says where a pin comes from. */
export type Placed = Pick<Source, "urls" | "rev">;

/** Without `refs/tags/`, as fetchers add it to a `tag`. */
export function plainRev(source: Placed): string | null {
  return source.rev?.value.replace(/^(refs\/)?tags\//, "") ?? null;
}

/** The revision that a pin names, in its location or beside it; null when it names none or it is not known. */
export function revisionOf(source: Placed): string | null {
  const [first] = locationsOf(source);
  return first?.ref ?? (source.rev?.resolved ? plainRev(source) : null);
}
