/** Brings the index to a revision: reads only files whose content, or the content of what they need, differs. */
import type { Entry, Unchecked } from "../change/change.ts";
import { compareTrees, MOST_OF_A_TREE } from "../change/compare.ts";
import type { Commit } from "../change/objects.ts";
import type { Repository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import { createDocuments, type Documents } from "../nix/documents.ts";
import { VERSION } from "../version.ts";
import type { IndexContent, IndexedFile, IndexedPin, PastPins } from "./pin-index.ts";
import { blobKey, blobsKey, readPins } from "./read-pins.ts";

/** At most so many removed pins are kept, the newest. */
const MOST_PAST_PINS = 50_000;

/** Reads files of a commit and reports each as it is read, in no particular order. */
export type ReadMany = (
  entries: readonly Entry[],
  commit: Commit,
  onFile: (file: IndexedFile | null) => void,
) => Promise<void>;

/** Fewer files are read here before a thread has started. */
const MANY_FILES = 300;

export interface UpdateOptions {
  readonly documents?: Documents;
  /** What reads many files, as on threads; absent: they are read here. */
  readonly readMany?: ReadMany;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The index of `commit`, made from that of any other revision (null: from nothing). It names what cannot be read.
 * @throws VerifodError (outside) when the repository lacks the commit's tree.
 */
export async function updateIndex(
  repository: Repository,
  commit: Commit,
  previous: IndexContent | null,
  options: UpdateOptions = {},
): Promise<IndexContent> {
  if (previous?.header.tree === commit.tree) {
    return { ...previous, header: { ...previous.header, commit: commit.oid } };
  }
  const tree = repositoryTree(repository, commit.oid, commit.tree);
  const known: ReadonlyMap<string, IndexedFile> = previous?.files ?? new Map();
  const { changed, unread } = await changedSince(repository, commit, previous);
  const stale = new Set([...changed.keys(), ...dependents(known, changed)]);
  const files = new Map(known);
  const entries: Entry[] = [];
  for (const path of stale) {
    files.delete(path);
    const entry = changed.get(path) ?? (changed.has(path) ? null : await tree.entry(path));
    if (entry !== null) entries.push(entry);
  }
  let done = 0;
  const take = (file: IndexedFile | null) => {
    options.onProgress?.(++done, entries.length);
    if (file !== null) files.set(file.path, file);
  };
  if (options.readMany && entries.length >= MANY_FILES) await options.readMany(entries, commit, take);
  else {
    let documents = options.documents;
    const needed = async () => (documents ??= await createDocuments());
    for await (const file of readPins(tree, entries, needed)) take(file);
  }
  for (const { what: path, reason } of unread)
    files.set(path, { path, blob: "", needed: [], neededBlobs: "", pins: [], reason });
  const past = pastOf(previous, known, files, stale, commit.oid);
  const all = [...files.values()];
  return {
    header: {
      schema: "verifod-index-v3",
      tool: VERSION,
      commit: commit.oid,
      tree: commit.tree,
      files: all.length,
      pins: all.reduce((sum, { pins }) => sum + pins.length, 0),
      unread: all.filter(({ reason }) => reason !== null).length,
    },
    files,
    past,
  };
}

interface Changed {
  /** Files that differ from the indexed tree, by path; null: removed. Without an index: all files. */
  readonly changed: ReadonlyMap<string, Entry | null>;
  /** Files that could not be looked at. */
  readonly unread: readonly Unchecked[];
}

async function changedSince(
  repository: Repository,
  commit: Commit,
  previous: IndexContent | null,
): Promise<Changed> {
  const changed = new Map<string, Entry | null>();
  const from = previous?.header.tree ?? repository.emptyTree;
  const compared = await compareTrees(repository, from, commit.tree, MOST_OF_A_TREE).catch(() => null);
  if (compared !== null && compared.unchecked.length === 0) {
    for (const { base, head } of compared.files) {
      if (base !== null && head === null) changed.set(base.path, null);
      if (head !== null) changed.set(head.path, head);
    }
    return { changed, unread: [] };
  }
  // The indexed tree is missing (a new or shallow clone): the names of contents tell what is unchanged.
  const whole = await compareTrees(repository, repository.emptyTree, commit.tree, MOST_OF_A_TREE);
  const entries = new Map(whole.files.flatMap(({ head }) => (head ? [[head.path, head] as const] : [])));
  for (const [path, entry] of entries) {
    const known = previous?.files.get(path);
    const isSame =
      known?.blob === blobKey(entry.oid) &&
      known.neededBlobs === blobsKey(known.needed, (needed) => entries.get(needed)?.oid ?? null);
    if (!isSame) changed.set(path, entry);
  }
  for (const path of previous?.files.keys() ?? []) if (!entries.has(path)) changed.set(path, null);
  return { changed, unread: whole.unchecked };
}

/** The files whose pins depend on one that differs. */
function dependents(
  known: ReadonlyMap<string, IndexedFile>,
  changed: ReadonlyMap<string, Entry | null>,
): readonly string[] {
  return [...known.values()]
    .filter(({ needed }) => needed.some((path) => changed.has(path)))
    .map(({ path }) => path);
}

/** Removed pins: those removed earlier, then those that the previous index has and this one does not. */
function pastOf(
  previous: IndexContent | null,
  known: ReadonlyMap<string, IndexedFile>,
  files: ReadonlyMap<string, IndexedFile>,
  stale: ReadonlySet<string>,
  until: string,
): readonly PastPins[] {
  const gone: PastPins[] = [];
  for (const path of stale) {
    const now = new Set(files.get(path)?.pins.map(identityOf));
    const pins = known.get(path)?.pins.filter((pin) => pin.hash !== null && !now.has(identityOf(pin))) ?? [];
    if (pins.length > 0) gone.push({ until, path, pins });
  }
  const kept: PastPins[] = [];
  let count = 0;
  for (const past of [...gone, ...(previous?.past ?? [])]) {
    count += past.pins.length;
    if (count > MOST_PAST_PINS) break;
    kept.push(past);
  }
  return kept;
}

function identityOf({ hash, urls, rev, version, pname }: IndexedPin): string {
  return JSON.stringify([hash, urls, rev, version, pname]);
}
