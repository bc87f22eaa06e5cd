/**
 * Which attributes a file may belong to. These are only candidates, from names and from the text of package lists; evaluation
 * then shows whether an attribute really reads the file.
 */
import type { Tree } from "../change/change.ts";
import {
  type CallCache,
  createCallCache,
  isAttribute,
  listPrefix,
  readAttributes,
} from "../nix/attributes.ts";

/** Shared code, whose changes reach packages that no set of attributes stands for. */
const SHARED = /^(?:lib|stdenv|pkgs\/stdenv|build-support|pkgs\/build-support|pkgs\/pkgs-lib)\//;
/** Files that no package reads. */
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

/** Reads what a tree's package lists say of the files at `paths`; `lists`: package lists that were read before. */
export async function candidatesIn(
  tree: Tree,
  paths: readonly string[],
  lists: CallCache = createCallCache(),
): Promise<Candidates> {
  const listed = await readAttributes(tree, paths, lists);
  return (path) => {
    // If no list names it, a folder or a file often has the name of its attribute.
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
