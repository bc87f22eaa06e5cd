/** Reads tar: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html and GNU's additions. */
import { Parser, type ReadEntry } from "tar";
import { messageOf } from "../errors.ts";
import { type Archive, ArchiveFault, type ReadOptions } from "./archive.ts";
import { type Collector, collector } from "./collect.ts";

/** Extended headers are metadata beside the entries; an archive has at most a few for each. */
const HEADERS_FOR_AN_ENTRY = 4;
/** A path and some attributes: GNU tar itself takes no more for one header than fits into memory. */
const LARGEST_HEADER = 64 * 1024;

/**
 * Reads an unpacked tar stream.
 * @throws ArchiveFault for anything that tar programs read differently, or beyond the limits.
 */
export async function readTar(stream: AsyncIterable<Buffer>, options: ReadOptions): Promise<Archive> {
  const found = collector(options);
  const state: { fault: Error | null } = { fault: null };
  let ended = false;
  let headers = 0;
  // The parser swallows what is thrown in its events at some places: the first fault is kept and thrown from here.
  const guarded = (work: () => void) => {
    if (state.fault !== null) return;
    try {
      work();
    } catch (error) {
      state.fault = error instanceof Error ? error : new Error(messageOf(error));
    }
  };
  const fail = (reason: string) => {
    state.fault ??= new ArchiveFault(reason);
  };
  const parser = new Parser({
    maxMetaEntrySize: LARGEST_HEADER,
    onReadEntry: (entry) => readEntry(entry, found, guarded),
    onwarn: (code, message) => {
      if (code !== "TAR_ENTRY_INFO") fail(`its tar is malformed: ${messageOf(message)}`);
    },
  });
  // Sparse files, volume headers and unknown types: GNU tar reads some of them, others take them for files.
  parser.on("ignoredEntry", (entry: ReadEntry) =>
    fail(
      entry.meta
        ? `a header of more than ${LARGEST_HEADER} bytes`
        : `${entry.path} is of the type ${entry.type}, which is not read`,
    ),
  );
  parser.on("meta", (text: string) => {
    headers += 1;
    if (headers > options.limits.entries * HEADERS_FOR_AN_ENTRY) fail("it has too many extended headers");
    if (text.includes("GNU.sparse.")) fail("it has a sparse file, which is not read");
  });
  parser.on("eof", () => {
    ended = true;
  });
  let first = true;
  for await (const chunk of stream) {
    // After the end only padding may follow: some programs go on reading there.
    if (ended && chunk.some((byte) => byte !== 0)) fail("bytes follow the end of its tar");
    // The parser would unpack these by itself, and no limit would see it.
    if (first && /^(?:\x1f\x8b|\x28\xb5\x2f\xfd)/.test(chunk.toString("latin1", 0, 4))) {
      fail("it is packed twice");
    }
    first = false;
    if (state.fault === null) parser.write(chunk);
    if (state.fault !== null) throw state.fault;
  }
  parser.end();
  if (state.fault !== null) throw state.fault;
  if (!ended) throw new ArchiveFault("its tar ends before its end");
  return found.done();
}

function readEntry(entry: ReadEntry, found: Collector, guarded: (work: () => void) => void): void {
  guarded(() => {
    found.entry();
    const path = found.path(entry.path);
    if (path === null || path === "") return entry.resume();
    const executable = ((entry.mode ?? 0) & 0o111) !== 0;
    switch (entry.type) {
      case "File":
      case "OldFile":
      case "ContiguousFile": {
        // An old tar writes a folder as a file whose name ends so.
        if (entry.path.endsWith("/")) {
          if (entry.size > 0) found.odd(path, "a folder with content");
          return entry.resume();
        }
        const sink = found.file(path, { kind: "file", executable });
        entry.on("data", (chunk: Buffer) => guarded(() => sink.write(chunk)));
        entry.on("end", () => guarded(() => sink.end()));
        return;
      }
      case "SymbolicLink": {
        const sink = found.file(path, { kind: "symlink", executable: false });
        sink.write(Buffer.from(entry.linkpath ?? ""));
        sink.end();
        break;
      }
      case "Link":
        found.odd(path, `a hard link to ${entry.linkpath}`);
        break;
      case "Directory":
        break;
      default:
        found.odd(path, `a ${entry.type}`);
    }
    entry.resume();
  });
  // A fault stops the reading, but an entry that nobody reads would stop the parser before that is seen.
  entry.resume();
}
