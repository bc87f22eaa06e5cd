/** What a recipe takes from another package, as `inherit (xapian) version;`, where that package's text decides it. */
import { apply, asSet, evaluateAt } from "./evaluate.ts";
import type { Definition, PackageSet } from "./package-set.ts";
import { createSession, isExhausted, type Session, STEP_LIMIT } from "./session.ts";
import { FileNeeded, type NixFile, type SourceFiles } from "./source-file.ts";
import { resultOf } from "./trace.ts";
import { knownText, set as setOf, type Thunk, textValue, type Value } from "./value.ts";

/** What evaluation of other packages is given. */
export interface Packages {
  readonly files: SourceFiles;
  /** The lists of the tree; null: not all can be read; undefined: they must be read first. */
  set(): PackageSet | null | undefined;
  /** A list with one of its entries, as a file. */
  listed(definition: Definition): NixFile;
  /** Whether a limit makes some file count as absent: then nothing can be said. */
  isCut(): boolean;
  /** Is told that more packages are asked for than are looked at. */
  onTooMany(taker: string): void;
}

/** Packages of which one side of a change asks for attributes: an honest one asks for two or three. */
const MOST_PACKAGES = 64;
/** How many packages may take their attributes from one another in turn. */
const MOST_IN_TURN = 4;
/** A version takes some dozen steps. */
const MOST_STEPS = 10_000;
const LONGEST_PACKAGE = 200_000;
/** `xapian = xapian_1_4;` and so on. */
const MOST_ALIASES = 4;

/** Attributes that say which release a package is, or where it is from; outputs, flags and functions are not looked up. */
export const SAYS_WHICH = /version|url|^rev$|[a-z]Rev$|release|branch|^tag$|^owner$|^repo$|^p?name$/i;
/** Arguments that are no packages. */
const NO_PACKAGE = /^(?:lib|config|system|stdenv\w*|fetch\w*|self|super|final|prev|\w*Packages)$/;

/** Functions that make a package of what they are given, and whose result shows it. */
const MAKES_PACKAGE =
  /^(?:mkDerivation|build(?:Go\d*Module|RustPackage|NpmPackage|Python(?:Package|Application)))$/;

/** Makes the `elsewhere` of one side's files. Throws `FileNeeded` for files that it must see first. */
export function createElsewhere(packages: Packages): NonNullable<SourceFiles["elsewhere"]> {
  const known = new Map<string, Value | null>();
  const asked = new Set<string>();
  const running = new Set<string>();

  return (names, taker) => {
    const path = names[0] === "pkgs" ? names.slice(1) : names;
    const [name = "", attribute = ""] = path;
    if (path.length !== 2 || !SAYS_WHICH.test(attribute) || NO_PACKAGE.test(name)) return null;
    if (packages.isCut()) return null;
    const set = packages.set();
    if (set === undefined) throw new FileNeeded("", "lists");
    if (!set?.takes(taker, names[0] ?? "")) return null;
    const key = `${name}.${attribute}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    // The version leads back to itself, or through too many packages.
    if (running.has(key) || running.size >= MOST_IN_TURN) return null;
    if (!asked.has(name) && asked.size >= MOST_PACKAGES) {
      packages.onTooMany(taker);
      return null;
    }
    asked.add(name);
    running.add(key);
    let text: string | null;
    try {
      text = textOf(packages, set, name, attribute);
    } finally {
      running.delete(key);
    }
    const value = text === null ? null : textValue(text);
    // On the way to another package, it may only be these limits that leave it unknown: it is then not kept.
    if (value || running.size === 0) known.set(key, value);
    return value;
  };
}

function textOf(packages: Packages, set: PackageSet, name: string, attribute: string): string | null {
  const session = createSession(packages.files);
  session.steps = STEP_LIMIT - MOST_STEPS;
  const value = packageNamed(session, packages, set, name);
  const text = value && attributeOf(session, value, attribute);
  return session.isCut || session.isOverridden || isExhausted(session) ? null : text;
}

/** The value of a package; null: several places define it, or the one that does is not followed. */
function packageNamed(session: Session, packages: Packages, set: PackageSet, first: string): Value | null {
  let name = first;
  for (let count = 0; count <= MOST_ALIASES; count++) {
    const definitions = set.definitions(name);
    if (!definitions || definitions.length > 1) return null;
    const places = set.places(name).flatMap((paths) => placeIn(packages.files, paths) ?? []);
    const [definition] = definitions;
    if (!definition) {
      const [file, ...others] = places;
      return file && others.length === 0 ? called(session, file) : null;
    }
    // Where a list and a place both define it, the list must call that place: `harfbuzz = callPackage ./pkgs/harfbuzz { };`
    if (
      places.some(
        ({ path }) => !definition.calls.some((call) => path === call || path.startsWith(`${call}/`)),
      )
    )
      return null;
    const list = packages.listed(definition);
    const entries = asSet(session, resultOf(session, evaluateAt(session, list, list.document.root)))?.entries;
    const value = entries?.get(name)?.() ?? null;
    if (value?.kind !== "unknown") return value;
    // `xapian = xapian_1_4;`, `xapian = pkgs.xapian_1_4;`
    const path = value.path[0] === "pkgs" ? value.path.slice(1) : value.path;
    const [target] = path;
    if (path.length !== 1 || target === undefined) return null;
    name = target;
  }
  return null;
}

function placeIn(files: SourceFiles, paths: readonly string[]): NixFile | null {
  for (const path of paths) {
    const file = files.get(path);
    if (file?.kind === "nix") return file;
  }
  return null;
}

/** The value of a package's file, called with nothing but other packages; null: it is too long, a list of packages. */
function called(session: Session, file: NixFile): Value | null {
  if (file.text.length > LONGEST_PACKAGE) return null;
  const value = evaluateAt(session, file, file.document.root);
  return value.kind === "function" ? apply(session, value, () => setOf([]), file.path) : value;
}

/** An attribute of a package; null: it is not known, or may be set at two places. */
function attributeOf(session: Session, value: Value, name: string): string | null {
  const own = asSet(session, value);
  if (!own || own.open) return null;
  const text = (thunk: Thunk | undefined) => (thunk ? knownText(thunk()) : undefined);
  if (value.kind === "set") return text(own.entries.get(name)) ?? null;
  // The `build…` functions put the name together themselves.
  if (
    value.kind !== "call" ||
    !MAKES_PACKAGE.test(value.name ?? "") ||
    /^build.*name$/.test(`${value.name} ${name}`)
  )
    return null;
  const passed = own.entries.get("passthru")?.();
  const through = passed && asSet(session, passed);
  if (passed && (!through || through.open)) return null;
  const [given, over] = [text(own.entries.get(name)), text(through?.entries.get(name))];
  if (given !== undefined && over !== undefined) return given === over ? given : null;
  return over ?? given ?? null;
}
