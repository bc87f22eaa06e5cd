/** The pins of a change, file by file. */
import type { Entry, Side, Unchecked } from "./change/change.ts";
import type { Source } from "./nix/model.ts";
import { pinKey } from "./nix/reading.ts";
import type { Region } from "./nix/scripts.ts";
import type { NixSide } from "./nix/side.ts";
import type { Origin } from "./nix/value.ts";

/** The pins of one file. */
export type FilePins = Readonly<Record<Side, readonly Source[]>>;

export interface ChangePins {
  /** Takes the pins of a file. */
  add(pins: FilePins, path: string): void;
  /** Keeps the place of the pins of a file with this text, the same on both sides; null: they could not be read. */
  addLater(read: () => Promise<FilePins | null>, path: string, text: string): void;
  /** Reads those of the files whose place was kept whose text is wanted. */
  readLater(isWanted: (text: string) => boolean): Promise<void>;
  /** Whether there are some that have not been read. */
  readonly hasLater: boolean;
  /** All that were read, in the order of their files, each once. */
  all(): FilePins;
}

/** The pins of a change, both sides together: with what is found of them, 5 kB each. All of nixpkgs has about as many. */
const MOST_PINS = 50_000;
const TOO_MANY_PINS = `the change has more than the ${MOST_PINS / 1_000} thousand pins that are read of one change`;

/** Collects pins; of files that have no room any more it is said in `unchecked`. */
export function createChangePins(unchecked: Unchecked[]): ChangePins {
  const files: FilePins[] = [];
  const later: {
    readonly at: number;
    readonly read: () => Promise<FilePins | null>;
    readonly path: string;
    readonly text: string;
  }[] = [];
  let count = 0;
  function put(at: number, pins: FilePins, path: string): void {
    const more = pins.base.length + pins.head.length;
    // With one side alone, all of its pins would seem to be new.
    if (count + more <= MOST_PINS) {
      files[at] = pins;
      count += more;
    } else if (more > 0) unchecked.push({ what: path, reason: TOO_MANY_PINS });
  }
  return {
    add(pins, path) {
      files.push(NO_PINS);
      put(files.length - 1, pins, path);
    },
    addLater(read, path, text) {
      later.push({ at: files.length, read, path, text });
      files.push(NO_PINS);
    },
    async readLater(isWanted) {
      for (const { at, read, path, text } of later.splice(0)) {
        if (!isWanted(text)) continue;
        const pins = await read();
        if (pins) put(at, pins, path);
      }
    },
    get hasLater() {
      return later.length > 0;
    },
    all: () => ({ base: distinct(files, "base"), head: distinct(files, "head") }),
  };
}

/** No pins. */
export const NO_PINS: FilePins = { base: [], head: [] };

/** One pin may be met from several files: from its own, and from those that hand it on. */
function distinct(files: readonly FilePins[], side: Side): readonly Source[] {
  const byPlace = new Map<string, Source>();
  for (const pins of files)
    for (const source of pins[side]) byPlace.set(pinKey(source.hashSpan, source.hashSpan), source);
  return [...byPlace.values()];
}

/** The one source among `pins` whose hash stands at one of the places; null when there are none or several. */
export function pinAt(pins: readonly Source[], places: readonly Origin[]): Source | null {
  const wanted = new Set(places.map((place) => pinKey(place.file, place)));
  const [source, ...others] = pins.filter(
    (pin) => pin.role === "source" && wanted.has(pinKey(pin.hashSpan, pin.hashSpan)),
  );
  return source && others.length === 0 ? source : null;
}

/** A file that did not change, whose pins a changed one may have a part in: on which sides. */
export interface User {
  readonly path: string;
  readonly sides: readonly Side[];
}

/** The files whose pins a changed one may have a part in, but for those that changed themselves. */
export async function usersOf(
  file: Readonly<Record<Side, Entry>>,
  sides: Record<Side, NixSide>,
  changed: ReadonlySet<string | undefined>,
): Promise<readonly User[]> {
  const found = new Map<string, Set<Side>>();
  for (const side of ["base", "head"] as const)
    for (const { path, isPart } of await sides[side].users(file[side].path)) {
      if (changed.has(path)) continue;
      const of = found.get(path) ?? new Set();
      // Hashes that are newly handed on are new; a file that is newly called has its pins as before.
      for (const each of isPart ? (["base", "head"] as const) : [side]) of.add(each);
      found.set(path, of);
    }
  return [...found].map(([path, of]) => ({ path, sides: [...of].sort() }));
}

/** Whether the other files make the same of a user on both sides, and all of its pins are the same then. */
export async function hasSamePins({ path, sides: of }: User, sides: Record<Side, NixSide>): Promise<boolean> {
  if (of.length < 2) return false;
  const base = await sides.base.handed(path);
  return base !== null && JSON.stringify(base) === JSON.stringify(await sides.head.handed(path));
}

/** The pins of a user, of one side for both where these are the same. @throws TooMuch */
export async function pinsOfUser(
  { path, sides: of }: User,
  sides: Record<Side, NixSide>,
  areSame: boolean,
): Promise<FilePins> {
  const pins = { ...NO_PINS };
  for (const side of of)
    pins[side] = areSame && side === "head" ? pins.base : await sides[side].sources(path, WHOLE);
  return pins;
}

/** Of a file that did not change itself, all may be reached. */
const WHOLE: readonly Region[] = [{ start: 0, end: Number.MAX_SAFE_INTEGER }];
