/** One side of a change from a repository. */
import { type Entry, SUBMODULE, type Tree } from "./change.ts";
import type { TreeItem } from "./objects.ts";
import type { Repository } from "./repository.ts";

/** The names of the folders in a folder, sorted: a treewide change asks a folder of thousands for some names each time. */
const sortedNames = new WeakMap<ReadonlyMap<string, TreeItem>, readonly string[]>();

function folderNames(items: ReadonlyMap<string, TreeItem>): readonly string[] {
  let names = sortedNames.get(items);
  if (!names) {
    names = [...items].flatMap(([name, { kind }]) => (kind === "tree" ? [name] : [])).sort();
    sortedNames.set(items, names);
  }
  return names;
}

/** The index of the first of some sorted names that is `begin` or stands behind it. */
function firstFrom(names: readonly string[], begin: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] as string) < begin) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The files of the tree object `tree`, shown as those of `commit`. */
export function repositoryTree(repository: Repository, commit: string, tree: string): Tree {
  /** What stands at `path`, or null. */
  async function find(path: string): Promise<TreeItem | null> {
    let item: TreeItem = { kind: "tree", oid: tree };
    if (path === "") return item;
    for (const name of path.split("/")) {
      if (item.kind !== "tree") return null;
      const next: TreeItem | undefined = (await repository.folder(item.oid)).items.get(name);
      if (next === undefined) return null;
      item = next;
    }
    return item;
  }
  async function itemsIn(directory: string): Promise<ReadonlyMap<string, TreeItem>> {
    const item = await find(directory);
    return item?.kind === "tree" ? (await repository.folder(item.oid)).items : new Map();
  }
  const pathIn = (directory: string, name: string) => (directory === "" ? name : `${directory}/${name}`);
  return {
    commit,
    async entry(path) {
      const item = await find(path);
      return item === null ? null : entryOf(path, item);
    },
    async list(directory) {
      const items = [...(await itemsIn(directory))];
      const entries = items.map(([name, item]) => entryOf(pathIn(directory, name), item));
      return entries.filter((entry) => entry !== null);
    },
    async folders(directory, begin, most) {
      const names = folderNames(await itemsIn(directory));
      const first = firstFrom(names, begin);
      const found = names.slice(first, first + most).filter((name) => name.startsWith(begin));
      return found.map((name) => pathIn(directory, name));
    },
    async read({ kind, oid }) {
      return kind === "submodule" ? SUBMODULE : repository.content(oid);
    },
    size: async ({ kind, oid }) => (kind === "submodule" ? null : repository.size(oid)),
  };
}

/** The entry of an item; null for a folder. */
export function entryOf(path: string, { kind, oid }: TreeItem): Entry | null {
  return kind === "tree" ? null : { path, kind, oid };
}
