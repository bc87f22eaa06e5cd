/** What git knows of the fake GitHub's repository, as GitHub derives it. */
import { spawnSync } from "node:child_process";
import type { KnownRepository } from "../support/repository.ts";
import { Refusal } from "./state.ts";

export interface DiffFile {
  readonly filename: string;
  readonly previous_filename?: string;
  readonly status: "added" | "removed" | "modified" | "renamed" | "changed";
  readonly sha: string;
}

const outputs = new Map<string, Buffer | null>();

/** The output of git; null when git fails or says no. What is asked by id alone never changes, and is asked once. */
export function tryGit(repository: KnownRepository, ...args: string[]): Buffer | null {
  const key = args.join("\0");
  const known = outputs.get(key);
  if (known !== undefined) return known;
  const { output, lasting } = runGit(repository, args);
  const words = args.slice(1).filter((arg) => !arg.startsWith("-") && !arg.includes("=") && arg !== "diff");
  const byId = words.every((arg) => /[0-9a-f]{40}/.test(arg));
  if (lasting && byId && (output?.length ?? 0) < 1_000_000) outputs.set(key, output);
  return output;
}

function runGit(
  { directory }: KnownRepository,
  args: readonly string[],
): { readonly output: Buffer | null; readonly lasting: boolean } {
  const { status, stdout } = spawnSync("git", args, {
    cwd: directory,
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 200_000_000,
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", GIT_CONFIG_SYSTEM: "/dev/null" },
  });
  // Of two commits that are there, 1 is a no for ever.
  const isNo = status === 1 && args[0] === "merge-base";
  return { output: status === 0 ? stdout : null, lasting: status === 0 || isNo };
}

/** @throws Refusal (404) when there is no such commit */
export function mergeBase(repository: KnownRepository, base: string, head: string): string {
  const found = tryGit(repository, "merge-base", base, head);
  if (found === null) throw new Refusal(404, "Not Found");
  return found.toString("utf8").trim();
}

const diffs = new Map<string, readonly DiffFile[]>();

/** The files that differ between two commits, with renames, in git's order. */
export function diffFiles(repository: KnownRepository, base: string, head: string): readonly DiffFile[] {
  const range = `${base}..${head}`;
  const known = diffs.get(range) ?? readDiff(repository, base, head);
  diffs.set(range, known);
  return known;
}

function readDiff(repository: KnownRepository, base: string, head: string): DiffFile[] {
  const raw = tryGit(repository, "diff", "--raw", "--no-abbrev", "-z", "-M", base, head);
  const parts = (raw ?? Buffer.alloc(0)).toString("utf8").split("\0");
  const files: DiffFile[] = [];
  for (let at = 0; at + 1 < parts.length; ) {
    const [, , before = "", after = "", status = ""] = (parts[at] ?? "").split(" ");
    const first = parts[at + 1] ?? "";
    switch (status[0]) {
      case "R":
        files.push({
          filename: parts[at + 2] ?? "",
          previous_filename: first,
          status: "renamed",
          sha: after,
        });
        at += 3;
        break;
      case "A":
        files.push({ filename: first, status: "added", sha: after });
        at += 2;
        break;
      case "D":
        files.push({ filename: first, status: "removed", sha: before });
        at += 2;
        break;
      default:
        files.push({ filename: first, status: status === "T" ? "changed" : "modified", sha: after });
        at += 2;
    }
  }
  return files;
}

/** For each path the lines of each side that are in a hunk, with the number of the hunk. */
export type DiffLines = ReadonlyMap<
  string,
  { readonly LEFT: Map<number, number>; readonly RIGHT: Map<number, number> }
>;

/** The lines that GitHub shows as the diff of a pull request: hunks with three lines of context. */
export function diffLines(repository: KnownRepository, base: string, head: string): DiffLines {
  const text = tryGit(
    repository,
    "-c",
    "core.quotePath=false",
    "diff",
    "-U3",
    "-M",
    "--no-color",
    base,
    head,
  );
  const files = new Map<string, { LEFT: Map<number, number>; RIGHT: Map<number, number> }>();
  let current = { LEFT: new Map<number, number>(), RIGHT: new Map<number, number>() };
  let [left, right, hunk, inHunk] = [0, 0, 0, false];
  for (const line of (text ?? Buffer.alloc(0)).toString("utf8").split("\n")) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (line.startsWith("diff --git")) {
      current = { LEFT: new Map(), RIGHT: new Map() };
      inHunk = false;
    } else if (!inHunk && (line.startsWith("--- a/") || line.startsWith("+++ b/"))) {
      files.set(line.slice(6).replace(/\t$/, ""), current);
    } else if (header) {
      [left, right, inHunk] = [Number(header[1]), Number(header[2]), true];
      hunk += 1;
    } else if (inHunk && line.startsWith("-")) current.LEFT.set(left++, hunk);
    else if (inHunk && line.startsWith("+")) current.RIGHT.set(right++, hunk);
    else if (inHunk && line.startsWith(" ")) {
      current.LEFT.set(left++, hunk);
      current.RIGHT.set(right++, hunk);
    }
  }
  return files;
}

export interface TreeItem {
  readonly mode: number;
  readonly type: string;
  readonly oid: string;
}

const listings = new Map<string, ReadonlyMap<string, TreeItem>>();

/** The item of a commit at a path, as GraphQL's TreeEntry has it. */
export function treeItem(repository: KnownRepository, commit: string, path: string): TreeItem | null {
  let listing = listings.get(commit);
  if (listing === undefined) {
    const lines = (tryGit(repository, "ls-tree", "-r", "-t", "-z", commit) ?? "").toString().split("\0");
    listing = new Map(lines.filter(Boolean).map(parseItem));
    listings.set(commit, listing);
  }
  return listing.get(path) ?? null;
}

/** A line of ls-tree: the path, and what stands there. */
export function parseItem(line: string): [string, TreeItem] {
  const [, mode = "", type = "", oid = "", path = ""] = /^(\d+) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
  return [path, { mode: Number.parseInt(mode, 8), type, oid }];
}
