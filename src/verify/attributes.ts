/**
 * Which attributes a file may belong to. These are candidates only, from names and from the text of package lists;
 * evaluation then shows whether an attribute really reads the file.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { attributesOf } from "../nix/attributes.ts";

/** Where changes reach packages that are not named: no set of attributes stands for them. */
const SHARED = /^(?:lib|stdenv|pkgs\/stdenv|build-support|pkgs\/build-support|pkgs\/pkgs-lib)\//;
/** What no package reads. */
const UNRELATED =
  /^(?:doc|docs|nixos|maintainers|ci|\.github|lib\/tests)\/|^[^/]*\.md$|^(?:LICENSE|COPYING|\.\w+|CODEOWNERS|flake\.lock|flake\.nix)$/;

export function isShared(path: string): boolean {
  return SHARED.test(path);
}

export function isUnrelated(path: string): boolean {
  return UNRELATED.test(path);
}

/** A package list by its name: the set that its names are in. https://github.com/NixOS/nixpkgs/tree/master/pkgs/top-level */
const LISTS: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)(?:all-packages|top-level|aliases|variants)\.nix$/, ""],
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

/** The candidates of files: attributes by the path that a package list calls. */
export interface AttributeIndex {
  /** Candidates for a file, the likeliest first. */
  candidates(path: string): readonly string[];
  /** The attributes that a package list's lines name; null when the file is no package list. */
  named(path: string, lines: readonly string[]): readonly string[] | null;
}

/** Reads the package lists of a tree on disk: those at the top, and those beside the files of `paths`. */
export function attributeIndex(tree: string, paths: readonly string[]): AttributeIndex {
  const lists = new Set([...nixFilesIn(tree, ""), ...nixFilesIn(tree, "pkgs/top-level")]);
  for (const path of paths) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
      for (const file of nixFilesIn(tree, folder).slice(0, MAX_FILES_OF_A_FOLDER)) lists.add(file);
    }
  }
  const calls = new Map<string, { readonly list: string; readonly name: string }[]>();
  for (const list of lists) {
    for (const { name, path } of callsOf(join(tree, list), list)) {
      calls.set(path, [...(calls.get(path) ?? []), { list, name }]);
    }
  }
  const called = (path: string, depth: number): readonly string[] =>
    (calls.get(path) ?? []).flatMap(({ list, name }) => prefixes(list, depth).map((prefix) => prefix + name));
  /** What stands before the names of a list, as `python3Packages.`. */
  const prefixes = (list: string, depth: number): readonly string[] => {
    const known = LISTS.find(([pattern]) => pattern.test(list));
    if (known) return [known[1]];
    if (depth === 0) return [""];
    const outer = [list, ...(list.endsWith("/default.nix") ? [dirname(list)] : [])].flatMap((path) =>
      called(path, depth - 1),
    );
    return [...new Set([...outer.map((name) => `${name}.`), ""])];
  };
  return {
    candidates(path) {
      const byName = attributesOf(path);
      if (byName.length > 0) return byName;
      const found: string[] = [...called(path, DEPTH)];
      for (let folder = dirname(path); found.length === 0 && folder !== "."; folder = dirname(folder)) {
        found.push(...called(folder, DEPTH), ...called(`${folder}/default.nix`, DEPTH));
      }
      for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
        if (!existsSync(join(tree, folder, "default.nix")) && !existsSync(join(tree, folder, "package.nix")))
          continue;
        found.push(folder.slice(folder.lastIndexOf("/") + 1));
        break;
      }
      return [...new Set(found)].filter(isAttribute).slice(0, MAX_CANDIDATES);
    },
    named(path, lines) {
      const known = LISTS.find(([pattern]) => pattern.test(path));
      if (!known) return null;
      const names = lines.flatMap((line) => /^ {0,4}([a-zA-Z_][\w'-]*)\s*=(?!=)/.exec(line)?.[1] ?? []);
      return names.map((name) => known[1] + name).filter(isAttribute);
    },
  };
}

const DEPTH = 3;
const MAX_CANDIDATES = 6;
const MAX_FILES_OF_A_FOLDER = 40;
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** Whether a text can be handed to `nix-instantiate -A`. */
export function isAttribute(text: string): boolean {
  return /^[a-zA-Z_][\w'-]*(?:\.[a-zA-Z_0-9][\w'+-]*)*$/.test(text);
}

function nixFilesIn(tree: string, folder: string): readonly string[] {
  try {
    return readdirSync(join(tree, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".nix"))
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch {
    return [];
  }
}

const CALL =
  /\b(?:callPackages?|callLibs?|callPackage_i686|callCabal2nix|import|newScope|mkDerivation)\b[^;=\n]{0,60}?\s\(?(\.{1,2}\/[\w+./@-]+)/g;

/** The paths that a list calls, with the name that each is bound to. */
function callsOf(file: string, list: string): readonly { readonly name: string; readonly path: string }[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  if (text.length > MAX_LIST_BYTES) return [];
  const calls: { name: string; path: string }[] = [];
  for (const match of text.matchAll(CALL)) {
    const path = normalize(join(dirname(list), match[1] ?? ""));
    if (path.startsWith("..")) continue;
    const before = text.slice(Math.max(0, match.index - 300), match.index);
    const name = [...before.matchAll(/([a-zA-Z_][\w'-]*)\s*=(?!=)[^;]*$/g)].at(-1)?.[1];
    if (/inherit\s*\([^;]*$/.test(before)) {
      const names = /^[^)]*\)([^;]*);/.exec(text.slice(match.index, match.index + 2_000))?.[1] ?? "";
      for (const inherited of names.trim().split(/\s+/))
        if (inherited !== "") calls.push({ name: inherited, path });
    } else if (name !== undefined) calls.push({ name, path });
  }
  return calls;
}
