/** Which files differ between two trees, by object id: equal folders are not entered. */
import { messageOf } from "../errors.ts";
import { type FileChange, fileChange, type Unchecked } from "./change.ts";
import type { Folder, TreeItem } from "./objects.ts";
import type { Repository } from "./repository.ts";
import { entryOf } from "./tree.ts";

/** To format all of nixpkgs anew changes some 25,000. With 60,000, a change of 100,000 takes 27 MB more (`npm run bench:nasty`). */
const MOST_CHANGED = 40_000;
/** All of nixpkgs has about 50,000 files; a tree that names itself a thousand times over would have no end. */
export const MOST_OF_A_TREE = 500_000;
const MOST_FOLDERS = 200_000;
const DEEPEST = 64;

/** Differing files, not yet matched for renames. */
export interface Comparison {
  readonly files: FileChange[];
  readonly unchecked: Unchecked[];
}

/**
 * Compares two tree objects, until so many files differ.
 * @throws VerifodError (outside) when the repository lacks one of the two themselves; a lacking folder is unchecked.
 */
export async function compareTrees(
  repository: Repository,
  base: string,
  head: string,
  mostFiles: number = MOST_CHANGED,
): Promise<Comparison> {
  const files: FileChange[] = [];
  const unchecked: Unchecked[] = [];
  let folders = 0;
  let cut = false;

  async function walk(prefix: string, depth: number, baseOid: string, headOid: string): Promise<void> {
    if (baseOid === headOid || cut) return;
    if (files.length > mostFiles || ++folders > MOST_FOLDERS) {
      cut = true;
      unchecked.push({ what: "the rest of the change", reason: "more files differ than are looked at" });
      return;
    }
    if (depth > DEEPEST) {
      unchecked.push({ what: prefix, reason: `nested deeper than ${DEEPEST} folders` });
      return;
    }
    let pair: [Folder, Folder];
    try {
      pair = await Promise.all([repository.folder(baseOid), repository.folder(headOid)]);
    } catch (error) {
      if (depth === 0) throw error;
      unchecked.push({ what: prefix, reason: messageOf(error) });
      return;
    }
    const [before, after] = pair;
    for (const [name, reason] of new Map([...before.faults, ...after.faults])) {
      if (before.faults.get(name) !== after.faults.get(name)) unchecked.push({ what: prefix + name, reason });
    }
    for (const [name, item] of before.items) {
      const other = after.items.get(name);
      if (other?.oid === item.oid && other.kind === item.kind) continue;
      await compareItems(prefix + name, depth, item, other);
    }
    for (const [name, item] of after.items) {
      if (!before.items.has(name)) await compareItems(prefix + name, depth, undefined, item);
    }
  }

  async function compareItems(
    path: string,
    depth: number,
    before?: TreeItem,
    after?: TreeItem,
  ): Promise<void> {
    const baseFile = before === undefined ? null : entryOf(path, before);
    const headFile = after === undefined ? null : entryOf(path, after);
    const file = fileChange(baseFile, headFile);
    if (file !== null) files.push(file);
    const folderOf = (item?: TreeItem): string => (item?.kind === "tree" ? item.oid : repository.emptyTree);
    await walk(`${path}/`, depth + 1, folderOf(before), folderOf(after));
  }

  await walk("", 0, base, head);
  return { files, unchecked };
}
