/**
 * Recipes that take the version or the address of another package, where they are easy to find: in the folders below its
 * own, as `xapian/tools/omega`, and in those called as it and more, as `xapian-omega`.
 */
import type { Entry, Tree } from "../change/change.ts";
import { SAYS_WHICH } from "./elsewhere.ts";
import { directoryOf, folderName } from "./source-file.ts";

/** Folders that are looked into, and how far below. */
const MOST_FOLDERS = 12;
const DEPTH = 2;

/** The recipes in the folders where takers of a file's package would be; none where a tree cannot list folders. */
export async function entriesNear(tree: Tree, path: string): Promise<readonly Entry[]> {
  const folder = directoryOf(path);
  if (!tree.folders || folder === "") return [];
  const near = new Set<string>();
  for (const each of await tree.folders(directoryOf(folder), `${folderName(path)}-`, MOST_FOLDERS))
    near.add(each);
  let level: readonly string[] = [folder];
  for (let depth = 0; depth < DEPTH; depth++) {
    const below: string[] = [];
    for (const each of level)
      for (const inner of await tree.folders(each, "", MOST_FOLDERS)) {
        if (near.size >= MOST_FOLDERS) break;
        near.add(inner);
        below.push(inner);
      }
    level = below;
  }
  const found: Entry[] = [];
  for (const each of near)
    for (const name of ["default.nix", "package.nix"]) {
      const entry = await tree.entry(`${each}/${name}`);
      if (entry) found.push(entry);
    }
  return found;
}

const INHERITED =
  /\binherit\s{0,9}\(\s{0,9}(?:pkgs\.)?([A-Za-z_][\w'-]{0,99})\s{0,9}\)([^;]{0,999})|(?<![\w.'-])(?:pkgs\.)?([A-Za-z_][\w'-]{0,99})\.([A-Za-z_][\w'-]{0,99})/g;

/** The names of which a text takes an attribute that says which release of a package they are, or where it is from. */
export function* takenFrom(text: string): Generator<string> {
  for (const [, from, names = "", name = "", attribute = ""] of text.matchAll(INHERITED)) {
    if (from !== undefined) {
      if (names.split(/\s/).some((each) => SAYS_WHICH.test(each))) yield from;
    } else if (SAYS_WHICH.test(attribute)) yield name;
  }
}
