/** What git's objects hold: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
import { isUtf8 } from "node:buffer";
import type { Content, EntryKind } from "./change.ts";

const MOST_SUBJECT_CHARACTERS = 500;

export interface Commit {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  /** The first line of the message, at most 500 characters. */
  readonly subject: string;
}

/** The tree, the parents and the subject of a commit object; null when it is no commit as git writes them. */
export function parseCommit(oid: string, data: Buffer): Commit | null {
  const header = data.toString("latin1").split("\n\n", 1)[0] ?? "";
  const tree = /^tree ([0-9a-f]+)$/m.exec(header)?.[1];
  if (tree === undefined) return null;
  const message = data.subarray(Buffer.byteLength(header, "latin1") + 2).toString("utf8");
  return {
    oid,
    tree,
    parents: [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] ?? ""),
    subject: message.trimStart().split("\n", 1)[0]?.slice(0, MOST_SUBJECT_CHARACTERS) ?? "",
  };
}

/** An item of a folder. */
export interface TreeItem {
  readonly kind: EntryKind | "tree";
  readonly oid: string;
}

/** A folder. `faults`: items that cannot be looked at, by a printable name, and why. */
export interface Folder {
  readonly items: ReadonlyMap<string, TreeItem>;
  readonly faults: ReadonlyMap<string, string>;
}

/** Most folders have none: a map of its own for each would take as much as a file. */
const NO_FAULTS: Folder["faults"] = new Map();

/** Reads a tree object whose ids have `oidBytes` bytes. Names are hostile: git itself does not check what it stores. */
export function parseFolder(data: Buffer, oidBytes: number): Folder {
  const items = new Map<string, TreeItem>();
  const faults = new Map<string, string>();
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const end = data.indexOf(0, space);
    const next = end + 1 + oidBytes;
    if (space === -1 || end === -1 || next > data.length) {
      faults.set("", "its tree object is malformed");
      break;
    }
    const mode = data.toString("latin1", at, space);
    const bytes = data.subarray(space + 1, end);
    const name = bytes.toString("utf8");
    const oid = data.toString("hex", end + 1, next);
    at = next;
    if (!isUtf8(bytes)) {
      // Not the items: two of them could look the same once decoded. The id keeps different contents apart.
      faults.set(quoted(bytes), `its name is not UTF-8 (object ${oid})`);
    } else if (items.has(name) || name === "" || name === "." || name === ".." || name.includes("/")) {
      faults.set(name, "its tree object is malformed: a name stands twice in it or is none");
    } else {
      items.set(name, { kind: kindOfMode(mode), oid });
    }
  }
  return { items, faults: faults.size > 0 ? faults : NO_FAULTS };
}

/** What a mode in octal says. https://git-scm.com/docs/git-fast-import#_filemodify; old repositories also hold 100664. */
export function kindOfMode(mode: string): TreeItem["kind"] {
  if (mode === "40000") return "tree";
  if (mode === "120000") return "symlink";
  if (mode === "160000") return "submodule";
  return mode === "100755" ? "executable" : "file";
}

/** Bytes as git prints a path that is no text: octal escapes. */
function quoted(bytes: Buffer): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
  return [...bytes].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : octal(byte))).join("");
}

/** The bytes of a blob as a text, when they are one. */
export function contentOf(data: Buffer): Content {
  const because = data.includes(0) ? "NUL byte" : isUtf8(data) ? null : "not UTF-8";
  if (because === null) return { kind: "text", text: data.toString("utf8") };
  const shown = (bytes: Buffer) => bytes.toString("latin1");
  return {
    kind: "binary",
    bytes: data.length,
    because,
    first: shown(data.subarray(0, 64)),
    last: shown(data.subarray(-64)),
  };
}
