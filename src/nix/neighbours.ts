/** Which files of one package have a part in each other's pins, by their texts: no file is parsed for it. */
import { directoryOf, normalPath, type SourceFile } from "./source-file.ts";

/** More files than these in one folder are a collection, not parts of one package. */
export const NEIGHBOUR_LIMIT = 12;

const SET_BY_NAME = /\b(?:hash|sha(?:1|256|512))\s*=\s*[A-Za-z_]/i;
const INHERITED = /\binherit\b[^;]*/g;
const HASH = /hash|sha(?:1|256|512)/i;
const BOUND_TO_TEXT = /(?<![\w.-])([\w.-]+)"?\s*=\s*"/g;
const LITERAL = /"(?:(?:sha(?:1|256|512)|md5)[-:])?[A-Za-z0-9+/]{26,128}={0,2}"/;

/** Whether a hash comes from elsewhere: `inherit sha256;`, `hash = src-hash;`. */
export function takesHashes(text: string): boolean {
  if (SET_BY_NAME.test(text)) return true;
  for (const [names] of text.matchAll(INHERITED)) if (HASH.test(names)) return true;
  return false;
}

/** Whether a text binds a name of a hash to a string, or has what looks like one. */
export function holdsHashes(text: string): boolean {
  if (LITERAL.test(text)) return true;
  for (const [, name = ""] of text.matchAll(BOUND_TO_TEXT)) if (HASH.test(name)) return true;
  return false;
}

/** The names under which nixpkgs keeps the functions and the users of data files. */
const USERS = ["generic.nix", "default.nix", "package.nix", "common.nix"];

/** The order of paths in which likely users of others come first. */
export function usersFirst(a: string, b: string): number {
  return rank(a) - rank(b);
}

/** Whether a file is called as one that others are the parts of. */
export function isUsual(path: string): boolean {
  return rank(path) < USERS.length;
}

function rank(path: string): number {
  const index = USERS.findIndex((name) => path.endsWith(`/${name}`));
  return index < 0 ? USERS.length : index;
}

const PATH_BELOW = /(?<![\w.])\.\/([\w.+/-]+)/g;

/**
 * The Nix files in the folder of a file, or below it, that its text names: `./generic.nix`, `./plugins` as its default. None
 * when there are many: it is a list of packages.
 */
export function namedBelow({ path, text }: SourceFile): readonly string[] {
  const named = new Set<string>();
  for (const [, below = ""] of text.matchAll(PATH_BELOW)) {
    const at = normalPath(`${directoryOf(path)}/${below}`);
    if (at === null || at === "") continue;
    if (at.endsWith(".nix")) named.add(at);
    else if (!/\.\w+$/.test(at)) named.add(`${at}/default.nix`);
    if (named.size > NEIGHBOUR_LIMIT) return [];
  }
  return [...named];
}

const READS_DATA = /readFile|fileContents|importJSON|importTOML/;

/** Whether a Nix file names another in its folder or below; what is not code must be read by a function. */
export function names({ path: of, text }: SourceFile, path: string): boolean {
  if (!path.endsWith(".nix") && !READS_DATA.test(text)) return false;
  const folder = directoryOf(of);
  const own = path.slice(folder === "" ? 0 : folder.length + 1);
  if (text.includes(`./${own}`)) return true;
  if (!own.endsWith("default.nix")) return false;
  return text.includes(own === "default.nix" ? "./." : `./${directoryOf(own)}`);
}
