/** What else changed in the package around a pin. */
import type { Source } from "../nix/model.ts";
import { type Pair, pairsOf } from "./_events.ts";
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
    const span = source.packageSpan;
    const side = index === 0 ? "base" : "head";
    const text = span && textAt(facts, { side, span });
    const hash = textAt(facts, { side, span: source.hashSpan });
    if (!text || !hash) return null;
    return codeLines(text).filter((line) => !line.includes(hash.trim()));
  });
  if (!old || !current) return null;
  return [...current.filter((line) => !old.includes(line)), ...old.filter((line) => !current.includes(line))];
}
