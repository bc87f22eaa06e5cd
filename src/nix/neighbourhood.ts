/** Which files near one may affect its pins, or may be affected by it: told by their texts. */
import type { Entry, Tree } from "../change/change.ts";
import { BIG_CHARACTERS } from "./affected.ts";
import {
  callersOf,
  holdsHashes,
  isUsual,
  NEIGHBOUR_LIMIT,
  namedBelow,
  namesFile,
  takesAsScript,
  takesHashes,
} from "./neighbours.ts";
import { directoryOf, folderName, type NixFile, type SourceFile } from "./source-file.ts";
import { hasPath } from "./sources.ts";
import { entriesNear, takenFrom } from "./takers.ts";

/** What this needs of the side that the files are of. */
interface Files {
  readonly tree: Tree;
  /** A loaded file; undefined: it was not loaded. */
  loaded(path: string): SourceFile | null | undefined;
  load(entry: Entry): Promise<SourceFile | null>;
  /** The paths of the other Nix files in the folder of a file, likely users of it first. */
  beside(path: string): Promise<readonly string[]>;
}

/** A file with hashes, near another one. */
export interface NearUser {
  readonly path: string;
  /** One of the two names the other, or a third both; else its hashes may be handed to the other by their names. */
  readonly isPart: boolean;
}

export interface Neighbourhood {
  /**
   * The files with hashes whose pins may depend on a file: those that hand their hashes to it, as `variants.nix` to
   * `generic.nix`, those that read it, and those that it hands a version.
   */
  users(path: string): Promise<readonly NearUser[]>;
  /**
   * The Nix files nearby whose values may be made with a file: those that name it, those that name these, and those that take
   * an attribute of its package.
   */
  readers(path: string): Promise<readonly string[]>;
  /** Whether a Nix file beside or above takes a text as a script, though nothing in it says that it is one. */
  takesAsScript(path: string): Promise<boolean>;
}

export function createNeighbourhood({ tree, loaded, load, beside }: Files): Neighbourhood {
  /** The Nix files that may have a part in a file's package: those beside it, those that it names, its callers. */
  async function* neighbours(
    path: string,
    named: readonly string[] = [],
    handsOn = false,
  ): AsyncGenerator<NixFile> {
    const text = loaded(path)?.text;
    const siblings = await beside(path);
    const areParts = handsOn || siblings.length <= NEIGHBOUR_LIMIT;
    const near = new Set([
      ...named,
      ...(areParts ? siblings.slice(0, NEIGHBOUR_LIMIT) : siblings.filter(isUsual)),
      // Who has hashes is a package; who has none may be a part of one.
      ...(text === undefined || !holdsHashes(text) ? callersOf(directoryOf(path)) : []),
    ]);
    for (const each of await below(path)) near.add(each);
    near.delete(path);
    for (const each of near) {
      const entry = await tree.entry(each);
      const file = entry && (await load(entry));
      if (file?.kind === "nix") yield file;
    }
  }

  /**
   * Recipes in the folders below a file's own, and in those beside it, which may read it as `../pins.json` or as
   * `../data/pins.json`; none where it is a recipe itself, or there are many: a collection shares no file of pins.
   */
  async function below(path: string): Promise<readonly string[]> {
    const own = directoryOf(path);
    if (!tree.folders || own === "" || /(?:^|\/)(?:default|package)\.nix$/.test(path)) return [];
    const found = new Set<string>();
    const add = async (folders: readonly string[]) => {
      const more: string[] = [];
      for (const each of folders) {
        if (more.length <= NEIGHBOUR_LIMIT)
          more.push(...((await tree.folders?.(each, "", NEIGHBOUR_LIMIT + 1)) ?? []));
      }
      if (found.size + more.length <= NEIGHBOUR_LIMIT) for (const each of more) found.add(each);
    };
    await add([own]);
    await add([...found]);
    if (directoryOf(own) !== "") await add([directoryOf(own)]);
    found.delete(own);
    return [...found].flatMap((each) => [`${each}/default.nix`, `${each}/package.nix`]);
  }

  interface Near {
    readonly files: readonly NixFile[];
    /** The file fetches with hashes that others hand to it. */
    readonly handsOn: boolean;
    /** The files that it names. */
    readonly named: readonly string[];
  }

  /** The files near one that may affect its pins, or whose pins it may affect; null: it affects no others. */
  async function near(path: string): Promise<Near | null> {
    const file = loaded(path);
    const isCode = file?.kind === "nix";
    const handsOn = isCode && takesHashes(file.text);
    const named = isCode ? namedBelow(file) : [];
    // A package with its own hashes is hardly a part of another: not worth requests of every review.
    if (tree.remote && isCode && !handsOn && named.length === 0 && holdsHashes(file.text)) return null;
    const found: NixFile[] = [];
    // A larger one is a list of many packages, none of which is the file's own.
    for await (const each of neighbours(path, named, handsOn))
      if (handsOn || each.text.length < BIG_CHARACTERS) found.push(each);
    return { files: found, handsOn, named };
  }

  /** Recipes that take an attribute of the package that a Nix file is of, by the name of its folder. */
  async function takers(path: string, around: readonly NixFile[]): Promise<readonly string[]> {
    if (tree.remote || !path.endsWith(".nix")) return [];
    const all = new Set(around);
    for (const entry of await entriesNear(tree, path)) {
      const file = await load(entry);
      if (file?.kind === "nix" && file.text.length < BIG_CHARACTERS) all.add(file);
    }
    const name = folderName(path);
    const takes = ({ text }: NixFile) => text.includes(name) && [...takenFrom(text)].includes(name);
    return [...all].filter(takes).map((file) => file.path);
  }

  return {
    async users(path) {
      const around = await near(path);
      if (!around) return [];
      const { files: all, handsOn, named } = around;
      const readers = all.filter((user) => namesFile(user, path));
      const isPart = (user: NixFile) =>
        named.includes(user.path) ||
        readers.includes(user) ||
        (!hasPath(user.text) && readers.some((reader) => namesFile(reader, user.path)));
      return all
        .filter((user) => holdsHashes(user.text))
        .map((user) => ({ path: user.path, isPart: isPart(user) }))
        .filter((user) => user.isPart || handsOn);
    },
    async readers(path) {
      const all = (await near(path))?.files ?? [];
      const found = new Set([path]);
      // A set that grows while it is gone through.
      for (const each of found)
        for (const user of all)
          if (user.text.length < BIG_CHARACTERS && namesFile(user, each)) found.add(user.path);
      for (const taker of await takers(path, all)) found.add(taker);
      found.delete(path);
      return [...found];
    },
    async takesAsScript(path) {
      for await (const near of neighbours(path)) if (takesAsScript(near, path)) return true;
      return false;
    },
  };
}
