/** What rules compare of repositories on forges: names, owners, ages. */
import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";

/** Younger accounts and repositories have no history that could speak for them. */
export const YOUNG_DAYS = 90;

/** Whole days from one time to another; null: the first is not known. */
export function daysBetween(from: string | null, to: string): number | null {
  return from === null ? null : Math.floor((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

/** Whether a forge's name for a repository (`acme/frob`) is that of this one. */
export function isNamed(
  fullName: string,
  { owner, name }: { readonly owner: string; readonly name: string },
): boolean {
  return fullName.toLowerCase() === `${owner}/${name}`.toLowerCase();
}

/** Whether the first locations of two pins have one owner (on a forge, one repository); false where either has none. */
export function isSameOwner(before: Source, after: Source): boolean {
  const [old, now] = [before, after].map((source) => locationsOf(source)[0]?.owner?.id);
  return old !== undefined && old === now;
}
