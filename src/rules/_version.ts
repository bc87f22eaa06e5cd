/** Versions in the order that Nix gives them: https://nix.dev/manual/nix/2.28/language/builtins#builtins-compareVersions */
import type { Text } from "../nix/model.ts";

/** Words that mark what comes before a release. Nix itself knows only `pre`. */
const BEFORE_RELEASE = /^(pre|alpha|beta|rc|dev|snapshot|preview|a|b|m|milestone)$/i;

function components(version: string): string[] {
  return version.match(/\d+|[^\d.\-+_]+/g) ?? [];
}

function isNumber(part: string | undefined): boolean {
  return part !== undefined && /^\d+$/.test(part);
}

/** Compares digits as numbers of any length: dates and serials exceed what a double holds. */
function compareDigits(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}

function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a !== undefined && BEFORE_RELEASE.test(a) && !(b !== undefined && BEFORE_RELEASE.test(b))) return -1;
  if (b !== undefined && BEFORE_RELEASE.test(b) && !(a !== undefined && BEFORE_RELEASE.test(a))) return 1;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (isNumber(a) && isNumber(b)) return compareDigits(a, b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? 1 : -1;
  return a < b ? -1 : 1;
}

/** Below zero: `a` comes first. Numbers of a version one by one, with zeros in place of those that one of them lacks. */
export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Below zero: `a` is older than `b`; above: newer; zero: Nix makes no difference. Pre-releases are older. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [components(a), components(b)];
  for (let index = 0; index < Math.max(x.length, y.length); index++) {
    const order = compareParts(x[index], y[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Whether two versions count in different ways (a date and a number), so that their order means nothing. */
export function otherScheme(a: string, b: string): boolean {
  const shape = (version: string) => {
    const [first = ""] = components(version);
    if (!isNumber(first)) return `word ${first}`;
    if (/^(19|20)\d\d/.test(first) && first.length >= 4) return "date";
    return first.length >= 4 ? "serial" : "number";
  };
  const unstable = /unstable|\bgit\b|\d{4}-\d\d-\d\d/i;
  return shape(a) !== shape(b) || unstable.test(a) !== unstable.test(b);
}

/** Whether `1.2_<commit>` became `1.2`, by a tag in place of the commit: the number did not move. */
export function onlyLostCommit(
  before: { readonly version: string | null; readonly rev: Text | null },
  after: { readonly version: string | null },
): boolean {
  const commit = before.rev?.value ?? "";
  if (!/^[0-9a-f]{7,40}$/.test(commit)) return false;
  return ["-", "_", "+", "."].some((join) => before.version === `${after.version}${join}${commit}`);
}

/** Whether a version is a commit id, as updaters write it, and not a date or a number. */
export function isCommit(version: string): boolean {
  return /^(?=.*[a-f])[0-9a-f]{7,40}$/.test(version);
}
