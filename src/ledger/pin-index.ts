/**
 * The index of a tree's pins: one file with a line per source file. Lookups search its bytes and parse only the lines that they
 * need, so nothing is loaded first.
 *
 * Line 1 is the header, with a checksum of what follows. Then, in the order of their paths, `[path, blob, needed, pins,
 * reason]` for each file that has pins, needs other files, or could not be read; then `["", commit, path, pins]` for pins that
 * earlier revisions had.
 */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { messageOf, VerifodError } from "../errors.ts";
import { makeFolder, replaceFile } from "../replace-file.ts";
import { VERSION } from "../version.ts";

/** A pin as the index has it: what a `Source` says, without positions but for its line. */
export interface IndexedPin {
  readonly path: string;
  readonly line: number;
  readonly binding: string;
  readonly fetcher: string | null;
  readonly pname: string | null;
  readonly version: string | null;
  readonly urls: readonly string[];
  readonly rev: string | null;
  /** SRI; null: none that could be read. */
  readonly hash: string | null;
}

/** Where a pin is: in the indexed revision, or in an earlier one, until the commit that removed it. */
export type Standing = { readonly in: "tree" } | { readonly in: "history"; readonly until: string };

export interface FoundPin {
  readonly pin: IndexedPin;
  readonly standing: Standing;
}

export interface IndexedFile {
  readonly path: string;
  /** The name of its content, so that the same content is not read twice. */
  readonly blob: string;
  /** Paths that its pins depend on, whether or not there is a file. */
  readonly needed: readonly string[];
  /** One name for the contents at these paths. */
  readonly neededBlobs: string;
  readonly pins: readonly IndexedPin[];
  /** Why its pins are not known; null: they are. */
  readonly reason: string | null;
}

export interface PastPins {
  readonly until: string;
  readonly path: string;
  readonly pins: readonly IndexedPin[];
}

export interface IndexHeader {
  readonly schema: "verifod-index-v3";
  /** The version of Verifod that read the pins: another one may read them differently. */
  readonly tool: string;
  readonly commit: string;
  readonly tree: string;
  readonly files: number;
  readonly pins: number;
  readonly unread: number;
}

interface WrittenHeader extends IndexHeader {
  readonly sum: number;
}

export interface IndexContent {
  readonly header: IndexHeader;
  readonly files: ReadonlyMap<string, IndexedFile>;
  readonly past: readonly PastPins[];
}

/** How pins are asked for. */
export interface PinIndex {
  readonly header: IndexHeader;
  /** The pins for which `wanted` is true, in lines that contain one of the texts. Without case: texts in lower case. */
  find(
    texts: readonly string[],
    wanted: (pin: IndexedPin) => boolean,
    withoutCase?: boolean,
  ): readonly FoundPin[];
}

/** "" stands for null: none of these is ever an empty text. */
type PinRow = readonly [
  line: number,
  hash: string,
  binding: string,
  fetcher: string,
  pname: string,
  version: string,
  rev: string,
  ...urls: string[],
];

/** Left out of the file: nearly all hashes are SHA-256, and the prefix would be a quarter of a small index. */
const USUAL = /^sha256-/;

function writePin({ line, hash, binding, fetcher, pname, version, rev, urls }: IndexedPin): PinRow {
  const digest = hash?.replace(USUAL, "") ?? "";
  return [line, digest, binding, fetcher ?? "", pname ?? "", version ?? "", rev ?? "", ...urls];
}

function readPin(path: string, row: PinRow): IndexedPin {
  const [line, digest, binding, fetcher, pname, version, rev, ...urls] = row;
  const hash = digest === "" ? null : digest.includes("-") ? digest : `sha256-${digest}`;
  return {
    path,
    line,
    hash,
    binding,
    fetcher: fetcher || null,
    pname: pname || null,
    version: version || null,
    rev: rev || null,
    urls,
  };
}

/** The text of an index. The same content gives the same bytes. */
export function formatIndex({ header, files, past }: IndexContent): string {
  const lines: string[] = [];
  const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, blob, needed, neededBlobs, pins, reason } of sorted) {
    const depends = needed.length === 0 ? [] : [neededBlobs, ...needed];
    lines.push(
      JSON.stringify([path, blob, depends, pins.map(writePin), ...(reason === null ? [] : [reason])]),
    );
  }
  for (const { until, path, pins } of past) lines.push(JSON.stringify(["", until, path, pins.map(writePin)]));
  const text = lines.map((line) => `${line}\n`).join("");
  return `${JSON.stringify({ ...header, sum: crc32(text) })}\n${text}`;
}

