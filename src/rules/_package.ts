/** What else changed in the package around a pin. */
import { dirname } from "node:path/posix";
import type { Side } from "../change/change.ts";
import type { Source } from "../nix/model.ts";
import { type Pair, pairsOf } from "./_events.ts";
import { fileAt } from "./_index.ts";
import { textAt } from "./_pins.ts";
import type { Facts } from "./rule.ts";

function samePackage(a: Source, b: Source): boolean {
  const [x, y] = [a.packageSpan, b.packageSpan];
  return a.path === b.path && x !== null && y !== null && x.start === y.start && x.end === y.end;
}

/** The other pins of the same package that differ. */
export function siblings(facts: Facts, pair: Pair): Pair[] {
  return pairsOf(facts).filter((other) => other !== pair && samePackage(other.after, pair.after));
}

/**
 * The sources from which the dependencies of a pair are: those of its package, and those of its folder whose versions are its own,
 * as of a `src` that a `let` around the package binds.
 */
export function sourcesOf(facts: Facts, pair: Pair): Pair[] {
  const { before, after } = pair;
  const isOfSame = (other: Pair) =>
    samePackage(other.after, after) ||
    (after.version !== null &&
      other.before.version === before.version &&
      other.after.version === after.version &&
      dirname(other.after.path) === dirname(after.path));
  return pairsOf(facts).filter((other) => other.after.role === "source" && isOfSame(other));
}

/** The text of the package around a pin, with the line that it begins in: its builder stands there. */
export function packageText(facts: Facts, side: Side, { packageSpan: span }: Source): string | null {
  const text = span && fileAt(facts, side, span.path)?.[side];
  return text ? text.slice(text.lastIndexOf("\n", span.start) + 1, span.end) : null;
}

/** Lines without comments and indentation, to compare code whatever its layout. */
function codeLines(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/(^|\s)#.*$/s, "").trim())
    .filter((line) => line !== "");
}

/**
 * The lines of the package's code that only one side has, without those of the pin's own hash; null when the text of a
 * side is not known.
 */
export function otherChangedLines(facts: Facts, { before, after }: Pair): string[] | null {
  const [old, current] = [before, after].map((source, index) => {
    const side = index === 0 ? "base" : "head";
    const text = packageText(facts, side, source);
    const hash = textAt(facts, { side, span: source.hashSpan });
    if (!text || !hash) return null;
    return codeLines(text).filter((line) => !line.includes(hash.trim()));
  });
  if (!old || !current) return null;
  return [...current.filter((line) => !old.includes(line)), ...old.filter((line) => !current.includes(line))];
}
