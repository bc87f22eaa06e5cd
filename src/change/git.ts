/** Changes of a git repository: from a range as people write it, or from a pair of commits. */
import { VerifodError } from "../errors.ts";
import { byPath, type Change, MOST_COMMITS, type Range, type Side, type Tree } from "./change.ts";
import { compareTrees } from "./compare.ts";
import { complaint, runGit } from "./git-process.ts";
import type { Commit } from "./objects.ts";
import { matchRenames } from "./renames.ts";
import { fetchAdvice, type Repository } from "./repository.ts";
import { repositoryTree } from "./tree.ts";

/**
 * The change of a range: `A..B`, `A...B` (from their merge base), or one revision, against its first parent
 * (before a root commit: the empty tree). Without a range: of `HEAD`. An empty side is `HEAD`.
 * @throws VerifodError (usage) for a range that cannot be resolved; (outside) for commits that the repository lacks.
 */
export async function openGitChange(repository: Repository, range = "HEAD"): Promise<Change> {
  const { base, head } = await resolveRange(repository, range);
  return openChange(repository, base, head);
}

/**
 * The same, without what is found by comparing the two: `openGitPair` does that with their ids.
 * @throws VerifodError as `openGitChange`
 */
export async function openGitRange(repository: Repository, range = "HEAD"): Promise<Range> {
  const { base, head } = await resolveRange(repository, range);
  const { directory } = repository;
  return { ...treesOf(repository, base, head), files: null, unchecked: [], subjects: null, directory };
}

interface Ends {
  /** Null: what stands before a root commit. */
  readonly base: Commit | null;
  readonly head: Commit;
}

async function resolveRange(repository: Repository, range: string): Promise<Ends> {
  const parts = splitRange(range);
  if (parts === null) {
    const head = await repository.resolve(range);
    return { base: await firstParent(repository, head), head };
  }
  const head = await repository.resolve(parts.head);
  const base = await resolveBase(repository, parts.base);
  if (!parts.fromMergeBase || base === null) return { base, head };
  return { base: await mergeBase(repository, base, head, range), head };
}

/**
 * The change between two revisions; `base` may be the id of the empty tree.
 * @throws VerifodError as `openGitChange`
 */
export async function openGitPair(repository: Repository, base: string, head: string): Promise<Change> {
  const [from, to] = await Promise.all([resolveBase(repository, base), resolveQuickly(repository, head)]);
  return openChange(repository, from, to);
}

/** A range's two sides; null for a single revision. */
export function splitRange(
  range: string,
): { readonly base: string; readonly head: string; readonly fromMergeBase: boolean } | null {
  const at = range.indexOf("..");
  if (at === -1) return null;
  const fromMergeBase = range.startsWith("...", at);
  const head = range.slice(at + (fromMergeBase ? 3 : 2));
  return { base: range.slice(0, at) || "HEAD", head: head || "HEAD", fromMergeBase };
}

/** A full id needs no resolving: one question less for each pair of a backtest. */
async function resolveQuickly(repository: Repository, revision: string): Promise<Commit> {
  const isId = revision.length === repository.emptyTree.length && /^[0-9a-f]+$/.test(revision);
  return (isId ? await repository.commit(revision) : null) ?? repository.resolve(revision);
}

/** The commit of a base revision; null for what stands before a root commit. */
async function resolveBase(repository: Repository, revision: string): Promise<Commit | null> {
  if (revision === repository.emptyTree) return null;
  try {
    return await resolveQuickly(repository, revision);
  } catch (error) {
    // `ROOT^` names no commit, yet what is meant is plain.
    const child = revision.endsWith("^")
      ? await repository.resolve(revision.slice(0, -1)).catch(() => null)
      : null;
    if (child === null) throw error;
    return firstParent(repository, child);
  }
}

/** The first parent of a commit; null for a root commit. */
async function firstParent(repository: Repository, commit: Commit): Promise<Commit | null> {
  const [oid] = commit.parents;
  if (oid === undefined) return null;
  const parent = await repository.commit(oid);
  if (parent !== null) return parent;
  throw new VerifodError(
    "usage",
    `the repository lacks ${oid}, the parent of ${commit.oid}: ${fetchAdvice(oid)}`,
  );
}

async function mergeBase(repository: Repository, base: Commit, head: Commit, range: string): Promise<Commit> {
  const args = [`--git-dir=${repository.directory}`, "merge-base", base.oid, head.oid];
  const { status, stdout, stderr } = await runGit(repository.directory, args);
  const found = status === 0 ? await repository.commit(stdout.trim()) : null;
  if (found !== null) return found;
  if (status > 1) throw new VerifodError("outside", `git cannot find a merge base: ${complaint(stderr)}`);
  const advice = repository.shallow
    ? "the history is cut (shallow clone); git fetch --unshallow gets the rest"
    : "their histories are unrelated; compare the two with A..B";
  throw new VerifodError("usage", `${range} has no merge base: ${advice}`);
}

function treesOf(repository: Repository, base: Commit | null, head: Commit): Record<Side, Tree> {
  const { emptyTree } = repository;
  return {
    base: repositoryTree(repository, base?.oid ?? emptyTree, base?.tree ?? emptyTree),
    head: repositoryTree(repository, head.oid, head.tree),
  };
}

async function openChange(repository: Repository, base: Commit | null, head: Commit): Promise<Change> {
  const compared = await compareTrees(repository, base?.tree ?? repository.emptyTree, head.tree);
  const trees = treesOf(repository, base, head);
  const files = await matchRenames(compared.files, trees.base, trees.head);
  const subjects = await subjectsBetween(repository, base, head);
  const { unchecked } = compared;
  const { directory } = repository;
  return { ...trees, files: files.sort(byPath), unchecked, subjects, directory };
}

/** The subjects of the commits from the base to the head, along first parents; null when those do not lead there. */
async function subjectsBetween(
  repository: Repository,
  base: Commit | null,
  head: Commit,
): Promise<readonly string[] | null> {
  const subjects: string[] = [];
  for (let commit = head; subjects.length < MOST_COMMITS; ) {
    if (commit.oid === base?.oid) return subjects;
    subjects.push(commit.subject);
    const [parent] = commit.parents;
    if (parent === undefined) return base === null ? subjects : null;
    const next = parent === base?.oid ? base : await repository.commit(parent);
    if (next === null) return null;
    commit = next;
  }
  return null;
}