/** Writes an index so that readers see the old one or the new one. */
export async function writeIndex(file: string, content: IndexContent): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await replaceFile(file, formatIndex(content));
  } catch (error) {
    throw new VerifodError("outside", `the index cannot be written: ${messageOf(error)}`);
  }
}

/** The bytes of an index; null when there is none, or one that another version made or that is damaged. */
async function readBytes(file: string): Promise<{ bytes: Buffer; header: IndexHeader } | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    // Where a file stands in the place of a folder, there is none either.
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw new VerifodError("outside", `the index cannot be read: ${messageOf(error)}`);
  }
  const end = bytes.indexOf("\n") + 1;
  try {
    const { sum, ...header } = JSON.parse(bytes.toString("utf8", 0, end)) as WrittenHeader;
    const isOurs = header.schema === "verifod-index-v3" && header.tool === VERSION;
    // Nothing is believed that a full disk or a damaged cache has cut.
    return isOurs && crc32(bytes.subarray(end)) === sum ? { bytes, header } : null;
  } catch {
    return null;
  }
}

type PastLine = readonly ["", until: string, path: string, pins: readonly PinRow[]];
type FileLine = readonly [
  path: string,
  blob: string,
  /** The name of the contents of the needed paths, and these; or nothing. */
  depends: readonly string[],
  pins: readonly PinRow[],
  reason?: string,
];

function isPast(line: PastLine | FileLine): line is PastLine {
  return line[0] === "";
}

/** A whole index, to bring it to another revision; null as for `openIndex`. */
export async function readIndex(file: string): Promise<IndexContent | null> {
  const read = await readBytes(file);
  if (read === null) return null;
  const files = new Map<string, IndexedFile>();
  const past: PastPins[] = [];
  try {
    for (const text of read.bytes.toString("utf8").split("\n").slice(1, -1)) {
      const line = JSON.parse(text) as PastLine | FileLine;
      if (isPast(line)) {
        const [, until, path, rows] = line;
        past.push({ until, path, pins: rows.map((row) => readPin(path, row)) });
      } else {
        const [path, blob, [neededBlobs = "", ...needed], rows, reason = null] = line;
        files.set(path, {
          path,
          blob,
          needed,
          neededBlobs,
          pins: rows.map((row) => readPin(path, row)),
          reason,
        });
      }
    }
  } catch {
    return null;
  }
  return { header: read.header, files, past };
}

/** Opens an index for lookups; null when there is none that this version can use: it has to be made again. */
export async function openIndex(file: string): Promise<PinIndex | null> {
  const read = await readBytes(file);
  if (read === null) return null;
  const { bytes, header } = read;
  return {
    header,
    find(texts, wanted, withoutCase = false) {
      const starts = new Set<number>();
      // As Latin-1 a character is a byte, whatever the case.
      const searched = withoutCase ? Buffer.from(bytes.toString("latin1").toLowerCase(), "latin1") : bytes;
      for (const text of texts) {
        const needle = Buffer.from(JSON.stringify(text.replace(USUAL, "")).slice(1, -1));
        for (let at = needle.length === 0 ? -1 : searched.indexOf(needle); at !== -1; ) {
          starts.add(searched.lastIndexOf("\n", at) + 1);
          const end = searched.indexOf("\n", at);
          at = end === -1 ? -1 : searched.indexOf(needle, end);
        }
      }
      starts.delete(0);
      return [...starts]
        .sort((a, b) => a - b)
        .flatMap((start) => pinsOfLine(bytes.toString("utf8", start, bytes.indexOf("\n", start)), wanted));
    },
  };
}

function pinsOfLine(text: string, wanted: (pin: IndexedPin) => boolean): FoundPin[] {
  const line = JSON.parse(text) as PastLine | FileLine;
  const [path, rows, standing]: [string, readonly PinRow[], Standing] = isPast(line)
    ? [line[2], line[3], { in: "history", until: line[1] }]
    : [line[0], line[3], { in: "tree" }];
  return rows
    .map((row) => readPin(path, row))
    .filter(wanted)
    .map((pin) => ({ pin, standing }));
}
