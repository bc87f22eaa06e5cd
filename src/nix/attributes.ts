/**
 * Which attribute paths a file defines, as far as names and package lists say: the folder's name under `by-name`, and
 * what `callPackage` and its kin are given in lists such as `all-packages.nix`.
 */
import { type ByteCache, byteCache } from "../change/cache.ts";
import type { Entry, Tree } from "../change/change.ts";
import { addTo } from "../lists.ts";
import { directoryOf, fileName, normalPath } from "./source-file.ts";

/** https://github.com/NixOS/nixpkgs/blob/master/pkgs/by-name/README.md */
const BY_NAME = /^pkgs\/by-name\/[^/]{2}\/([^/]+)\//;

/** The set that the names of a list are in. https://github.com/NixOS/nixpkgs/tree/master/pkgs/top-level */
const LISTS: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)(?:all-packages|top-level|aliases)\.nix$/, ""],
  [/(?:^|\/)python-packages\.nix$/, "python3Packages."],
  [/(?:^|\/)python2-packages\.nix$/, "python2Packages."],
  [/(?:^|\/)perl-packages\.nix$/, "perlPackages."],
  [/(?:^|\/)php-packages\.nix$/, "phpPackages."],
  [/(?:^|\/)ruby-packages\.nix$/, "rubyPackages."],
  [/(?:^|\/)lua-packages\.nix$/, "luaPackages."],
  [/(?:^|\/)ocaml-packages\.nix$/, "ocamlPackages."],
  [/(?:^|\/)coq-packages\.nix$/, "coqPackages."],
  [/(?:^|\/)beam-packages\.nix$/, "beamPackages."],
  [/(?:^|\/)qt5-packages\.nix$/, "libsForQt5."],
  [/(?:^|\/)qt6-packages\.nix$/, "qt6Packages."],
  [/(?:^|\/)haskell-packages\.nix$/, "haskellPackages."],
  [/(?:^|\/)emacs-packages\.nix$/, "emacsPackages."],
  [/(?:^|\/)linux-kernels\.nix$/, "linuxKernel.kernels."],
  [/(?:^|\/)darwin-packages\.nix$/, "darwin."],
];
/** Lists are at the top of the tree and in this folder. */
const LIST_FOLDERS = ["", "pkgs/top-level"];
/** A list of lists of lists is the deepest seen. */
const DEPTH = 3;
const MOST_ATTRIBUTES = 8;
/** Beyond these, a change is treewide, and the names of its files say enough. */
const MOST_FOLDERS = 60;

/** A call in a list: the name that it is bound to, and the path that it calls. */
export interface Call {
  readonly name: string;
  readonly path: string;
}

