/** What is known while the pins of one file are read. */
import type { Source } from "./model.ts";
import type { Choice, Session } from "./session.ts";
import type { NixFile } from "./sites.ts";
import type { SourceFiles } from "./source-file.ts";
import type { WholeTraces } from "./whole-trace.ts";

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
