/**
 * Where the packages of a tree are defined, as far as its package lists and its folders say: what a recipe takes by a name
 * that nothing gives it is the package of that name.
 */

import type { Tree } from "../change/change.ts";
import { addTo } from "../lists.ts";
import { namesBoundIn } from "./aliases.ts";
import { type Call, EACH_FOLDER, listPrefix, readCalls } from "./attributes.ts";
import { directoryOf, folderName, normalPath } from "./source-file.ts";
import type { Region } from "./syntax.ts";
import { entriesByDepth } from "./untouched.ts";

/** A list that binds a name, with that entry alone. */
export interface Definition {
  readonly path: string;
  /** Identifies the text. */
  readonly id: string;
  /** The list without its other entries. */
  readonly text: string;
  /** The files and folders that the entry calls. */
  readonly calls: readonly string[];
}

/** The lists of a tree, and the folders in which each folder is a package. */
export interface PackageSet {
  /** The lists that bind a name; null: an entry is too long, or a list that is no plain set may bind it. */
  definitions(name: string): readonly Definition[] | null;
  /** The files that are a package of this name because of where they are; of each group, the first one that is there. */
  places(name: string): readonly (readonly string[])[];
  /** Whether an argument of a file is the package of that name: the file is a package, and no call gives it another one. */
  takes(path: string, name: string): boolean;
}

/** Where lists are: at the top of nixpkgs and of trees like it, and what puts their sets together. */
const FOLDERS = ["", "pkgs/top-level", "stdenv", "pkgs"];
/** Files in one of them: corepkgs has nine. */
const MOST_LISTS = 16;
/** Characters of all lists together: nixpkgs' own have two million, with sixty thousand semicolons. */
const MOST_CHARACTERS = 4_000_000;
const MOST_SEMICOLONS = 200_000;
/** The length of a list with only one of its entries. */
const LONGEST_DEFINITION = 40_000;
const LONGEST_CALL = 10_000;
const OF_FOLDERS = /readDir|AutoCalled|FromDirectory/;

/** Reads the lists of a tree; null: not all of them can be read. */
export async function readPackageSet(tree: Tree): Promise<PackageSet | null> {
  const lists: List[] = [];
  const folders = new Set<string>();
  let characters = 0;
  let semicolons = 0;
  for (const folder of FOLDERS) {
    const entries = (await tree.list(folder)).filter(({ path }) => isListed(path));
    if (entries.length > MOST_LISTS) return null;
    for (const entry of entries) {
      const content = await tree.read(entry);
      if (content.kind !== "text" || entry.kind === "symlink") return null;
      const { text } = content;
      characters += text.length;
      if (characters > MOST_CHARACTERS) return null;
      semicolons += semicolonsIn(text);
      if (semicolons > MOST_SEMICOLONS) return null;
      if (folder === "" || listPrefix(entry.path) === "") lists.push(createList(entry.path, entry.oid, text));
      if (OF_FOLDERS.test(text))
        for (const { name, path } of readCalls(entry.path, text)) if (name === EACH_FOLDER) folders.add(path);
    }
  }
  const byName = (name: string) => `pkgs/by-name/${name.slice(0, 2).toLowerCase()}/${name}/package.nix`;
  const places = (name: string) => [
    [byName(name)],
    ...Array.from(folders, (folder) => [`${folder}/${name}/default.nix`, `${folder}/${name}/package.nix`]),
  ];
  const takers = new Map<string, Taker>();
  function takerAt(path: string): Taker {
    const calls = lists.flatMap((list) => list.callsOf(path));
    const isPackage = calls.length > 0 || places(folderName(path)).some((group) => group.includes(path));
    if (!isPackage || calls.includes(null)) return { isPackage: false, given: new Set() };
    return { isPackage, given: new Set(calls.flatMap((call) => wordsOf(call ?? ""))) };
  }
  return {
    definitions(name) {
      const found: Definition[] = [];
      for (const list of lists) {
        const entries = list.named(name);
        if (entries.length === 0 && list.mayDefine(name)) return null;
        for (const entry of entries) {
          const definition = list.definition(name, entry);
          if (!definition) return null;
          found.push(definition);
        }
      }
      return found;
    },
    places,
    takes(path, name) {
      let taker = takers.get(path);
      if (!taker) {
        taker = takerAt(path);
        takers.set(path, taker);
      }
      return taker.isPackage && !taker.given.has(name);
    },
  };
}

/** A file that may take what it is not given from the set. */
interface Taker {
  readonly isPackage: boolean;
  /** The words of what it is given. */
  readonly given: ReadonlySet<string>;
}

function semicolonsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(";"); at >= 0; at = text.indexOf(";", at + 1)) count++;
  return count;
}

function isListed(path: string): boolean {
  if (!path.endsWith(".nix")) return false;
  // The others there, some sixty in nixpkgs, are lists of other sets.
  return directoryOf(path) !== "pkgs/top-level" || listPrefix(path) === "";
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[A-Za-z_][\w'-]*/g) ?? [];
}

/** A part of what comes before the name of an entry. */
const SPACE = /\s+|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
const NAME = /(?:([A-Za-z_][\w'-]{0,200})|"([^"]{0,200})")\s{0,99}[=.]/y;
const INHERIT = /inherit(?=[\s(])/y;
/** The call of a file with a set that is written out. */
const PLAIN_CALL = /(?<![\w.'-])callPackages?\s+(\.{1,2}\/[\w+./@-]+)\s*\{([\s\S]*)/;

interface List {
  /** The entries that bind a name. */
  named(name: string): readonly Region[];
  /** Whether the text may define a name otherwise than by an entry. */
  mayDefine(name: string): boolean;
  /** Null: there is too much beside it. */
  definition(name: string, entry: Region): Definition | null;
  /** What a file is given by those that call it; null for a call that may give it anything. */
  callsOf(path: string): readonly (string | null)[];
}

function createList(path: string, oid: string, text: string): List {
  // In another file a name may be bound by an overlay, which changes what other lists say.
  const isPlain = listPrefix(path) === "";
  const all = once(() => entriesByDepth(text)?.[1] ?? []);
  const byName = once(() => namedEntries(text, all()));
  const calls = once(() => byPath(readCalls(path, text)));
  const bound = once(() => namesBoundIn(text));
  const others = once(() => withoutEntries(text, all()));
  const named = (name: string) => byName().get(name) ?? [];
  const textOf = ({ start, end }: Region) => text.slice(start, end);
  return {
    named,
    mayDefine: (name) => (!isPlain || all().length === 0) && bound().has(name),
    definition(name, entry) {
      const { rest, places } = others();
      const at = places.get(entry) ?? 0;
      if (rest.length + entry.end - entry.start > LONGEST_DEFINITION) return null;
      const own = textOf(entry);
      return {
        path,
        id: `${oid} ${name}`,
        text: rest.slice(0, at) + own + rest.slice(at),
        calls: readCalls(path, own).map((call) => call.path),
      };
    },
    callsOf(file) {
      const found = [...(calls().get(file) ?? []), ...(calls().get(folderOf(file)) ?? [])];
      return found.map((call) => {
        const [entry, ...others] = named(call.name);
        if (!entry || others.length > 0 || entry.end - entry.start > LONGEST_CALL) return null;
        const [, called = "", given = null] = PLAIN_CALL.exec(textOf(entry)) ?? [];
        return normalPath(`${directoryOf(path)}/${called}`) === call.path ? given : null;
      });
    },
  };
}

/** What a text is without its entries, and where each of them stood. */
function withoutEntries(text: string, entries: readonly Region[]) {
  const pieces: string[] = [];
  const places = new Map<Region, number>();
  let at = 0;
  let length = 0;
  for (const entry of entries) {
    const piece = text.slice(at, entry.start);
    pieces.push(piece);
    length += piece.length;
    places.set(entry, length);
    at = entry.end;
  }
  return { rest: pieces.join("") + text.slice(at), places };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function byPath(calls: readonly Call[]): ReadonlyMap<string, readonly Call[]> {
  const found = new Map<string, Call[]>();
  for (const call of calls) addTo(found, call.path, call);
  return found;
}

/** The folder that a file is the default of; "*" for other files. */
function folderOf(file: string): string {
  return file.endsWith("/default.nix") ? directoryOf(file) : "*";
}

function namedEntries(text: string, entries: readonly Region[]): ReadonlyMap<string, readonly Region[]> {
  const found = new Map<string, Region[]>();
  for (const entry of entries) for (const name of namesOf(text, entry)) addTo(found, name, entry);
  return found;
}

/** The names that an entry binds. */
function namesOf(text: string, { start, end }: Region): readonly string[] {
  let at = start;
  for (SPACE.lastIndex = at; SPACE.test(text); ) at = SPACE.lastIndex;
  INHERIT.lastIndex = at;
  if (INHERIT.test(text)) {
    const names = text.slice(INHERIT.lastIndex, end);
    return wordsOf(names.slice(names.lastIndexOf(")") + 1));
  }
  NAME.lastIndex = at;
  const [, plain, quoted] = NAME.exec(text) ?? [];
  const name = plain ?? quoted;
  return name === undefined ? [] : [name];
}
