/** Writes the trees of two commits to disk for Nix to read: only what is in them, and nothing that leads out of them. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type ObjectAnswer, type ObjectReader, openObjectReader } from "../change/cat-file.ts";
import type { Unchecked } from "../change/change.ts";
import type { Repository } from "../change/repository.ts";
import { VerifodError } from "../errors.ts";

/** nixpkgs has about 50,000 files and 400 MB. */
const MAX_FILES = 1_000_000;
/** nixpkgs has about 40,000; a tree whose folders name one folder twice, at each level, could have any number. */
const MAX_FOLDERS = 200_000;
const MAX_BYTES = 4 * 1024 ** 3;
/** GitHub takes files up to 100 MB. */
const MAX_FILE_BYTES = 256 * 1024 ** 2;
/** Questions to git that are open at a time; their answers wait in memory. */
const OVERLAP = 256;
/** Larger files are asked for one by one. */
const OVERLAP_BYTES = 1024 ** 2;

interface TreeFile {
  readonly path: string;
  readonly kind: "file" | "executable" | "symlink";
  readonly oid: string;
}

export interface WrittenTrees {
  readonly base: string;
  readonly head: string;
  /** What was not written: links of the head that lead out of it, and entries that are no files. */
  readonly leftOut: readonly Unchecked[];
}

/**
 * Writes both commits below `directory` (which exists, on a file system with hard links). Files that are the same in
 * both are written once. Both trees have the same last path component, since it can end up in derivations.
 * Throws a `VerifodError` when the repository lacks something.
 */
export async function writeTrees(
  repository: Repository,
  commits: { readonly base: string; readonly head: string },
  directory: string,
): Promise<WrittenTrees> {
  const objects = {
    small: openObjectReader(repository.directory, OVERLAP_BYTES),
    large: openObjectReader(repository.directory, MAX_FILE_BYTES),
  };
  try {
    const base = `${directory}/base/source`;
    const head = `${directory}/head/source`;
    const { written } = await writeTree(repository, objects, commits.base, base, new Map());
    const { leftOut } = await writeTree(repository, objects, commits.head, head, written);
    return { base, head, leftOut };
  } catch (error) {
    // A file system may refuse a tree's names: too long, or equal in its eyes.
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new VerifodError("outside", `the trees cannot be written: ${error.message.slice(0, 300)}`);
  } finally {
    objects.small.close();
    objects.large.close();
  }
}

interface Objects {
  readonly small: ObjectReader;
  readonly large: ObjectReader;
}

async function writeTree(
  repository: Repository,
  objects: Objects,
  commit: string,
  directory: string,
  existing: ReadonlyMap<string, string>,
): Promise<{ readonly written: ReadonlyMap<string, string>; readonly leftOut: readonly Unchecked[] }> {
  const leftOut: Unchecked[] = [];
  const files = await filesOf(repository, commit, directory, leftOut);
  const written = new Map<string, string>();
  const missing: TreeFile[] = [];
  for (const file of files) {
    const key = `${file.kind} ${file.oid}`;
    const same = file.kind === "symlink" ? undefined : existing.get(key);
    if (same === undefined) missing.push(file);
    else {
      linkSync(same, `${directory}/${file.path}`);
      written.set(key, same);
    }
  }
  // Links come last: nothing is ever written through one.
  missing.sort((a, b) => Number(a.kind === "symlink") - Number(b.kind === "symlink"));
  let bytes = 0;
  for (let at = 0; at < missing.length; at += OVERLAP) {
    const some = missing.slice(at, at + OVERLAP);
    const answers = await Promise.all(some.map(({ oid }) => objects.small.ask(oid)));
    for (const [n, file] of some.entries()) {
      const answer = answers[n];
      if (answer?.kind === "object") bytes += answer.size;
      if (bytes > MAX_BYTES)
        throw new VerifodError("outside", `the tree of ${commit} is too large to evaluate`);
      const isLarge = answer?.kind === "object" && answer.data === null;
      const content = blob(file, isLarge ? await objects.large.ask(file.oid) : answer);
      const place = `${directory}/${file.path}`;
      if (file.kind !== "symlink") {
        writeFileSync(place, content, { flag: "wx", mode: file.kind === "executable" ? 0o755 : 0o644 });
        written.set(`${file.kind} ${file.oid}`, place);
      } else {
        const target = content.toString("utf8");
        if (staysInside(file.path, target)) symlinkSync(target, place);
        else leftOut.push({ what: file.path, reason: "a symbolic link that leads out of the tree" });
      }
    }
  }
  return { written, leftOut };
}

/** The files of a commit; makes their folders on the way. */
async function filesOf(
  repository: Repository,
  commit: string,
  directory: string,
  leftOut: Unchecked[],
): Promise<readonly TreeFile[]> {
  const root = commit === repository.emptyTree ? commit : (await repository.resolve(commit)).tree;
  const files: TreeFile[] = [];
  let folders = 0;
  const pending = [{ path: "", oid: root }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    mkdirSync(`${directory}/${next.path}`, { recursive: true });
    const { items, faults } = await repository.folder(next.oid);
    const prefix = next.path === "" ? "" : `${next.path}/`;
    for (const [name, reason] of faults) leftOut.push({ what: prefix + name, reason });
    for (const [name, { kind, oid }] of items) {
      const path = prefix + name;
      if (kind === "tree") {
        if (++folders > MAX_FOLDERS)
          throw new VerifodError("outside", `the tree of ${commit} has too many folders`);
        pending.push({ path, oid });
      } else if (kind !== "submodule") files.push({ path, kind, oid });
    }
    if (files.length > MAX_FILES)
      throw new VerifodError("outside", `the tree of ${commit} has too many files`);
  }
  return files;
}

function blob(file: TreeFile, answer: ObjectAnswer | undefined): Buffer {
  if (answer?.kind === "object" && answer.type === "blob" && answer.data !== null) return answer.data;
  if (answer?.kind === "object" && answer.data === null)
    throw new VerifodError("outside", `${file.path} is too large to evaluate`);
  const reason = answer?.kind === "failed" ? `: ${answer.reason}` : "";
  throw new VerifodError(
    "outside",
    `the repository lacks the content of ${file.path}${reason}; verification needs the whole tree, so clone without --filter`,
  );
}

/**
 * Whether a link at `path` stays in its tree: `..` only at the start, and no more of them than there are folders. After a name,
 * `..` could leave through another link.
 */
export function staysInside(path: string, target: string): boolean {
  if (target.startsWith("/") || target.includes("\0") || target === "") return false;
  const parts = target.split("/");
  const names = parts.findIndex((part) => part !== ".." && part !== "." && part !== "");
  const front = names === -1 ? parts : parts.slice(0, names);
  const rest = names === -1 ? [] : parts.slice(names);
  return !rest.includes("..") && front.filter((part) => part === "..").length < path.split("/").length;
}
