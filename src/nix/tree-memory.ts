/**
 * Reading nodes out of the memory of tree-sitter's WebAssembly. The library makes an object and several slow calls per
 * node (`Node.children`, `type`, `endIndex`, `isNamed`), which costs more than parsing; read directly it takes a tenth of
 * that. Functions and layout are those of web-tree-sitter 0.27.1, which package.json fixes; a test compares the two.
 * https://github.com/tree-sitter/tree-sitter/blob/v0.27.1/lib/binding_web/lib/tree-sitter.c
 */
import type { Language, Tree } from "web-tree-sitter";

/** What names a node to tree-sitter, beside its tree. */
export interface NodeHandle {
  readonly id: number;
  /** In UTF-16 units. */
  readonly start: number;
  readonly alias: number;
}

/** What a grammar says of a kind of node. */
export interface NodeKind {
  readonly type: string;
  readonly isNamed: boolean;
  /** It is a token, which has no children. */
  readonly isToken: boolean;
}

/** Whether nodes of a kind carry meaning: no punctuation, no comments. */
export function isMeaningful({ isNamed, type }: NodeKind): boolean {
  return isNamed && type !== "comment";
}

/** Called once per node that is read; the handle's words as arguments, to make no object in between. */
export type MakeNode<Made> = (
  parent: Made | null,
  kind: NodeKind,
  end: number,
  id: number,
  start: number,
  alias: number,
) => Made;

/** The nodes of one tree. */
export interface TreeMemory<Made> {
  root(): Made;
  /** `parts`: those of the children that carry meaning, if they were made. */
  children(node: Made, parts?: readonly Made[]): readonly Made[];
  /** The children that carry meaning, where these can be had without the others; null: not here. */
  parts(node: Made): readonly Made[] | null;
  hasError(node: NodeHandle): boolean;
  isMissing(node: NodeHandle): boolean;
}

interface Exports {
  ts_init(): number;
  ts_tree_root_node_wasm(tree: number): void;
  ts_node_children_wasm(tree: number): void;
  ts_node_symbol_wasm(tree: number): number;
  ts_node_end_index_wasm(tree: number): number;
  ts_node_has_error_wasm(tree: number): number;
  ts_node_is_missing_wasm(tree: number): number;
  free(address: number): void;
}

/** Words of 32 bits that a node takes: id, start, row, column (neither is read here), alias. */
const NODE_WORDS = 5;

interface Memory {
  readonly buffer: ArrayBuffer;
}

interface Runtime {
  readonly wasm: Exports;
  readonly memory: Memory;
  /** The word at which arguments and results are handed over. */
  readonly transfer: number;
  words: Int32Array;
}
let runtime: Runtime | undefined;

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
interface Instance {
  readonly exports: unknown;
}

// Neither the types of Node 20 nor those of the language have it: https://webassembly.github.io/spec/js-api/
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: Imports) => Instance;
  };
};

/** For `Parser.init`: https://emscripten.org/docs/api_reference/module.html#Module.instantiateWasm */
export function instantiateWasm(bytes: Uint8Array) {
  return (imports: Imports, done: (instance: Instance, module: object) => void): void => {
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, imports);
    const wasm = instance.exports as Exports;
    const memory = imports.env?.memory as Memory;
    done(instance, module);
    runtime = { wasm, memory, transfer: wasm.ts_init() >> 2, words: new Int32Array(memory.buffer) };
  };
}

/** The bytes that trees and the parser have taken, which they never give back but use again. */
export function memoryTaken(): number {
  return runtime?.memory.buffer.byteLength ?? 0;
}

/** Half of all nodes are tokens: not to ask for their children saves as many calls. */
const NAMED_TOKENS = new Set(["identifier", "comment", "string_fragment"]);

const kinds = new WeakMap<Language, NodeKind[]>();

function kindOf(known: NodeKind[], language: Language, symbol: number): NodeKind {
  let kind = known[symbol];
  if (!kind) {
    // The symbol of ERROR is in no table.
    const type = language.types[symbol] || "ERROR";
    const isNamed = language.nodeTypeIsNamed(symbol);
    kind = { type, isNamed, isToken: type !== "ERROR" && (!isNamed || NAMED_TOKENS.has(type)) };
    known[symbol] = kind;
  }
  return kind;
}

/** The memory as words, anew when it has grown. */
function wordsOf(loaded: Runtime): Int32Array {
  if (loaded.words.buffer !== loaded.memory.buffer) loaded.words = new Int32Array(loaded.memory.buffer);
  return loaded.words;
}

/** Gives access to the nodes of a tree, each made by `make`. After the tree is deleted, each use throws. */
export function treeMemory<Made extends NodeHandle & { readonly kind: NodeKind }>(
  tree: Tree,
  make: MakeNode<Made>,
): TreeMemory<Made> {
  if (!runtime) throw new Error("a tree without its grammar");
  const loaded = runtime;
  const { wasm, transfer } = loaded;
  const { language } = tree;
  const known = kinds.get(language) ?? [];
  kinds.set(language, known);

  /** Where the library keeps the tree: 0 once it is deleted. */
  function address(): number {
    const at = (tree as unknown as { readonly 0: number })[0];
    if (at === 0) throw new Error("a node of a deleted tree");
    return at;
  }

  function handOver(node: NodeHandle): void {
    const words = wordsOf(loaded);
    words[transfer] = node.id;
    words[transfer + 1] = node.start;
    // Row and column only serve to work out those of the children.
    words[transfer + 2] = 0;
    words[transfer + 3] = 0;
    words[transfer + 4] = node.alias;
  }

  /** Makes the node whose words are at `at`. */
  function read(parent: Made | null, words: Int32Array, at: number, treeAt: number): Made {
    const id = words[at] as number;
    const start = words[at + 1] as number;
    const alias = words[at + 4] as number;
    words[transfer] = id;
    words[transfer + 1] = start;
    words[transfer + 2] = 0;
    words[transfer + 3] = 0;
    words[transfer + 4] = alias;
    // Neither call writes to the words handed over.
    const symbol = wasm.ts_node_symbol_wasm(treeAt);
    const end = wasm.ts_node_end_index_wasm(treeAt);
    return make(parent, kindOf(known, language, symbol), end, id, start, alias);
  }

  return {
    root() {
      const treeAt = address();
      wasm.ts_tree_root_node_wasm(treeAt);
      return read(null, wordsOf(loaded), transfer, treeAt);
    },
    children(node) {
      if (node.kind.isToken) return NONE;
      const treeAt = address();
      handOver(node);
      wasm.ts_node_children_wasm(treeAt);
      const words = wordsOf(loaded);
      const count = words[transfer] as number;
      if (count === 0) return NONE;
      const list = words[transfer + 1] as number;
      const made = new Array(count);
      try {
        for (let index = 0; index < count; index++) {
          made[index] = read(node, words, (list >> 2) + index * NODE_WORDS, treeAt);
        }
      } finally {
        wasm.free(list);
      }
      return made;
    },
    parts: () => null,
    hasError(node) {
      handOver(node);
      return wasm.ts_node_has_error_wasm(address()) === 1;
    },
    isMissing(node) {
      handOver(node);
      return wasm.ts_node_is_missing_wasm(address()) === 1;
    },
  };
}

export const NONE: readonly never[] = [];
