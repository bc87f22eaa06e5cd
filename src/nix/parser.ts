/** Parsing with a limit: a hostile file costs at most its time, and says so. */
import { type Language, Parser, type Tree } from "web-tree-sitter";
import { type FlatTree, flatMemory } from "./flat-tree.ts";
import { type GrammarName, loadGrammar } from "./grammar.ts";
import { readNix } from "./nix-reader.ts";
import { SyntaxNode } from "./syntax.ts";
import { memoryTaken, treeMemory } from "./tree-memory.ts";

/**
 * `a.` × 50,000 takes 43 s in the Nix grammar; honest files parse at about 8 MB/s. A large one gets more time, so that
 * a machine that does ten other things reads it all the same.
 */
const LIMIT_MILLISECONDS = 2_000;
const LIMIT_MILLISECONDS_A_MEGABYTE = 2_000;
/** The largest generated file of nixpkgs is about 15 MB; nothing that people write is near this. */
const PARSE_LIMIT_CHARACTERS = 20_000_000;

/** What all trees may take: that of all Haskell packages, of 16 MB, has 240 MB. One of single characters has no end. */
const LARGEST_MEMORY = 320_000_000;

export type ParseResult =
  | { readonly kind: "document"; readonly document: Document }
  | { readonly kind: "too-slow" | "too-large"; readonly reason: string };

/** A parsed text. Call `dispose` when done: the tree lives outside the garbage-collected heap. */
export interface Document {
  readonly text: string;
  readonly root: SyntaxNode;
  /** What tree-sitter made of it; null: it was read without. */
  readonly tree: Tree | null;
  /** What it was read into without tree-sitter. */
  readonly flat: FlatTree | null;
  readonly disposed: boolean;
  /** Lets go of the nodes read so far, which take more room than the tree; `root` is read anew then. */
  forgetNodes(): void;
  dispose(): void;
}

export interface DocumentParser {
  /** `old`: a tree edited so that it fits `text`, for incremental parsing; or the tree of `text` itself. */
  parse(text: string, old?: Tree | FlatTree): ParseResult;
}

// A lone CR ends a comment for Nix but not for the grammar: as LF, both see the same code.
// https://github.com/NixOS/nixfmt/issues/175
const LONE_CR = /\r(?!\n)/g;

/** A Nix text as it is parsed: offsets stay. */
export function withLines(text: string): string {
  return text.includes("\r") ? text.replace(LONE_CR, "\n") : text;
}

/** A parser for one language; independent of any other. */
export async function createParser(name: GrammarName): Promise<DocumentParser> {
  const language: Language = await loadGrammar(name);
  const parser = new Parser();
  parser.setLanguage(language);
  return {
    parse(source, old) {
      if (source.length > PARSE_LIMIT_CHARACTERS) {
        return {
          kind: "too-large",
          reason: `larger than ${PARSE_LIMIT_CHARACTERS / 1_000_000} million characters`,
        };
      }
      const text = name === "nix" ? withLines(source) : source;
      const flat = isFlat(old) ? old : name === "nix" ? readNix(text) : null;
      if (flat) {
        const makeRoot = () => SyntaxNode.rootOf((make) => flatMemory(flat, make));
        return { kind: "document", document: new Parsed(text, null, flat, makeRoot) };
      }
      const limit =
        LIMIT_MILLISECONDS + Math.round((text.length / 1_000_000) * LIMIT_MILLISECONDS_A_MEGABYTE);
      const deadline = performance.now() + limit;
      const before = memoryTaken();
      let isTooLarge = false;
      const progressCallback = () => {
        const taken = memoryTaken();
        isTooLarge = taken > before && taken > LARGEST_MEMORY;
        return isTooLarge || performance.now() > deadline;
      };
      const tree = parser.parse(text, isFlat(old) ? null : old, { progressCallback });
      if (!tree) {
        parser.reset();
        if (isTooLarge) return { kind: "too-large", reason: "its syntax tree does not fit into memory" };
        return { kind: "too-slow", reason: `parsing took longer than ${limit} ms` };
      }
      return {
        kind: "document",
        document: new Parsed(text, tree, null, () => SyntaxNode.rootOf((make) => treeMemory(tree, make))),
      };
    },
  };
}

function isFlat(tree: Tree | FlatTree | undefined): tree is FlatTree {
  return tree !== undefined && "words" in tree;
}

/** A class: of thousands of object literals with getters, each would have a shape of its own, of a kilobyte. */
class Parsed implements Document {
  readonly text: string;
  readonly tree: Tree | null;
  readonly flat: FlatTree | null;
  private readonly makeRoot: () => SyntaxNode;
  private known: SyntaxNode | null = null;
  private isDisposed = false;

  constructor(text: string, tree: Tree | null, flat: FlatTree | null, makeRoot: () => SyntaxNode) {
    this.text = text;
    this.tree = tree;
    this.flat = flat;
    this.makeRoot = makeRoot;
  }

  get root(): SyntaxNode {
    this.known ??= this.makeRoot();
    return this.known;
  }

  get disposed(): boolean {
    return this.isDisposed;
  }

  forgetNodes(): void {
    this.known = null;
  }

  dispose(): void {
    if (!this.isDisposed) this.tree?.delete();
    this.isDisposed = true;
    this.known = null;
  }
}
