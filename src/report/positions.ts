/** Lines and columns of places in the texts of a change. */
import type { Side } from "../change/change.ts";
import { lineStarts, positionOf } from "../change/lines.ts";
import type { FileFacts, Place } from "../rules/rule.ts";
import type { Finding } from "./review.ts";

export type Region = Pick<Finding, "startLine" | "endLine" | "startColumn" | "endColumn">;

export interface Positions {
  /** The changed file at a path of a side. */
  fileOf(side: Side, path: string): FileFacts | undefined;
  /** Lines and columns from 1; the first of the file when its text is not known. */
  regionOf(place: Place): Region;
}

/**
 * Positions in the texts of `files`, and in the texts of other files that `textOf` has. The lines of each text are counted
 * once.
 */
export function createPositions(
  files: readonly FileFacts[],
  textOf: (side: Side, path: string) => string | null = () => null,
): Positions {
  const bySide: Record<Side, Map<string, FileFacts>> = { base: new Map(), head: new Map() };
  for (const file of files) {
    for (const side of ["base", "head"] as const) {
      const entry = file.change[side];
      if (entry) bySide[side].set(entry.path, file);
    }
  }
  const startsOf = new Map<string, readonly number[]>();
  return {
    fileOf: (side, path) => bySide[side].get(path),
    regionOf({ side, span }) {
      const text = bySide[side].get(span.path)?.[side] ?? textOf(side, span.path);
      if (text === null) return { startLine: 1, endLine: 1, startColumn: 1, endColumn: 1 };
      let starts = startsOf.get(text);
      if (starts === undefined) {
        starts = lineStarts(text);
        startsOf.set(text, starts);
      }
      const start = positionOf(starts, span.start);
      // A stretch that ends with its line feed ends on that line, not before the first column of the next.
      const last = span.end > span.start && text[span.end - 1] === "\n" ? span.end - 1 : span.end;
      const end = positionOf(starts, last);
      return { startLine: start.line, endLine: end.line, startColumn: start.column, endColumn: end.column };
    },
  };
}
