/** Reading the syntax tree: nodes that are made when looked at, and the shapes of the Nix language. */

import { MOST_NODES, TooMuch } from "./too-much.ts";
import {
  isMeaningful,
  type MakeNode,
  type NodeHandle,
  type NodeKind,
  type TreeMemory,
} from "./tree-memory.ts";

/** A stretch of a text that differs from the other side; empty where the other side only has more. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

/**
 * A node of the syntax tree. Children are made on first use and then kept, so that a node is one object and can be a key.
 * A class, because there is one per node and the getters must be cheap.
 */
export class SyntaxNode implements NodeHandle {
  readonly kind: NodeKind;
  readonly start: number;
  readonly end: number;
  readonly parent: SyntaxNode | null;
  /** What its tree knows the node by. */
  readonly id: number;
  readonly alias: number;
  private readonly memory: TreeMemory<SyntaxNode>;
  private kids: readonly SyntaxNode[] | undefined;
  private meaningful: readonly SyntaxNode[] | undefined;
  /** What was worked out of it, by the number of the memo. */
  memos: unknown[] | undefined;

  private constructor(
    memory: TreeMemory<SyntaxNode>,
    parent: SyntaxNode | null,
    kind: NodeKind,
    end: number,
    id: number,
    start: number,
    alias: number,
  ) {
    this.memory = memory;
    this.parent = parent;
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.id = id;
    this.alias = alias;
    this.kids = undefined;
    this.meaningful = undefined;
    this.memos = undefined;
  }

  /** The root, whose descendants throw `TooMuch` when they become too many. */
  static rootOf(access: (make: MakeNode<SyntaxNode>) => TreeMemory<SyntaxNode>): SyntaxNode {
    let made = 0;
    const memory: TreeMemory<SyntaxNode> = access((parent, kind, end, id, start, alias) => {
      if (++made > MOST_NODES) throw new TooMuch("it holds more code than fits into memory");
      return new SyntaxNode(memory, parent, kind, end, id, start, alias);
    });
    return memory.root();
  }

  get type(): string {
    return this.kind.type;
  }

  get isNamed(): boolean {
    return this.kind.isNamed;
  }

  /** All children, punctuation and comments too. */
  get children(): readonly SyntaxNode[] {
    this.kids ??= this.memory.children(this, this.meaningful);
    return this.kids;
  }

  /** The children that carry meaning. Half of all nodes are punctuation, which need not be made for it. */
  get parts(): readonly SyntaxNode[] {
    this.meaningful ??=
      (this.kids ? null : this.memory.parts(this)) ?? this.children.filter(({ kind }) => isMeaningful(kind));
    return this.meaningful;
  }

  /** True when the parser gave up somewhere inside. MISSING nodes of no width (trailing comma in formals) count. */
  get hasError(): boolean {
    return this.memory.hasError(this);
  }

  /** True for a token of no width that the parser put in to go on. */
  get isMissing(): boolean {
    return this.memory.isMissing(this);
  }
}

/** What is worked out once per node, and forgotten with it. */
export interface NodeMemo<T> {
  get(node: SyntaxNode): T | undefined;
  set(node: SyntaxNode, value: T): void;
}

let memoCount = 0;

/**
 * Makes a memo. It is kept on the nodes: a `WeakMap` of hundreds of thousands of nodes is gone through at each
 * collection of garbage, which took a quarter of the time of a review.
 */
export function nodeMemo<T>(): NodeMemo<T> {
  const at = memoCount++;
  return {
    get: (node) => node.memos?.[at] as T | undefined,
    set(node, value) {
      node.memos ??= [];
      node.memos[at] = value;
    },
  };
}

/** The smallest node that covers [start, end). */
export function nodeAt(root: SyntaxNode, start: number, end = start + 1): SyntaxNode {
  let node = root;
  for (;;) {
    // A string's quotes are children of their own: none of these covers it. Files have hundreds of thousands of strings.
    if (node.start === start && node.end === end && node.type === "string_expression") return node;
    const inner = childCovering(node.parts, start, end) ?? childCovering(node.children, start, end);
    if (!inner) return node;
    node = inner;
  }
}

function childCovering(children: readonly SyntaxNode[], start: number, end: number): SyntaxNode | undefined {
  let low = 0;
  let high = children.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const child = children[middle] as SyntaxNode;
    if (child.end <= start) low = middle + 1;
    else if (child.start > start) high = middle - 1;
    else return child.end >= end ? child : undefined;
  }
  return undefined;
}

