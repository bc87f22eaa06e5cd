/** The words of a comparison, for all forms of its report. */
import {
  type Comparison,
  DANGERS,
  type Danger,
  type Entry,
  type Fold,
  type Folded,
  suspicious,
} from "../asset/compare.ts";
import type { Release, ReleaseResult } from "../asset/release.ts";
import { plural } from "./pins.ts";

export interface ReleaseReport {
  readonly release: Release;
  readonly result: ReleaseResult;
}

export const DANGER_TITLES: Readonly<Record<Danger, string>> = {
  "build-hiding": "Build files that hide what runs, and that are not the tag's",
  "build-changed": "Build files that differ from the tag",
  "build-added": "Build files that only the archive has",
  "binary-read": "Binaries that a build script of the archive names",
  binary: "Binaries that the tag does not have so",
  "source-changed": "Sources that differ from the tag",
  "source-added": "Sources that only the archive has",
  other: "Documentation and data",
};

export function foldTitle({ fold, by, paths }: Folded): string {
  const files = plural(paths.length, "file");
  const titles: Readonly<Record<Fold, string>> = {
    published: `${files} with the bytes that ${by} published`,
    generated: `${files} as ${by} makes ${paths.length === 1 ? "it" : "them"} from what the tag holds (recognised, not made again)`,
    translation: `${files} with translations that differ in dates and places only`,
    "line-ends": `${files} that differ in the ends of lines only`,
    copied: `${files} with the bytes of another file of the tag`,
    missing: `${files} that only the tag has`,
    excluded: `${files} that the tag says to leave out of archives`,
  };
  return titles[fold];
}

/** In one sentence. */
export function releaseSummary({ result }: ReleaseReport): string {
  if (result.kind === "failed") return `could not compare: ${result.reason}`;
  const { comparison } = result;
  const found = suspicious(comparison);
  const rest = `${comparison.entries.length - found.length} differences in documentation and data, ${foldedFiles(comparison)} files accounted for, ${comparison.identical} identical`;
  const open = comparison.unchecked.length === 0 ? "" : `; ${comparison.unchecked.length} not compared`;
  if (found.length === 0) return `nothing suspicious: ${rest}${open}`;
  return `${found.length} files to read (${linesOf(found)} lines); ${rest}${open}`;
}

/** How many lines of the entries a reviewer has to read; entries of unknown length count as none. */
export function linesOf(entries: readonly Entry[]): number {
  return entries.reduce((total, { difference }) => total + (difference.lines ?? 0), 0);
}

function foldedFiles({ folded }: Comparison): number {
  return folded.reduce(
    (total, { fold, paths }) => total + (fold === "missing" || fold === "excluded" ? 0 : paths.length),
    0,
  );
}

/** How much there is to read of an entry, in short. */
export function extent({ change, difference, size }: Entry): string {
  if (difference.kind === "not-shown") return `${change}, ${size} bytes, ${difference.reason}`;
  return `${change}, ${plural(difference.lines, "line")}`;
}

export function byDanger(entries: readonly Entry[]): readonly (readonly [Danger, readonly Entry[]])[] {
  return DANGERS.map(
    (danger) => [danger, entries.filter((entry) => entry.danger === danger)] as const,
  ).filter(([, group]) => group.length > 0);
}

/** Why an entry has to be read, in a sentence. */
export function reason({ why, traits }: Entry): string {
  return [why, ...traits].join("; ");
}

/** The lines of a difference, with a line before each hunk that says where it is. */
export function diffLines({ difference }: Entry, most: number): string[] {
  if (difference.kind !== "text") return [];
  const lines = difference.hunks.flatMap((hunk) => [
    `@@ -${hunk.oldStart} +${hunk.newStart} @@`,
    ...hunk.lines,
  ]);
  const cut = lines.length > most || difference.cut;
  return cut ? [...lines.slice(0, most), `… of ${difference.lines} lines`] : lines;
}
