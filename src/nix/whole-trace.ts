/**
 * The hashes in the value of a whole file, as those of `variants.nix` are in the value of the `default.nix` beside it.
 * They are found once for all files whose hashes they are: a folder of twenty such files asks for them twenty times.
 */
import { addTo } from "../lists.ts";
import { evaluateAt } from "./evaluate.ts";
import type { Source } from "./model.ts";
import type { Found, Reading, WholeTrace } from "./reading.ts";
import { type Choice, createSession, isExhausted } from "./session.ts";
import { directoryOf, FileNeeded, type NixFile, type SourceFile, type SourceFiles } from "./source-file.ts";
import { type HashedCall, hashedCalls } from "./trace.ts";
import { tracedPin } from "./traced-pin.ts";

/** The pins of one file in the value of another. */
export interface OfFile {
  readonly sources: readonly Source[];
  /** The choices that were met. */
  readonly choices: readonly Choice[];
  /** Whether a limit was met. */
  readonly isCut: boolean;
}

/** Files are read folder by folder; a folder has at most a dozen that are looked through. */
const KEPT = 64;

/**
 * The files of the folder of `path` and of the one above; "and below": also those of the folders in it, where a function takes
 * its parts from. What a list calls from elsewhere is another package, and has no part in the hashes of this one.
 */
export function nearFiles(path: string, files: SourceFiles, reach?: "and below"): SourceFiles {
  const folder = directoryOf(path);
  const near = new Set([folder, directoryOf(folder)]);
  const isNear = (each: string) => near.has(each) || (reach !== undefined && directoryOf(each) === folder);
  const top = directoryOf(directoryOf(folder));
  // Data leads to nothing more.
  const isData = (each: string) =>
    reach !== undefined && top !== "" && !each.endsWith(".nix") && each.startsWith(`${top}/`);
  return {
    ...files,
    get: (each) => (isNear(directoryOf(each)) || isData(each) ? files.get(each) : null),
  };
}

/**
 * The pins of `reading.file` in the value of `target`, a file of the same folder or itself. Throws `FileNeeded` as each
 * evaluation does.
 */
export function traceWhole(
  reading: Reading,
  target: NixFile,
  assumed: ReadonlyMap<string, string> = new Map(),
): OfFile {
  const { file, files, traces } = reading;
  const key = JSON.stringify([target.path, ...assumed]);
  let trace = traces.get(key);
  let found = trace && foundIn(trace, file.path);
  if (!trace || !found || !holds(found, files)) {
    trace = lookThrough(file.path, files, target, assumed);
    reading.worlds -= trace.steps >> 9;
    found = foundIn(trace, file.path);
    traces.delete(key);
    traces.set(key, trace);
    for (const oldest of traces.keys()) {
      if (traces.size <= KEPT) break;
      traces.delete(oldest);
    }
  }
  reading.isCut ||= trace.isCut;
  return { sources: found?.sources ?? [], choices: trace.choices, isCut: trace.isCut };
}

function foundIn({ found, nothing }: WholeTrace, path: string): Found | null {
  const own = found.get(path);
  return own === undefined ? nothing : own;
}

/** Whether the files that were looked at are there again, as they were. */
function holds({ reads }: Found, files: SourceFiles): boolean {
  for (const [path, isThere] of reads) if ((files.get(path) !== null) !== isThere) return false;
  return true;
}

function lookThrough(
  asking: string,
  files: SourceFiles,
  target: NixFile,
  assumed: ReadonlyMap<string, string>,
): WholeTrace {
  const reads = new Map<string, boolean>();
  const watched: SourceFiles = {
    ...files,
    get(path) {
      const file = files.get(path);
      reads.set(path, file !== null);
      return file;
    },
  };
  // What the file itself hands on, it may hand to a folder of its own.
  const reach = target.path === asking ? "and below" : undefined;
  const session = createSession(nearFiles(asking, watched, reach), assumed);
  const value = evaluateAt(session, target, target.document.root);
  const hitsOf = new Map<SourceFile, HashedCall[]>();
  for (const hit of hashedCalls(session, value)) addTo(hitsOf, hit.origin.file, hit);
  const nothing: Found = { sources: [], reads: new Map(reads) };
  const { steps } = session;
  const isOver = isExhausted(session);
  const found = new Map<string, Found | null>();
  for (const [file, hits] of hitsOf) {
    if (file.kind !== "nix") continue;
    // Each file has what is left of the limit to itself.
    session.steps = steps;
    try {
      const sources = hits.map((hit) => tracedPin(session, file, hit, null));
      found.set(file.path, { sources, reads: new Map(reads) });
    } catch (error) {
      if (!(error instanceof FileNeeded) || file.path === asking) throw error;
      found.set(file.path, null);
    }
  }
  return { found, nothing, choices: session.choices, isCut: session.isCut || isOver, steps };
}
