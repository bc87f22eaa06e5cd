/**
 * What a file's value fetches, as it is evaluated for everybody. Pins are read one by one, each where its hash stands; only
 * the value shows that another of them is taken now, or that an override changes one.
 */
import { asSet, evaluateAt } from "./evaluate.ts";
import type { Source } from "./model.ts";
import { NO_PACKAGE } from "./packages.ts";
import { sourceAt } from "./pin.ts";
import { createSession, isExhausted, type Session, STEP_LIMIT } from "./session.ts";
import type { NixFile, SourceFiles } from "./source-file.ts";
import { type HashedCall, hashedCalls, resultOf } from "./trace.ts";
import { tracedPin, valuesOf } from "./traced-pin.ts";
import type { Origin, Value } from "./value.ts";
import { nearFiles } from "./whole-trace.ts";

/** A fetch in the value of a file. */
export interface Made {
  /** The attributes that lead to it: `src`, `passthru.sources.x86_64-linux`, `patches.*`. */
  readonly at: string;
  /** Null: the value is an attribute of something else, `openssl.src`, which the text does not follow. */
  readonly source: Source | null;
}

/** What the value of a file fetches. */
export interface MadeValue {
  readonly fetches: readonly Made[];
  /** Whether these are all: not where a limit was met. */
  readonly isWhole: boolean;
  /** Whether they may be others on another platform. */
  readonly isOfPlatform: boolean;
}

export const NOTHING_MADE: MadeValue = { fetches: [], isWhole: true, isOfPlatform: false };
export const UNKNOWN_MADE: MadeValue = { fetches: [], isWhole: false, isOfPlatform: true };

/** A package takes some hundred; a set of all packages of a language would take a second. */
const MOST_STEPS = 10_000;

/** What the value of a file fetches on a platform. Throws `FileNeeded` for files that it must see first. */
export function madeBy(files: SourceFiles, file: NixFile, system: string): MadeValue {
  const session = createSession(nearFiles(file.path, files, "and below"), new Map([["system", system]]));
  session.steps = STEP_LIMIT - MOST_STEPS;
  const fetches = madeOf(session, file, evaluateAt(session, file, file.document.root));
  if (isExhausted(session)) return UNKNOWN_MADE;
  return { fetches, isWhole: !session.isCut, isOfPlatform: session.isOfPlatform };
}

/** What a value of a file fetches. Hashes without a literal are said to stand at the file's start. */
export function madeOf(session: Session, file: NixFile, value: Value): readonly Made[] {
  const start: Origin = { file, start: 0, end: 0 };
  const fetched: Made[] = hashedCalls(session, value, start).flatMap((hit) => {
    const source = sourceOf(session, hit);
    return source.hash ? [{ at: hit.at.join("."), source }] : [];
  });
  return isTakenElsewhere(session, value) ? [...fetched, { at: "src", source: null }] : fetched;
}

/** Whether the source of a package is that of another one. */
function isTakenElsewhere(session: Session, value: Value): boolean {
  const src = asSet(session, resultOf(session, value))?.entries.get("src")?.();
  return src?.kind === "unknown" && src.path.length > 1 && src.path.at(-1) === "src";
}

function sourceOf(session: Session, hit: HashedCall): Source {
  const { file, start, end } = hit.origin;
  if (file.kind === "nix" && end > start) return tracedPin(session, file, hit, null);
  const span = { path: file.path, start, end };
  return sourceAt(
    {
      ...valuesOf(session, hit),
      package: hit.package ?? NO_PACKAGE,
    },
    { names: [...hit.at].reverse(), span, urlSpan: null, shape: [], packageSpan: null },
  );
}
