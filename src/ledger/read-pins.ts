/** Reads the pins of files for the index. */
import { createHash } from "node:crypto";
import type { Entry, Tree } from "../change/change.ts";
import { isLockfile } from "../nix/data-sources.ts";
import type { Documents } from "../nix/documents.ts";
import type { Source } from "../nix/model.ts";
import type { WholeTraces } from "../nix/reading.ts";
import { createNixSide, type NixSide } from "../nix/side.ts";
import { TOO_DEEP } from "../nix/sources.ts";
import { TooMuch } from "../nix/too-much.ts";
import type { IndexedFile, IndexedPin } from "./pin-index.ts";

/** A hash with its algorithm (SRI, or `sha256:…`), and an attribute for a hash that is empty. */
const NAMED_HASH = /\b(?:md5|sha1|sha256|sha512|blake3)[-:]/;
const EMPTY_HASH = /(?:[hH]ash|sha1|sha256|sha512|md5)"?\s*=\s*""/;
/** Words long enough to be a digest, and those that are one: base32 or hexadecimal, base64 of 256 or 512 bits. */
const LONG_WORD = /(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{32,}={0,2}/g;
const DIGEST = /\b[0-9a-z]{32}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==/;

/** Whether a text has something that every file with a pin has. Other texts are not parsed at all. */
function mayHoldPins(text: string): boolean {
  if (NAMED_HASH.test(text)) return true;
  // A single pattern for both would try each character of each word.
  for (const [word] of text.matchAll(LONG_WORD)) if (DIGEST.test(word)) return true;
  return EMPTY_HASH.test(text);
}

/** So many files are requested from git ahead of the work. */
const AHEAD = 64;

/**
 * Reads files of a tree, each with the files that it needs: its pins, or why these are not known. Files without either are left
 * out.
 */
export async function* readPins(
  tree: Tree,
  entries: readonly Entry[],
  documents: () => Promise<Documents>,
  traces: WholeTraces = new Map(),
): AsyncGenerator<IndexedFile | null> {
  for (let at = 0; at < entries.length; at += AHEAD) {
    const some = entries.slice(at, at + AHEAD);
    const contents = await Promise.all(
      some.map(async (entry) => (canHoldPins(entry) ? tree.read(entry) : null)),
    );
    for (const [n, entry] of some.entries()) {
      const content = contents[n];
      const isWorth = content && (content.kind !== "text" || mayHoldPins(content.text));
      yield isWorth ? await readFile(tree, entry, await documents(), traces) : null;
    }
  }
}

/** Whether to look for pins in a file. */
export function canHoldPins({ path, kind }: Entry): boolean {
  if (kind !== "file" && kind !== "executable") return false;
  return path.endsWith(".nix") || (path.endsWith(".json") && !isLockfile(path));
}

async function readFile(
  tree: Tree,
  entry: Entry,
  documents: Documents,
  traces: WholeTraces,
): Promise<IndexedFile | null> {
  const needed = new Map<string, string | null>();
  const watched: Tree = {
    ...tree,
    async entry(path) {
      const found = await tree.entry(path);
      needed.set(path, found?.oid ?? null);
      return found;
    },
  };
  // Alone: otherwise files would have to be read again whenever a list of all packages that names them changes.
  const side = createNixSide(watched, documents, traces, "alone");
  const file = await side.load(entry);
  const read = file ? await sourcesIn(side, entry.path, file.text.length) : NOTHING;
  // A pin that stands in another file is indexed with that one.
  const own = read.sources.filter(({ hashSpan }) => hashSpan.path === entry.path);
  const lineAt = lines(file?.text ?? "");
  const pins = own.map((source) => pinOf(source, lineAt));
  documents.trim();
  // Evaluation that goes too deep leaves a location unknown, but the pin with its hash is there.
  const unread = side.unchecked.find(({ reason }) => reason !== TOO_DEEP);
  const reason = read.reason ?? unread?.reason ?? null;
  if (pins.length === 0 && needed.size === 0 && reason === null) return null;
  const paths = [...needed.keys()].sort();
  const neededBlobs = blobsKey(paths, (path) => needed.get(path) ?? null);
  return { path: entry.path, blob: blobKey(entry.oid), needed: paths, neededBlobs, pins, reason };
}

interface ReadSources {
  readonly sources: readonly Source[];
  /** Why there are none; null: they were looked for. */
  readonly reason: string | null;
}
const NOTHING: ReadSources = { sources: [], reason: null };

async function sourcesIn(side: NixSide, path: string, length: number): Promise<ReadSources> {
  try {
    return { sources: await side.sources(path, [{ start: 0, end: length }]), reason: null };
  } catch (error) {
    if (error instanceof TooMuch) return { sources: [], reason: error.message };
    throw error;
  }
}

/** The name of a content in the index: 96 bits of its object id. */
export function blobKey(oid: string): string {
  return Buffer.from(oid.slice(0, 24), "hex").toString("base64");
}

/** One name for the contents of several paths; "" for none. `oidOf`: null where there is no file. */
export function blobsKey(paths: readonly string[], oidOf: (path: string) => string | null): string {
  if (paths.length === 0) return "";
  const text = paths.map((path) => `${path}\0${oidOf(path) ?? ""}\n`).join("");
  return createHash("sha256").update(text).digest("base64").slice(0, 16);
}

/** A pin as the index has it. `lineAt`: the line of an offset in its file, from 1. */
export function pinOf(source: Source, lineAt: (offset: number) => number): IndexedPin {
  return {
    path: source.path,
    line: lineAt(source.hashSpan.start),
    binding: source.binding,
    fetcher: source.fetcher,
    pname: source.pname,
    version: source.version,
    urls: source.urls.map(({ value }) => value),
    rev: source.rev?.value ?? null,
    hash: source.hash,
  };
}

/** The lines of offsets, which must be asked for in ascending order: one pass over a text, however many pins it has. */
function lines(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    if (offset < at) {
      line = 1;
      at = 0;
    }
    for (let next = text.indexOf("\n", at); next !== -1 && next < offset; next = text.indexOf("\n", at)) {
      line += 1;
      at = next + 1;
    }
    return line;
  };
}
