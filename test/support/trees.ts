/** Pairs of trees as commits of one real git repository, made in one go: a hundred fixtures cost one process. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { UpstreamSaid } from "./upstream.ts";

/** A file of a tree, by its path. A symlink's bytes are its target, a submodule's the commit id that it names. */
export interface TreeFile {
  readonly mode: "100644" | "100755" | "120000" | "160000";
  readonly bytes: Buffer;
}
export type TreeFiles = ReadonlyMap<string, TreeFile>;

export interface TreePair {
  readonly base: TreeFiles;
  readonly head: TreeFiles;
  /** The title of the head's commit. */
  readonly subject?: string | undefined;
  /** What upstream answers; undefined: it is not asked. */
  readonly upstream?: UpstreamSaid | undefined;
}

export interface CommitPair {
  readonly base: string;
  readonly head: string;
}

export function textFile(text: string): TreeFile {
  return { mode: "100644", bytes: Buffer.from(text) };
}

/** A path as fast-import takes it, whatever bytes it has: https://git-scm.com/docs/git-fast-import#_filemodify */
function quoted(path: string): string {
  const escaped = Buffer.from(path)
    .toString("latin1")
    .replace(/["\\\x00-\x1f\x7f-\xff]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `"${escaped}"`;
}

/**
 * Makes a bare repository at `directory` with a commit for each side of each pair (the head on top of its base), and
 * gives the ids of the commits. Commits have fixed names and dates: the same pairs give the same ids.
 */
export function commitPairs(directory: string, pairs: readonly TreePair[]): CommitPair[] {
  const chunks: Buffer[] = [];
  const line = (text: string) => chunks.push(Buffer.from(`${text}\n`));
  const data = (bytes: Buffer) => {
    line(`data ${bytes.length}`);
    chunks.push(bytes);
    line("");
  };
  const commit = (mark: number, parent: number | null, files: TreeFiles, subject: string) => {
    line(`commit refs/heads/pair-${Math.ceil(mark / 2)}`);
    line(`mark :${mark}`);
    line("committer Fixture <fixture@example.org> 1700000000 +0000");
    data(Buffer.from(`${subject}\n`));
    if (parent !== null) line(`from :${parent}`);
    line("deleteall");
    for (const [path, { mode, bytes }] of files) {
      if (mode === "160000") {
        line(`M ${mode} ${bytes.toString()} ${quoted(path)}`);
      } else {
        line(`M ${mode} inline ${quoted(path)}`);
        data(bytes);
      }
    }
  };
  pairs.forEach(({ base, head, subject = "head" }, index) => {
    commit(2 * index + 1, null, base, "base");
    commit(2 * index + 2, 2 * index + 1, head, subject);
  });

  const git = (args: string[], input?: Buffer) => execFileSync("git", args, { input, stdio: "pipe" });
  git(["init", "--quiet", "--bare", directory]);
  const marks = `${directory}/marks`;
  git(["-C", directory, "fast-import", "--quiet", `--export-marks=${marks}`], Buffer.concat(chunks));
  const ids = new Map<number, string>();
  for (const entry of readFileSync(marks, "utf8").trimEnd().split("\n")) {
    const [mark = "", id = ""] = entry.split(" ");
    ids.set(Number(mark.slice(1)), id);
  }
  const idOf = (mark: number): string => {
    const id = ids.get(mark);
    if (id === undefined) throw new Error(`git fast-import made no commit for mark ${mark}`);
    return id;
  };
  return pairs.map((_, index) => ({ base: idOf(2 * index + 1), head: idOf(2 * index + 2) }));
}