/**
 * Visits the nodes that carry meaning and touch a region, each before those in it. `enter` says whether to go into one; into
 * names and plain strings, which hold nothing, none goes.
 */
export function visitIn(
  text: string,
  top: SyntaxNode,
  region: Region,
  enter: (node: SyntaxNode) => boolean,
): void {
  const stack = [top];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.end < region.start || node.start > region.end || !enter(node) || isClosed(text, node)) continue;
    const inner = node.parts;
    for (let index = inner.length - 1; index >= 0; index--) stack.push(inner[index] as SyntaxNode);
  }
}

function isClosed(text: string, node: SyntaxNode): boolean {
  if (node.type === "string_expression") return isPlain(text, node);
  return node.kind.isToken || node.type === "variable_expression";
}

/** The children that carry meaning: no punctuation, no comments. */
export function parts(node: SyntaxNode): readonly SyntaxNode[] {
  return node.parts;
}

/** An expression without the parentheses around it. */
export function bare(node: SyntaxNode): SyntaxNode {
  let inner = node;
  while (inner.type === "parenthesized_expression") {
    const [only] = parts(inner);
    if (!only) break;
    inner = only;
  }
  return inner;
}

export function isAttrset(node: SyntaxNode): boolean {
  return (
    node.type === "attrset_expression" ||
    node.type === "rec_attrset_expression" ||
    node.type === "let_attrset_expression"
  );
}

/** What stands between the braces of an attribute set or after `let`. */
export type Binding =
  | {
      readonly kind: "binding";
      readonly node: SyntaxNode;
      readonly attrpath: SyntaxNode;
      readonly value: SyntaxNode;
    }
  | { readonly kind: "inherit"; readonly node: SyntaxNode; readonly names: readonly SyntaxNode[] }
  | {
      readonly kind: "inherit-from";
      readonly node: SyntaxNode;
      readonly from: SyntaxNode;
      readonly names: readonly SyntaxNode[];
    };

const knownBindings = nodeMemo<readonly Binding[]>();

/** The bindings of an attribute set or `let` expression, in order. */
export function bindingsOf(node: SyntaxNode): readonly Binding[] {
  let bindings = knownBindings.get(node);
  if (!bindings) {
    bindings = readBindings(node);
    knownBindings.set(node, bindings);
  }
  return bindings;
}

function readBindings(node: SyntaxNode): readonly Binding[] {
  const set = parts(node).find((child) => child.type === "binding_set");
  const bindings: Binding[] = [];
  for (const child of set ? parts(set) : []) {
    const inner = parts(child);
    if (child.type === "binding") {
      const [attrpath, value] = inner;
      if (attrpath && value) bindings.push({ kind: "binding", node: child, attrpath, value });
    } else if (child.type === "inherit") {
      bindings.push({ kind: "inherit", node: child, names: inheritedNames(inner) });
    } else if (child.type === "inherit_from") {
      const [from] = inner;
      if (from) bindings.push({ kind: "inherit-from", node: child, from, names: inheritedNames(inner) });
    }
  }
  return bindings;
}

function inheritedNames(inner: readonly SyntaxNode[]): readonly SyntaxNode[] {
  const attrs = inner.find((part) => part.type === "inherited_attrs");
  return attrs ? parts(attrs) : [];
}

/** The name that an attribute of a path stands for; null when it is computed. */
export function attrName(text: string, attr: SyntaxNode): string | null {
  if (attr.type === "identifier") return text.slice(attr.start, attr.end);
  if (attr.type === "string_expression") {
    const pieces = stringPieces(text, attr);
    if (pieces.every((piece) => piece.kind === "text")) return pieces.map((piece) => piece.text).join("");
  }
  return null;
}

/** The names of an attribute path, computed ones as null. */
export function attrNames(text: string, attrpath: SyntaxNode): readonly (string | null)[] {
  return parts(attrpath).map((attr) => attrName(text, attr));
}

