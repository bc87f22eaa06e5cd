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

  /** `characters`: the length of what is read. */
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

  /** The one node that was written, as a tree of its own. */
  only(): FlatTree {
    return { words: this.words.slice(0, this.length), root: this.open[0] as number };
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

/** The one stretch in which two texts differ: what stood before its `oldEnd` in one stands before its `newEnd` in the other. */
export interface Edit {
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

/** A node of a tree: where it is in the words, and in the text. */
interface Place {
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** The innermost binding that an edit lies within, touching neither of its ends; null: there is none. */
export function bindingAround({ words, root }: FlatTree, edit: Edit): Place | null {
  let found: Place | null = null;
  for (let node: Place | null = placeAt(words, root); node; node = childAround(words, node, edit))
    if (((words[node.at] as number) & KIND_MASK) === KIND.binding) found = node;
  return found;
}

function placeAt(words: Int32Array, at: number): Place {
  return { at, start: words[at + START] as number, end: words[at + END] as number };
}

function childAround(words: Int32Array, { at }: Place, { start, oldEnd }: Edit): Place | null {
  const count = (words[at] as number) >>> KIND_BITS;
  for (let n = 0; n < count; n++) {
    const child = words[at + CHILDREN + n] as number;
    if ((words[child + START] as number) < start && (words[child + END] as number) > oldEnd)
      return placeAt(words, child);
  }
  return null;
}

/**
 * A tree with `inner` in the place of one of its nodes, for the text after an edit within that node. Nodes are written from
 * their leaves up, so that those of one are all that is written between its first leaf and itself.
 */
export function withNode({ words, root }: FlatTree, { at }: Place, inner: FlatTree, edit: Edit): FlatTree {
  let first = at;
  while ((words[first] as number) >>> KIND_BITS > 0) first = words[first + CHILDREN] as number;
  const end = at + CHILDREN + ((words[at] as number) >>> KIND_BITS);
  const more = inner.words.length - (end - first);
  const length = words.length + more;
  if (length > MOST_WORDS) throw new RangeError("more nodes than fit into memory");
  const made = new Int32Array(length);
  made.set(words.subarray(0, first));
  move(
    inner.words,
    0,
    made,
    first,
    (child) => child + first,
    (offset) => offset,
  );
  const shift = edit.newEnd - edit.oldEnd;
  move(
    words,
    end,
    made,
    end + more,
    (child) => (child >= end ? child + more : child === at ? first + inner.root : child),
    (offset) => (offset < edit.oldEnd ? offset : offset + shift),
  );
  return { words: made, root: root + more };
}

/** Copies the nodes from one place on to another place of other words, with children and offsets as given for each. */
function move(
  from: Int32Array,
  start: number,
  to: Int32Array,
  target: number,
  childOf: (child: number) => number,
  offsetOf: (offset: number) => number,
): void {
  let next = target;
  for (let at = start; at < from.length; ) {
    const count = (from[at] as number) >>> KIND_BITS;
    to[next] = from[at] as number;
    to[next + START] = offsetOf(from[at + START] as number);
    to[next + END] = offsetOf(from[at + END] as number);
    for (let n = 0; n < count; n++) to[next + CHILDREN + n] = childOf(from[at + CHILDREN + n] as number);
    at += CHILDREN + count;
    next += CHILDREN + count;
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
