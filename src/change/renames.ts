/** Renames and moves among the files that were removed and added: equal files first, then similar ones. */
import { addTo } from "../lists.ts";
import type { Entry, FileChange, Tree } from "./change.ts";

/** Beyond these, only equal files are matched: the others stay removed and added, which loses nothing but the link. */
const MOST_FILES = 2_000;
const MOST_BYTES = 32_000_000;
const LARGEST_FILE = 1_000_000;
/** A line that stands in more removed files than this says nothing about which became which. */
const COMMON_LINE = 20;
/** As git's own default: https://git-scm.com/docs/git-diff#Documentation/git-diff.txt--Mltngt */
const SIMILAR_ENOUGH = 0.5;
/** For the same package: `frob/default.nix` and `pkgs/by-name/fr/frob/package.nix`. */
const SIMILAR_ENOUGH_FOR_NAMESAKE = 0.3;

interface Pair {
  readonly base: Entry;
  readonly head: Entry;
}

/**
 * The files with each found pair of a removed and an added one replaced by one that is renamed. Symlinks and
 * submodules are never matched: what they hold is a name.
 */
export async function matchRenames(
  files: readonly FileChange[],
  base: Tree,
  head: Tree,
): Promise<FileChange[]> {
  const removed = files.flatMap((file) =>
    file.status === "removed" && isFile(file.base) ? [file.base] : [],
  );
  const added = files.flatMap((file) => (file.status === "added" && isFile(file.head) ? [file.head] : []));
  if (removed.length === 0 || added.length === 0) return [...files];

  const equal = equalPairs(removed, added);
  const matched = new Set<Entry>(equal.flatMap((pair) => [pair.base, pair.head]));
  const left = (entries: readonly Entry[]): Entry[] => entries.filter((entry) => !matched.has(entry));
  const similar = await similarPairs(left(removed), left(added), base, head);

  const pairs = [...equal, ...similar];
  for (const pair of similar) matched.add(pair.base).add(pair.head);
  const others = files.filter((file) => file.status === "modified" || !matched.has(file.head ?? file.base));
  return [...others, ...pairs.map((pair): FileChange => ({ status: "renamed", ...pair }))];
}

function isFile(entry: Entry): boolean {
  return entry.kind === "file" || entry.kind === "executable";
}

function equalPairs(removed: readonly Entry[], added: readonly Entry[]): Pair[] {
  const byOid = new Map<string, Entry[]>();
  for (const entry of removed) addTo(byOid, entry.oid, entry);
  const pairs: Pair[] = [];
  for (const head of added) {
    const candidates = byOid.get(head.oid);
    if (candidates === undefined || candidates.length === 0) continue;
    const namesake = candidates.findIndex((base) => areNamesakes(base.path, head.path));
    const [base] = candidates.splice(Math.max(namesake, 0), 1);
    if (base !== undefined) pairs.push({ base, head });
  }
  return pairs;
}

/** The lines of a file, trimmed, with how often each stands there; indentation alone is no difference. */
interface Lines {
  readonly entry: Entry;
  readonly counts: ReadonlyMap<string, number>;
  /** Characters of all lines. */
  readonly weight: number;
}

async function similarPairs(
  removed: readonly Entry[],
  added: readonly Entry[],
  base: Tree,
  head: Tree,
): Promise<Pair[]> {
  if (removed.length === 0 || added.length === 0) return [];
  if (removed.length + added.length > MOST_FILES) return [];
  const budget = { bytes: MOST_BYTES };
  const before = await linesOf(removed, base, budget);
  const after = await linesOf(added, head, budget);

  const scored = candidatePairs(before, after).flatMap(([from, to]) => {
    const base = from.entry;
    const head = to.entry;
    const namesakes = areNamesakes(base.path, head.path);
    const score = similarity(from, to);
    return score >= (namesakes ? SIMILAR_ENOUGH_FOR_NAMESAKE : SIMILAR_ENOUGH)
      ? [{ base, head, namesakes, score }]
      : [];
  });
  // A namesake wins over a file that is merely alike: many packages are.
  scored.sort((a, b) => Number(b.namesakes) - Number(a.namesakes) || b.score - a.score);
  const taken = new Set<Entry>();
  return scored.flatMap(({ base, head }) => {
    if (taken.has(base) || taken.has(head)) return [];
    taken.add(base).add(head);
    return [{ base, head }];
  });
}

async function linesOf(entries: readonly Entry[], tree: Tree, budget: { bytes: number }): Promise<Lines[]> {
  const files: Lines[] = [];
  for (const entry of entries) {
    if (budget.bytes <= 0) break;
    const content = await tree.read(entry);
    if (content.kind !== "text" || content.text.length > LARGEST_FILE) continue;
    budget.bytes -= content.text.length;
    const counts = new Map<string, number>();
    let weight = 0;
    for (const raw of content.text.split("\n")) {
      const line = raw.trim();
      if (line === "") continue;
      counts.set(line, (counts.get(line) ?? 0) + 1);
      weight += line.length;
    }
    if (weight > 0) files.push({ entry, counts, weight });
  }
  return files;
}

/** The pairs worth comparing: those that share a line which few removed files have. */
function candidatePairs(before: readonly Lines[], after: readonly Lines[]): [Lines, Lines][] {
  const holders = new Map<string, Lines[]>();
  for (const file of before) {
    for (const line of file.counts.keys()) {
      const files = holders.get(line);
      if (files === undefined) holders.set(line, [file]);
      else if (files.length <= COMMON_LINE) files.push(file);
    }
  }
  return after.flatMap((file) => {
    const candidates = new Map<Lines, number>();
    for (const line of file.counts.keys()) {
      const files = holders.get(line) ?? [];
      if (files.length > COMMON_LINE) continue;
      for (const other of files) candidates.set(other, (candidates.get(other) ?? 0) + line.length);
    }
    const best = [...candidates].sort((a, b) => b[1] - a[1]).slice(0, COMMON_LINE);
    return best.map(([other]): [Lines, Lines] => [other, file]);
  });
}

/** From 0 (nothing in common) to 1 (the same lines, in whatever order). */
function similarity(a: Lines, b: Lines): number {
  let shared = 0;
  for (const [line, count] of a.counts) shared += line.length * Math.min(count, b.counts.get(line) ?? 0);
  return shared / Math.max(a.weight, b.weight);
}

/** Whether two paths are called after the same thing: by file name, or, for the usual `default.nix`, by folder. */
function areNamesakes(a: string, b: string): boolean {
  return nameOf(a) === nameOf(b);
}

function nameOf(path: string): string {
  const names = path.split("/");
  const file = names.at(-1) ?? "";
  const isUsual = file === "default.nix" || file === "package.nix";
  return (isUsual ? names.at(-2) : file.replace(/\.nix$/, "")) ?? "";
}