/** What stands before the names of a list that is known by its own name, as `python3Packages.`; null for other files. */
export function listPrefix(path: string): string | null {
  return LISTS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** The calls of lists by content id and path: a list is read once per version. */
export type CallCache = ByteCache<readonly Call[]>;

/** Some eight versions of `all-packages.nix` with its 20,000 calls: a process that lives for months meets thousands. */
const CACHED_BYTES = 32_000_000;
const BYTES_A_CALL = 200;

export function createCallCache(): CallCache {
  return byteCache(CACHED_BYTES);
}

/** Gives the attributes of a file. */
export type AttributesOf = (path: string) => readonly string[];

/** Reads what the lists of a tree say of the files at `paths`. What cannot be read names nothing. */
export async function readAttributes(
  tree: Tree,
  paths: readonly string[],
  cache: CallCache,
): Promise<AttributesOf> {
  const calls = new Map<string, (Call & { readonly list: string })[]>();
  if (paths.some((path) => path.endsWith(".nix") && !BY_NAME.test(path))) {
    for (const list of await listsFor(tree, paths)) {
      for (const call of await callsOf(tree, list, cache))
        addTo(calls, call.path, { ...call, list: list.path });
    }
  }
  const called = (path: string, depth: number): readonly string[] =>
    (calls.get(path) ?? []).flatMap(({ list, name }) => prefixes(list, depth).map((prefix) => prefix + name));
  /** What stands before the names of a list, as `python3Packages.`. */
  const prefixes = (list: string, depth: number): readonly string[] => {
    const known = listPrefix(list);
    if (known !== null) return [known];
    if (depth === 0) return [];
    // A list at the top of the tree is the tree's own.
    if (directoryOf(list) === "") return [""];
    return [list, directoryOf(list)].flatMap((path) => called(path, depth - 1)).map((name) => `${name}.`);
  };
  return (path) => {
    const byName = BY_NAME.exec(path)?.[1];
    if (byName !== undefined) return [byName];
    // `./frob` calls frob/default.nix; the other files of a folder belong to what calls the folder.
    const found = new Set([...called(path, DEPTH), ...called(directoryOf(path), DEPTH)]);
    for (let folder = directoryOf(path); found.size === 0 && folder !== ""; folder = directoryOf(folder)) {
      for (const each of called(directoryOf(folder), DEPTH)) {
        if (each.endsWith(EACH_FOLDER)) found.add(each.slice(0, -EACH_FOLDER.length) + fileName(folder));
      }
    }
    return [...found].filter(isAttribute).slice(0, MOST_ATTRIBUTES);
  };
}

async function listsFor(tree: Tree, paths: readonly string[]): Promise<readonly Entry[]> {
  const folders = new Set(LIST_FOLDERS);
  for (const path of paths) {
    for (
      let folder = directoryOf(path);
      folder !== "" && folders.size < MOST_FOLDERS;
      folder = directoryOf(folder)
    ) {
      folders.add(folder);
    }
  }
  const lists: Entry[] = [];
  for (const folder of folders) {
    for (const entry of await tree.list(folder)) {
      if (entry.path.endsWith(".nix") && (entry.kind === "file" || entry.kind === "executable"))
        lists.push(entry);
    }
  }
  return lists;
}

async function callsOf(tree: Tree, list: Entry, cache: CallCache): Promise<readonly Call[]> {
  const key = `${list.oid} ${list.path}`;
  let calls = cache.get(key);
  if (!calls) {
    const content = await tree.read(list);
    calls = content.kind === "text" ? readCalls(list.path, content.text) : [];
    cache.set(key, calls, key.length + calls.length * BYTES_A_CALL);
  }
  return calls;
}

/** Whether a text can be handed to `nix-instantiate -A`. */
export function isAttribute(text: string): boolean {
  return /^[a-zA-Z_][\w'-]*(?:\.[a-zA-Z_0-9][\w'+-]*)*$/.test(text);
}

const CALL =
  /\b(?:callPackages?|callLibs?|callPackage_i686|import|newScope)\b[^;=\n]{0,60}?\s\(?(\.{1,2}\/[\w+./@-]+)/g;

const FOLDER =
  /\b(?:readDir|[a-zA-Z]{0,60}(?:AutoCalled|FromDirectory)[a-zA-Z]{0,60})\s+(\.{1,2}\/[\w+./@-]+)/g;
/** Stands for the name of any folder; no attribute is so called. */
export const EACH_FOLDER = "*";

/** The paths that a list calls, with the name that each is bound to: `frob = callPackage ../tools/frob { };`. */
export function readCalls(list: string, text: string): readonly Call[] {
  const calls: Call[] = [];
  for (const match of text.matchAll(CALL)) {
    const path = normalPath(`${directoryOf(list)}/${match[1] ?? ""}`);
    if (path === null) continue;
    const before = text.slice(Math.max(0, match.index - 300), match.index);
    const inherited = /inherit\s*\([^;]*$/.test(before)
      ? (/^[^)]*\)([^;]*);/.exec(text.slice(match.index, match.index + 2_000))?.[1] ?? "").trim().split(/\s+/)
      : [/(?<![\w'-])([a-zA-Z_][\w'-]*)\s*=(?!=)/.exec(before.slice(before.lastIndexOf(";") + 1))?.[1] ?? ""];
    for (const name of inherited) if (name !== "") calls.push({ name, path });
  }
  // `readDir ./pkgs`, and what libraries build on it: each folder in it is an attribute of its name.
  for (const match of text.matchAll(FOLDER)) {
    const path = normalPath(`${directoryOf(list)}/${match[1] ?? ""}`);
    if (path !== null) calls.push({ name: EACH_FOLDER, path });
  }
  return calls;
}
