/** Bringing the index to a revision: only files whose content, or the content of what they need, differs are read. */

import type { Entry, Tree } from "../change/change.ts";
import { compareTrees } from "../change/compare.ts";
import type { Commit } from "../change/objects.ts";
import type { Repository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import { createDocuments, type Documents } from "../nix/documents.ts";
import type { Source } from "../nix/model.ts";
import { createNixSide } from "../nix/side.ts";
import { VERSION } from "../version.ts";
import type { IndexContent, IndexedFile, IndexedPin, PastPins } from "./pin-index.ts";

/** Pins that went are kept until there are so many, the newest. */
const MOST_PAST_PINS = 50_000;

/** What a file with a pin must hold somewhere: the name of a hash attribute, or an SRI hash. */
const MAY_HOLD_PINS = /hash|sha(?:1|256|512)|md5/i;

export interface UpdateOptions {
  readonly documents?: Documents;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The index of `commit`, from the one of any other revision (null: from nothing). What cannot be read is in it as such.
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
  const { changed, known } = await changedSince(repository, commit, previous);
  const stale = new Set([...changed.keys(), ...dependents(known, changed)]);
  const files = new Map(known);
  for (const path of stale) files.delete(path);
  let done = 0;
  let documents = options.documents;
  for (const path of stale) {
    options.onProgress?.(++done, stale.size);
    const entry = changed.get(path) ?? (changed.has(path) ? null : await tree.entry(path));
    if (entry === null || !path.endsWith(".nix")) continue;
    if (entry.kind !== "file" && entry.kind !== "executable") continue;
    const content = await tree.read(entry);
    if (content.kind === "text" && !MAY_HOLD_PINS.test(content.text)) continue;
    documents ??= await createDocuments();
    const file = await readFile(tree, entry, documents);
    documents.trim();
    if (file.pins.length > 0 || file.needed.length > 0 || file.reason !== null) files.set(path, file);
  }
  const past = pastOf(previous, known, files, stale, commit.oid);
  const all = [...files.values()];
  return {
    header: {
      schema: "verifod-index-v1",
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

/** What differs from the indexed tree, by path; null: gone. Without a tree to compare with: everything. */
async function changedSince(
  repository: Repository,
  commit: Commit,
  previous: IndexContent | null,
): Promise<{ changed: Map<string, Entry | null>; known: ReadonlyMap<string, IndexedFile> }> {
  const from = previous?.header.tree ?? repository.emptyTree;
  const compared = await compareTrees(repository, from, commit.tree).catch(() => null);
  if (compared !== null && compared.unchecked.length === 0) {
    const changed = new Map<string, Entry | null>();
    for (const { base, head } of compared.files) {
      if (base !== null && head === null) changed.set(base.path, null);
      if (head !== null) changed.set(head.path, head);
    }
    return { changed, known: previous?.files ?? new Map() };
  }
  // The indexed tree is not there any more (a new clone, a collected one): everything is read again.
  const whole = await compareTrees(repository, repository.emptyTree, commit.tree);
  return {
    changed: new Map(whole.files.flatMap(({ head }) => (head ? [[head.path, head] as const] : []))),
    known: new Map(),
  };
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

async function readFile(tree: Tree, entry: Entry, documents: Documents): Promise<IndexedFile> {
  const needed = new Set<string>();
  const watched: Tree = {
    ...tree,
    async entry(path) {
      needed.add(path);
      return tree.entry(path);
    },
  };
  const side = createNixSide(watched, documents);
  const file = await side.load(entry);
  const sources = file ? await side.sources(entry.path, [{ start: 0, end: file.text.length }]) : [];
  // A pin that stands in another file is indexed with that one.
  const own = sources.filter(({ hashSpan }) => hashSpan.path === entry.path);
  const lineAt = lines(file?.text ?? "");
  return {
    path: entry.path,
    needed: [...needed].sort(),
    pins: own.map((source) => pinOf(source, lineAt)),
    reason: side.unchecked[0]?.reason ?? null,
  };
}

/** A pin as the index has it. `lineAt`: the line of an offset in its file, from 1. */
export function pinOf(source: Source, lineAt: (offset: number) => number): IndexedPin {
  return {
    path: source.path,
    line: lineAt(source.hashSpan.start),
    binding: source.binding,
    fetcher: source.fetcher,
    pname: source.pname,
    version: source.version,
    urls: source.urls.map(({ value }) => value),
    rev: source.rev?.value ?? null,
    hash: source.hash,
  };
}

/** Lines of offsets that only grow: one pass over a text, however many pins it has. */
function lines(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    if (offset < at) {
      line = 1;
      at = 0;
    }
    for (let next = text.indexOf("\n", at); next !== -1 && next < offset; next = text.indexOf("\n", at)) {
      line += 1;
      at = next + 1;
    }
    return line;
  };
}

/** Pins that stood in the previous index and stand nowhere in this one, after those that went before. */
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
