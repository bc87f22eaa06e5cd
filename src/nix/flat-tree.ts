/** A syntax tree as numbers: it takes half of the room of tree-sitter's, and its nodes are read without calls. */
import {
  isMeaningful,
  type MakeNode,
  NONE,
  type NodeHandle,
  type NodeKind,
  type TreeMemory,
} from "./tree-memory.ts";

type Words<Text> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;

/** The kinds of nodes that hold others, of those that do not, and of punctuation, as the grammar calls them. */
const HOLDERS =
  "source_code variable_expression path_expression string_expression indented_string_expression interpolation parenthesized_expression list_expression attrset_expression rec_attrset_expression binding_set binding inherit_binding inherit_from inherited_attrs attrpath function_expression formals formal let_expression with_expression assert_expression if_expression has_attr_expression unary_expression binary_expression apply_expression select_expression";
const LEAVES =
  "comment identifier integer_expression spath_expression uri_expression path_fragment string_fragment escape_sequence dollar_escape ellipses";
const MARKS =
  "if then else let in rec with assert or inherit { } ( ) [ ] ; : @ , . ? = ${ \" '' ! + - * / // ++ == != < <= > >= && || ->";
const NAMES = [HOLDERS, LEAVES, MARKS].map((text) => text.split(" "));
const [HOLDER_NAMES = [], LEAF_NAMES = [], MARK_NAMES = []] = NAMES;

type Name = Words<typeof HOLDERS> | Words<typeof LEAVES> | Words<typeof MARKS>;
/** Their numbers. */
export const KIND = Object.fromEntries(NAMES.flat().map((name, n) => [name, n])) as Readonly<
  Record<Name, number>
>;
const KINDS: readonly NodeKind[] = [
  // The type of `inherit_binding` is `inherit`, which the keyword has already: KIND needs a name for each.
  ...HOLDER_NAMES.map((name) => ({ type: name.replace("_binding", ""), isNamed: true, isToken: false })),
  ...LEAF_NAMES.map((type) => ({ type, isNamed: true, isToken: true })),
  ...MARK_NAMES.map((type) => ({ type, isNamed: false, isToken: true })),
];

/** The nodes of a text: of each its kind with the number of its children, its start, its end, and its children. */
export interface FlatTree {
  readonly words: Int32Array;
  /** Where the root is. */
  readonly root: number;
}

/** Which kinds carry meaning, as tree-memory.ts says it. */
const ARE_MEANINGFUL = KINDS.map(isMeaningful);

const KIND_BITS = 7;
const KIND_MASK = (1 << KIND_BITS) - 1;
const START = 1;
const END = 2;
const CHILDREN = 3;
/** The list of all Haskell packages, of 16 MB, has twenty million. */
const MOST_WORDS = 40_000_000;

/** Writes a tree from its leaves up. Throws `RangeError` when it becomes too large. */
export class TreeWriter {
  private words: Int32Array;
  private length = 0;
  /** Nodes that have no parent yet. */
  private readonly open: number[] = [];

  constructor(characters: number) {
    // Enough for most code that people write.
    this.words = new Int32Array(characters + 256);
  }

  /** A place to close a node from. */
  mark(): number {
    return this.open.length;
  }

  token(kind: number, start: number, end: number): void {
    this.open.push(this.write(kind, start, end, 0, 0));
  }

  /** Makes a node of what was written since the mark, but for comments at its end: they are its parent's. */
  close(kind: number, mark: number): void {
    const { open, words } = this;
    let last = open.length - 1;
    while (((words[open[last] as number] as number) & KIND_MASK) === KIND.comment) last--;
    const start = words[(open[mark] as number) + START] as number;
    open[mark] = this.write(kind, start, words[(open[last] as number) + END] as number, mark, last + 1);
    let to = mark + 1;
    for (let from = last + 1; from < open.length; from++) open[to++] = open[from] as number;
    open.length = to;
  }

  /** The tree of all that was written. */
  finish(end: number): FlatTree {
    const { open } = this;
    const start = open[0] === undefined ? end : (this.words[open[0] + START] as number);
    const root = this.write(KIND.source_code, start, end, 0, open.length);
    return { words: this.words.slice(0, this.length), root };
  }

  /** Writes a node whose children are those open from one place to another. */
  private write(kind: number, start: number, end: number, from: number, to: number): number {
    const at = this.length;
    const count = to - from;
    this.length += CHILDREN + count;
    if (this.length > this.words.length) this.grow();
    const { open, words } = this;
    words[at] = kind | (count << KIND_BITS);
    words[at + START] = start;
    words[at + END] = end;
    for (let n = 0; n < count; n++) words[at + CHILDREN + n] = open[from + n] as number;
    return at;
  }

  private grow(): void {
    if (this.length > MOST_WORDS) throw new RangeError("more nodes than fit into memory");
    const larger = new Int32Array(this.length * 2);
    larger.set(this.words);
    this.words = larger;
  }
}

/** Gives access to the nodes of a flat tree, each made by `make`. */
export function flatMemory<Made extends NodeHandle & { readonly kind: NodeKind }>(
  { words, root }: FlatTree,
  make: MakeNode<Made>,
): TreeMemory<Made> {
  function read(parent: Made | null, at: number): Made {
    const kind = KINDS[(words[at] as number) & KIND_MASK] as NodeKind;
    return make(parent, kind, words[at + END] as number, at, words[at + START] as number, 0);
  }
  return {
    root: () => read(null, root),
    children(node, parts) {
      if (node.kind.isToken) return NONE;
      const count = (words[node.id] as number) >>> KIND_BITS;
      if (parts?.length === count) return parts;
      const made = new Array<Made>(count);
      let next = 0;
      for (let n = 0; n < count; n++) {
        const at = words[node.id + CHILDREN + n] as number;
        const part = parts?.[next];
        if (part?.id === at) next++;
        made[n] = part?.id === at ? part : read(node, at);
      }
      return made;
    },
    parts(node) {
      if (node.kind.isToken) return NONE;
      const count = (words[node.id] as number) >>> KIND_BITS;
      const made: Made[] = [];
      for (let n = 0; n < count; n++) {
        const at = words[node.id + CHILDREN + n] as number;
        if (ARE_MEANINGFUL[(words[at] as number) & KIND_MASK]) made.push(read(node, at));
      }
      return made;
    },
    hasError: () => false,
    isMissing: () => false,
  };
}
