/** What a reviewer reads of one file: its difference from the tag as a unified diff, or its text when it is new. */
import { structuredPatch } from "diff";
import type { ArchiveFile } from "../archive/archive.ts";
import { textOf } from "./kinds.ts";

export type Difference =
  /** `lines`: those to read, with context; `hunks`: at most `SHOWN_LINES` of them. */
  | { readonly kind: "text"; readonly lines: number; readonly hunks: readonly Hunk[]; readonly cut: boolean }
  /** `lines` is null when it is not known how many differ. */
  | { readonly kind: "not-shown"; readonly reason: string; readonly lines: number | null };

export interface Hunk {
  /** The first lines of both sides, from 1. */
  readonly oldStart: number;
  readonly newStart: number;
  /** Each with `+`, `-` or a space before it. */
  readonly lines: readonly string[];
}

export const SHOWN_LINES = 400;
/** Characters; larger texts are not compared line by line. */
const LARGEST_TEXT = 2_000_000;
const DIFF_TIMEOUT_MS = 2_000;
const CONTEXT = 3;

/** The difference of a file from the tag's; without `before` all of it is new. */
export function differenceOf(before: ArchiveFile | undefined, after: ArchiveFile): Difference {
  if (before?.digest === after.digest) {
    return { kind: "not-shown", reason: "the same bytes as another kind of file", lines: 1 };
  }
  const now = textOf(after);
  if (now === null) {
    const reason =
      after.bytes === null ? `its ${after.size} bytes are too many to look into` : "it is no text";
    return { kind: "not-shown", reason, lines: after.bytes === null ? null : 1 };
  }
  if (now.length > LARGEST_TEXT)
    return { kind: "not-shown", reason: "it is too long to compare", lines: null };
  if (before === undefined) {
    const lines = now === "" ? [] : now.replace(/\n$/, "").split("\n");
    return shown([{ oldStart: 0, newStart: 1, lines: lines.map((line) => `+${line}`) }], lines.length);
  }
  const old = textOf(before);
  if (old === null || old.length > LARGEST_TEXT) {
    return { kind: "not-shown", reason: "the tag's file is no text that can be compared", lines: null };
  }
  const patch = structuredPatch("", "", old, now, "", "", { context: CONTEXT, timeout: DIFF_TIMEOUT_MS });
  if (patch === undefined) {
    return { kind: "not-shown", reason: "too much of it differs to say what", lines: null };
  }
  const hunks = patch.hunks.map(({ oldStart, newStart, lines }) => ({ oldStart, newStart, lines }));
  return shown(
    hunks,
    hunks.reduce((total, { lines }) => total + lines.length, 0),
  );
}

function shown(hunks: readonly Hunk[], lines: number): Difference {
  let room = SHOWN_LINES;
  const kept: Hunk[] = [];
  for (const hunk of hunks) {
    if (room <= 0) break;
    kept.push({ ...hunk, lines: hunk.lines.slice(0, room) });
    room -= hunk.lines.length;
  }
  return { kind: "text", lines, hunks: kept, cut: lines > SHOWN_LINES };
}
