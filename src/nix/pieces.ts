/** Walking a document without having all of its nodes in memory. */

import type { Document } from "./parser.ts";
import type { Region } from "./syntax.ts";

/** Some 300,000 nodes. */
const PIECE_CHARACTERS = 1_000_000;

/**
 * The regions, those of a large document in pieces: between two of these its nodes are forgotten, so take `root` anew for
 * each. What stands across the border of two pieces is in both.
 */
export function* inPieces(document: Document, regions: readonly Region[]): Generator<Region> {
  const isLarge = document.text.length > PIECE_CHARACTERS;
  let looked = 0;
  for (const { start, end } of regions) {
    let at = start;
    do {
      const next = isLarge ? Math.min(end, at + PIECE_CHARACTERS) : end;
      looked += next - at;
      if (isLarge && looked > PIECE_CHARACTERS) {
        document.forgetNodes();
        looked = next - at;
      }
      yield { start: at, end: next };
      at = next;
    } while (at < end);
  }
}
