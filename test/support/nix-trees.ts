import { Parser } from "web-tree-sitter";
import { flatMemory } from "../../src/nix/flat-tree.ts";
import { loadGrammar } from "../../src/nix/grammar.ts";
import { readNix } from "../../src/nix/nix-reader.ts";
import { SyntaxNode } from "../../src/nix/syntax.ts";
import { treeMemory } from "../../src/nix/tree-memory.ts";

/** Two trees of one text, as texts that can be compared: the reader's, null when it leaves the text alone, and the library's. */
export interface TreePair {
  readonly own: string | null;
  /** Null: the reader has none to compare it with. */
  readonly library: string | null;
}

/** Gives what the reader and the library make of a text. */
export async function createTreePairs(): Promise<(text: string) => TreePair> {
  const grammar = await loadGrammar("nix");
  const library = new Parser();
  library.setLanguage(grammar);
  return (text) => {
    const flat = readNix(text);
    if (!flat) return { own: null, library: null };
    const tree = library.parse(text);
    if (!tree) throw new Error("no tree");
    const reference = shapeOf(SyntaxNode.rootOf((make) => treeMemory(tree, make)));
    tree.delete();
    return { own: shapeOf(SyntaxNode.rootOf((make) => flatMemory(flat, make))), library: reference };
  };
}

function shapeOf(node: SyntaxNode): string {
  const children = node.children.filter((child) => node.type !== "formals" || !isOfLastComma(child));
  // An error anywhere but behind that comma is in the text as a node.
  const type = node.isMissing ? "MISSING" : node.isNamed ? node.type : JSON.stringify(node.type);
  return `${type} ${node.start}-${node.end} (${children.map(shapeOf).join(", ")})`;
}

/** The comma behind the last formal is an error to the library alone: a formal that is missing, or a comma too many. */
function isOfLastComma({ type, start, end, children }: SyntaxNode): boolean {
  const isComma = type === "ERROR" && children.length === 1 && children[0]?.type === ",";
  return type === "," || isComma || (type === "formal" && start === end);
}
