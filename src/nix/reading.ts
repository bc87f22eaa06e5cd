/** What is known while the pins of one file are read. */
import type { Source } from "./model.ts";
import type { Choice, Session } from "./session.ts";
import type { NixFile, SourceFiles } from "./source-file.ts";

/** The pins of one file in the value of another. */
export interface Found {
  readonly sources: readonly Source[];
  /** The paths that were looked at for it, and whether there is a file. */
  readonly reads: ReadonlyMap<string, boolean>;
}

/** The pins in the value of a whole file, of all files whose hashes they are. */
export interface WholeTrace {
  /** By the path of the file that the hashes stand in; null: not known without files that were not there. */
  readonly found: ReadonlyMap<string, Found | null>;
  /** What holds for files whose hashes are not among these. */
  readonly nothing: Found;
  readonly choices: readonly Choice[];
  /** Whether a limit was met. */
  readonly isCut: boolean;
  /** Steps of evaluation that it took. */
  readonly steps: number;
}

/** What was found in the files of one tree. It holds plain data, and no nodes. */
export type WholeTraces = Map<string, WholeTrace>;

export interface Reading {
  readonly files: SourceFiles;
  readonly file: NixFile;
  /** The session without assumptions: most pins need no other. */
  readonly plain: Session;
  /** Pins by the place of their hash. */
  readonly pins: Map<string, Source>;
  /** The choices met in each call that was looked through, by its place and what was assumed. */
  readonly traced: Map<string, readonly Choice[]>;
  /** What the values of whole files hold, of all files of the side. */
  readonly traces: WholeTraces;
  worlds: number;
  /** Whether something of the pins is unknown for no other reason than a limit. */
  isCut: boolean;
}

export function pinKey(file: { readonly path: string }, place: { readonly start: number }): string {
  return `${file.path}\0${place.start}`;
}

/** Keeps, of several readings of one hash, the one that says most. */
export function addPin(pins: Map<string, Source>, source: Source): void {
  const key = pinKey(source.hashSpan, source.hashSpan);
  const known = pins.get(key);
  if (!known || score(source) > score(known)) pins.set(key, source);
}

/** Whether nothing of a pin's address is open. */
export function isLocated({ urls }: Source): boolean {
  return urls.every((url) => url.resolved);
}

/** The reading of a pin that says more wins. */
function score(source: Source): number {
  const located = source.urls.length > 0 && isLocated(source);
  return (located ? 4 : 0) + (source.version === null ? 0 : 2) + (source.fetcher === null ? 0 : 1);
}
