/** Which files of one package may affect each other's pins, told by their texts: no file is parsed for it. */
import { LITERAL } from "./sites.ts";
import { directoryOf, normalPath, type SourceFile } from "./source-file.ts";

/** More files than these in one folder are a collection, not parts of one package. */
export const NEIGHBOUR_LIMIT = 12;

const SET_BY_NAME = /\b(?:hash|sha(?:1|256|512))\s*=\s*[A-Za-z_]/i;
const INHERITED = /\binherit\b[^;]*/g;
const HASH = /hash|sha(?:1|256|512)/i;
const BOUND_TO_TEXT = /(?<![\w.-])([\w.-]+)"?\s*=\s*"/g;
const ANY_LITERAL = new RegExp(LITERAL.source);

/** Whether a hash comes from elsewhere: `inherit sha256;`, `hash = src-hash;`. */
export function takesHashes(text: string): boolean {
  if (SET_BY_NAME.test(text)) return true;
  for (const [names] of text.matchAll(INHERITED)) if (HASH.test(names)) return true;
  return false;
}

/** Whether a text binds a name of a hash to a string, or has what looks like one. */
export function holdsHashes(text: string): boolean {
  if (ANY_LITERAL.test(text)) return true;
  for (const [, name = ""] of text.matchAll(BOUND_TO_TEXT)) if (HASH.test(name)) return true;
  return false;
}

/** The names under which nixpkgs keeps the functions and the users of data files. */
const USERS = ["generic.nix", "default.nix", "package.nix", "common.nix"];

/** Files that may call what stands in a folder: those of the folder above that have the usual name of a package. */
export function callersOf(folder: string): readonly string[] {
  if (folder === "") return [];
  return ["default.nix", "package.nix"].map((name) => normalPath(`${directoryOf(folder)}/${name}`) ?? name);
}

/** The order of paths in which likely users of others come first. */
export function usersFirst(a: string, b: string): number {
  return rank(a) - rank(b);
}

/** Whether a file has a name that nixpkgs gives to files which others are parts of. */
export function isUsual(path: string): boolean {
  return rank(path) < USERS.length;
}

function rank(path: string): number {
  const index = USERS.findIndex((name) => path.endsWith(`/${name}`));
  return index < 0 ? USERS.length : index;
}

const PATH_BELOW = /(?<![\w.])\.\/([\w.+/-]+)/g;

/** The paths in its folder, or below it, that a text names. */
export function pathsBelow(text: string): ReadonlySet<string> {
  return new Set(Array.from(text.matchAll(PATH_BELOW), ([, below = ""]) => below));
}

/**
 * The Nix files in the folder of a file, or below it, that its text names: `./generic.nix`, `./plugins` as its default. None
 * when there are many: it is a list of packages.
 */
export function namedBelow({ path, text }: SourceFile): readonly string[] {
  const named = new Set<string>();
  for (const below of pathsBelow(text)) {
    const at = normalPath(`${directoryOf(path)}/${below}`);
    if (at === null || at === "") continue;
    if (at.endsWith(".nix")) named.add(at);
    else if (!/\.\w+$/.test(at)) named.add(`${at}/default.nix`);
    if (named.size > NEIGHBOUR_LIMIT) return [];
  }
  return [...named];
}

/** Files that are no scripts, whatever names them, unless they are run as one. */
const NO_SCRIPT =
  /\.(?:[ch](?:c|pp|xx)?|rs|go|[cm]?[jt]s|java|rb|lua|el|php|hs|ml|json[5c]?|xml|html?|css|svg|md|rst|adoc|lock|toml|ya?ml|ini|conf|cfg|service|desktop|plist|csv|sql|cabal|gradle|cmake)$/;
/** What stands before a path that is run: `bash ${./x}`, `source ${./x}`, `builder = ./x`, `args = [ ./x`, `readFile ./x`. */
const RUNS =
  /(?:(?:\b(?:ba|da|z|k)?sh|\bsource|\bexec|(?<!\S)\.)\s[^\n;&|]{0,80}\$\{\s{0,9}|\b(?:builder|setupHook|updateScript)\s{0,9}=\s{0,9}|\bpatch\b[^\n;&|]{0,80}\$\{\s{0,9}|\bpatches\s{0,9}=[^;]{0,150}|\bargs\s{0,9}=\s{0,9}\[[^\]]{0,150}|\b(?:readFile|fileContents|importTOML)\s{1,9})$/;
const BEFORE_PATH = 200;
/** Mentions of a path that are looked at; who names one more often may as well run it. */
const MOST_MENTIONS = 1_000;

/** Whether a Nix file has a text below it run, or put where scripts are, as far as the two texts say. */
export function takesAsScript({ path: of, text }: SourceFile, path: string): boolean {
  const folder = directoryOf(of);
  const own = `./${path.slice(folder === "" ? 0 : folder.length + 1)}`;
  let mentions = 0;
  for (let at = text.indexOf(own); at >= 0; at = text.indexOf(own, at + own.length)) {
    if (++mentions > MOST_MENTIONS) return true;
    // `./setup` is not named by `./setup.sh`, nor `./x` by `../x`.
    if (/[\w.+-]/.test(text[at + own.length] ?? "") || text[at - 1] === ".") continue;
    if (!NO_SCRIPT.test(path) || RUNS.test(text.slice(Math.max(0, at - BEFORE_PATH), at))) return true;
  }
  return false;
}

const READS_DATA = /readFile|fileContents|importJSON|importTOML/;

/**
 * Whether a Nix file names a file in its folder, below it, or below one of the two folders above; where that is not Nix, the
 * Nix file must also read data.
 */
export function namesFile({ path: of, text }: SourceFile, path: string): boolean {
  if (!path.endsWith(".nix") && !READS_DATA.test(text)) return false;
  const folder = directoryOf(of);
  if (folder !== "" && !path.startsWith(`${folder}/`)) {
    const above = directoryOf(folder);
    if (path.startsWith(`${above}/`)) return text.includes(`../${path.slice(above.length + 1)}`);
    const top = directoryOf(above);
    return top !== "" && path.startsWith(`${top}/`) && text.includes(`../../${path.slice(top.length + 1)}`);
  }
  const own = path.slice(folder === "" ? 0 : folder.length + 1);
  if (text.includes(`./${own}`)) return true;
  if (!own.endsWith("default.nix")) return false;
  return text.includes(own === "default.nix" ? "./." : `./${directoryOf(own)}`);
}
