/**
 * Which attributes a file may belong to. These are candidates only, from names and from the text of package lists;
 * evaluation then shows whether an attribute really reads the file.
 */
import type { Tree } from "../change/change.ts";
import {
  type CallCache,
  createCallCache,
  isAttribute,
  listPrefix,
  readAttributes,
} from "../nix/attributes.ts";

/** Where changes reach packages that are not named: no set of attributes stands for them. */
const SHARED = /^(?:lib|stdenv|pkgs\/stdenv|build-support|pkgs\/build-support|pkgs\/pkgs-lib)\//;
/** What no package reads. */
const UNRELATED =
  /^(?:doc|docs|nixos|maintainers|ci|\.github|lib\/tests)\/|^[^/]*\.md$|^(?:LICENSE|COPYING|\.\w+|CODEOWNERS|flake\.lock|flake\.nix)$/;
const MAX_CANDIDATES = 8;

export function isShared(path: string): boolean {
  return SHARED.test(path);
}

export function isUnrelated(path: string): boolean {
  return UNRELATED.test(path);
}

/** Candidates for a file, the likeliest first. */
export type Candidates = (path: string) => readonly string[];

/** Reads what a tree's package lists say of the files at `paths`; `lists`: those that were read before. */
export async function candidatesIn(
  tree: Tree,
  paths: readonly string[],
  lists: CallCache = createCallCache(),
): Promise<Candidates> {
  const listed = await readAttributes(tree, paths, lists);
  return (path) => {
    // Where no list says anything, a folder or a file is often called as its attribute is.
    const names = path
      .replace(/\.nix$/, "")
      .split("/")
      .slice(1)
      .reverse();
    return [...new Set([...listed(path), ...names.slice(0, 2)])].filter(isAttribute).slice(0, MAX_CANDIDATES);
  };
}

/** The attributes that lines of a package list name; null when the file is no package list. */
export function namedIn(path: string, lines: readonly string[]): readonly string[] | null {
  const prefix = listPrefix(path);
  if (prefix === null) return null;
  const names = lines.flatMap((line) => /^ {0,4}([a-zA-Z_][\w'-]*)\s*=(?!=)/.exec(line)?.[1] ?? []);
  return names.map((name) => prefix + name).filter(isAttribute);
}
