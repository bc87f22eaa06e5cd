/** Where GitHub takes review comments. */
import { diffLines, mergeBase, tryGit } from "./git-data.ts";
import type { Pull, World } from "./state.ts";

export interface CommentInput {
  readonly path: string;
  readonly body: string;
  readonly side?: "LEFT" | "RIGHT";
  readonly line?: number;
  readonly start_line?: number;
  readonly start_side?: "LEFT" | "RIGHT";
}

/** Why GitHub refuses a comment; null when it takes it. */
export function lineFault(world: World, pull: Pull, commit: string, comment: CommentInput): string | null {
  const { path, side = "RIGHT", line, start_line, start_side = side } = comment;
  const inPull = tryGit(world.repository, "merge-base", "--is-ancestor", commit, pull.head.sha) !== null;
  if (!inPull) return "commit_id is not part of the pull request";
  const base = mergeBase(world.repository, pull.base.sha, commit);
  const lines = diffLines(world.repository, base, commit).get(path);
  if (lines === undefined) return "path could not be resolved";
  const hunk = line === undefined ? undefined : lines[side].get(line);
  if (hunk === undefined) return "line must be part of the diff";
  if (start_line === undefined) return null;
  if (start_line >= (line ?? 0)) return "start_line must precede the end line";
  return lines[start_side].get(start_line) === hunk
    ? null
    : "start line must be part of the same hunk as the line";
}
