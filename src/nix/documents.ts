/** Parsed Nix texts, kept by content: a blob is parsed once, and a new version from the tree of the old one. */
import { type Tree, Edit as TreeEdit } from "web-tree-sitter";
import type { Edit } from "./flat-tree.ts";
import { rereadNix } from "./nix-reader.ts";
import { createParser, type Document, type DocumentParser, type ParseResult } from "./parser.ts";

/** Characters of text whose trees are kept; a tree takes some ten bytes of memory a character, its nodes forty. */
const KEPT_CHARACTERS = 4_000_000;
/** What a tree takes whatever its length, in characters: with many small files that is as much as the trees of large ones. */
const OWN_CHARACTERS = 200;

/** A cache of documents. Not for use by several reviews at once: `trim` ends what a review may hold. */
export interface Documents {
  /**
   * The document of a text. `oid` names its content; `previous` names a similar text (the other side of a
   * change) whose tree is reused when it is here.
   */
  get(oid: string, text: string, previous?: string): ParseResult;
  /** The document of no text. */
  readonly empty: Document;
  /**
   * Disposes of the documents used longest ago until the rest fits, and forgets the nodes of those not used since the
   * last time. Call it between files: nodes must not be held across it.
   */
  trim(): void;
  /** Disposes of the document of a content that is not needed soon. */
  release(oid: string): void;
}

/** Makes a cache; loading the grammar happens here. */
export async function createDocuments(): Promise<Documents> {
  const parser: DocumentParser = await createParser("nix");
  const kept = new Map<string, Document>();
  let total = 0;
  // Those used since the last `trim`, and since the one before it.
  let used = new Set<Document>();
  let older = new Set<Document>();
  const nothing = parser.parse("");
  if (nothing.kind !== "document") throw new Error(nothing.reason);
  function release(oid: string): void {
    const document = kept.get(oid);
    if (!document) return;
    total -= weightOf(document);
    kept.delete(oid);
    document.dispose();
  }
  return {
    empty: nothing.document,
    get(oid, text, previous) {
      const known = kept.get(oid);
      if (known) {
        kept.delete(oid);
        kept.set(oid, known);
        used.add(known);
        return { kind: "document", document: known };
      }
      const result = parseNear(parser, text, previous === undefined ? undefined : kept.get(previous));
      if (result.kind === "document") {
        kept.set(oid, result.document);
        used.add(result.document);
        total += weightOf(result.document);
      }
      return result;
    },
    release,
    trim() {
      for (const oid of kept.keys()) {
        if (total <= KEPT_CHARACTERS) break;
        release(oid);
      }
      for (const document of older) if (!used.has(document)) document.forgetNodes();
      older = used;
      used = new Set();
    },
  };
}

function weightOf({ text }: Document): number {
  return OWN_CHARACTERS + text.length;
}

function parseNear(parser: DocumentParser, text: string, near: Document | undefined): ParseResult {
  if (!near) return parser.parse(text);
  const edit = editBetween(near.text, text);
  // For a text that is mostly new there is nothing to reuse, and looking for it takes time.
  if (edit.newEnd - edit.start > text.length / 2) return parser.parse(text);
  const flat = near.flat && rereadNix(near.flat, edit, text);
  if (flat) return parser.parse(text, flat);
  if (!near.tree) return parser.parse(text);
  const old: Tree = near.tree.copy();
  try {
    old.edit(treeEdit(edit, near.text, text));
    return parser.parse(text, old);
  } finally {
    old.delete();
  }
}

/** One edit that covers all that differs. */
function editBetween(before: string, after: string): Edit {
  const shorter = Math.min(before.length, after.length);
  const start = commonLength(shorter, (length) => before.slice(0, length) === after.slice(0, length));
  const tail = commonLength(
    shorter - start,
    (length) => length === 0 || before.slice(before.length - length) === after.slice(after.length - length),
  );
  return { start, oldEnd: before.length - tail, newEnd: after.length - tail };
}

function treeEdit({ start, oldEnd, newEnd }: Edit, before: string, after: string): TreeEdit {
  return new TreeEdit({
    startIndex: start,
    oldEndIndex: oldEnd,
    newEndIndex: newEnd,
    startPosition: pointAt(before, start),
    oldEndPosition: pointAt(before, oldEnd),
    newEndPosition: pointAt(after, newEnd),
  });
}

/** The greatest length up to `limit` for which `same` holds. Comparing slices is faster than characters. */
function commonLength(limit: number, same: (length: number) => boolean): number {
  let low = 0;
  let high = limit;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (same(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function pointAt(text: string, index: number): { row: number; column: number } {
  let row = 0;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) {
    row++;
    lineStart = at + 1;
  }
  return { row, column: index - lineStart };
}
