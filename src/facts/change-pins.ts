/** The pins of a change, file by file. */

import type { Entry, Side, Unchecked } from "../change/change.ts";
import type { Source } from "../nix/model.ts";
import { pinKey } from "../nix/reading.ts";
import type { NixSide } from "../nix/side.ts";
import type { Region } from "../nix/syntax.ts";
import type { Origin } from "../nix/value.ts";

/** Pins of both sides. */
export type PinSides = Readonly<Record<Side, readonly Source[]>>;

export interface ChangePins {
  /** Adds the pins of a file. */
  add(pins: PinSides, path: string): void;
  /**
   * Keeps a place for pins that are the same on both sides, and so may not be needed. `text`: that of their file; `read`
   * gives null when they cannot be read.
   */
  addLater(read: () => Promise<PinSides | null>, path: string, text: string): void;
  /** Reads the pins that a place was kept for, of the files whose text is wanted; drops the others. */
  readLater(isWanted: (text: string) => boolean): Promise<void>;
  /** Whether places are kept for pins that have not been read. */
  readonly hasLater: boolean;
  /** All pins that were read, in the order of their files, each once. */
  all(): PinSides;
}

/** Pins of both sides together. A pin takes 5 kB, with what is found out about it; all of nixpkgs has about so many. */
const MOST_PINS = 50_000;
const TOO_MANY_PINS = `the change has more than the ${MOST_PINS / 1_000} thousand pins that are read of one change`;

/** Collects pins; files for whose pins there is no room are said in `unchecked`. */
export function createChangePins(unchecked: Unchecked[]): ChangePins {
  const files: PinSides[] = [];
  const later: {
    readonly at: number;
    readonly read: () => Promise<PinSides | null>;
    readonly path: string;
    readonly text: string;
  }[] = [];
  let count = 0;
  function put(at: number, pins: PinSides, path: string): void {
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
export const NO_PINS: PinSides = { base: [], head: [] };

/** Several files may give the same pin: its own, and those that hand it on. */
function distinct(files: readonly PinSides[], side: Side): readonly Source[] {
  const byPlace = new Map<string, Source>();
  for (const pins of files)
    for (const source of pins[side]) byPlace.set(pinKey(source.hashSpan, source.hashSpan), source);
  return [...byPlace.values()];
}

/** Finds the one source among `pins` whose hash stands at one of some places; null when there are none or several. */
export function createPinAt(pins: readonly Source[]): (places: readonly Origin[]) => Source | null {
  const sources = new Map<string, Source>();
  for (const pin of pins) if (pin.role === "source") sources.set(pinKey(pin.hashSpan, pin.hashSpan), pin);
  return (places) => {
    const found = new Set(places.flatMap((place) => sources.get(pinKey(place.file, place)) ?? []));
    const [source] = found;
    return source && found.size === 1 ? source : null;
  };
}

/** An unchanged file whose pins may depend on a changed one, and the sides on which they may. */
export interface User {
  readonly path: string;
  readonly sides: readonly Side[];
}

/** The unchanged files whose pins may depend on `file`. `changed`: the paths of the changed ones. */
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

/** Whether other files make the same of a user on both sides: then all of its pins are the same. */
export async function hasSamePins({ path, sides: of }: User, sides: Record<Side, NixSide>): Promise<boolean> {
  if (of.length < 2) return false;
  const base = await sides.base.handed(path);
  return base !== null && JSON.stringify(base) === JSON.stringify(await sides.head.handed(path));
}

/** The pins of a user; where both sides are the same, one is read for both. @throws TooMuch */
export async function pinsOfUser(
  { path, sides: of }: User,
  sides: Record<Side, NixSide>,
  areSame: boolean,
): Promise<PinSides> {
  const pins = { ...NO_PINS };
  for (const side of of)
    pins[side] = areSame && side === "head" ? pins.base : await sides[side].sources(path, WHOLE);
  return pins;
}

/** All of an unchanged file: a changed one may reach any part of it. */
const WHOLE: readonly Region[] = [{ start: 0, end: Number.MAX_SAFE_INTEGER }];