/** A run of a string literal: text after escapes and indentation are taken away, or an interpolated expression. */
export type StringPiece =
  | { readonly kind: "text"; readonly text: string; readonly start: number; readonly end: number }
  | {
      readonly kind: "expression";
      readonly expression: SyntaxNode;
      readonly start: number;
      readonly end: number;
    };

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The pieces of a `"…"` or `''…''` literal, as Nix reads them. */
export function stringPieces(text: string, node: SyntaxNode): readonly StringPiece[] {
  const indented = node.type === "indented_string_expression";
  if (!indented && isPlain(text, node)) {
    const [start, end] = [node.start + 1, node.end - 1];
    return start < end ? [{ kind: "text", text: text.slice(start, end), start, end }] : [];
  }
  const pieces: StringPiece[] = [];
  // The grammar drops nothing inside a literal except, in older versions, white space next to an interpolation:
  // gaps between children are text too.
  const delimiter = indented ? 2 : 1;
  let at = node.start + delimiter;
  const end = node.end - delimiter;
  // Nix reads a line break of any kind as LF in `"…"`, and as it stands in `''…''`.
  const raw = (from: number, to: number) =>
    indented ? text.slice(from, to) : text.slice(from, to).replaceAll("\r\n", "\n");
  const add = (from: number, to: number, value = raw(from, to)) => {
    if (value !== "") pieces.push({ kind: "text", text: value, start: from, end: to });
  };
  for (const child of node.children) {
    if (child.start < at || child.end > end) continue;
    add(at, child.start);
    at = child.end;
    const written = text.slice(child.start, child.end);
    if (child.type === "interpolation") {
      const [expression] = parts(child);
      if (expression) pieces.push({ kind: "expression", expression, start: child.start, end: child.end });
    } else if (child.type === "escape_sequence") {
      add(child.start, child.end, indented ? indentedEscape(written) : plainEscape(written));
    } else if (child.type === "dollar_escape") {
      add(child.start, child.end, written.replace(indented ? /^''/ : /^\\/, ""));
    } else {
      add(child.start, child.end);
    }
  }
  add(at, Math.max(at, end));
  return indented ? withoutIndentation(pieces) : pieces;
}

/** Whether a `"…"` literal has no escapes and no interpolations, as most: its children need not be made then. */
function isPlain(text: string, { start, end }: SyntaxNode): boolean {
  return text[end - 1] === '"' && end - start >= 2 && !/[\\$\r]/.test(text.slice(start, end));
}

function plainEscape(raw: string): string {
  const character = raw.slice(1);
  return SIMPLE_ESCAPES[character] ?? character;
}

function indentedEscape(raw: string): string {
  if (raw === "'''") return "''";
  if (raw.startsWith("''\\")) return plainEscape(raw.slice(2));
  if (raw.startsWith("''$")) return raw.slice(2);
  return raw;
}

/** Takes away the common indentation and a first line of only spaces: https://nix.dev/manual/nix/2.28/language/string-literals */
function withoutIndentation(pieces: readonly StringPiece[]): readonly StringPiece[] {
  let common = Number.POSITIVE_INFINITY;
  let column = 0;
  let atStart = true;
  const meets = () => {
    if (atStart) common = Math.min(common, column);
    atStart = false;
  };
  // Only characters that stand in the text as themselves count as indentation: an escape ends it.
  const isRaw = (piece: StringPiece) =>
    piece.kind === "text" && piece.text.length === piece.end - piece.start;
  for (const piece of pieces) {
    if (piece.kind === "expression" || !isRaw(piece)) {
      meets();
      continue;
    }
    for (const character of piece.text) {
      if (character === "\n") {
        atStart = true;
        column = 0;
      } else if (character === " " && atStart) column++;
      else meets();
    }
  }
  const drop = common === Number.POSITIVE_INFINITY ? 0 : common;
  const result: StringPiece[] = [];
  let skipping = drop;
  let lineStart = true;
  pieces.forEach((piece, index) => {
    if (piece.kind === "expression" || !isRaw(piece)) {
      result.push(piece);
      lineStart = false;
      return;
    }
    let value = "";
    for (const character of piece.text) {
      if (character === "\n") {
        value += character;
        lineStart = true;
        skipping = drop;
      } else if (lineStart && character === " " && skipping > 0) skipping--;
      else {
        lineStart = false;
        value += character;
      }
    }
    if (index === 0) value = value.replace(/^ *\n/, "");
    if (index === pieces.length - 1) value = value.replace(/\n *$/, "\n");
    if (value !== "") result.push({ ...piece, text: value });
  });
  return result;
}
