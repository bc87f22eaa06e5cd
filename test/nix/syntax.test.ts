import { beforeAll, expect, test } from "vitest";
import type { Node } from "web-tree-sitter";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { bindingsOf, nodeAt, type SyntaxNode, stringPieces } from "../../src/nix/syntax.ts";

let parser: DocumentParser;
beforeAll(async () => {
  parser = await createParser("nix");
});

function parse(text: string) {
  const result = parser.parse(text);
  if (result.kind !== "document") throw new Error(result.reason);
  return result.document;
}

function stringValue(source: string): string {
  const document = parse(source);
  const literal = document.root.children[0];
  if (!literal) throw new Error("no expression");
  return stringPieces(document.text, literal)
    .map((piece) => (piece.kind === "text" ? piece.text : "<>"))
    .join("");
}

// The values are what `nix-instantiate --eval` prints for the same literals.
test.each([
  ['"a\\n\\${b}\\"c\\q"', 'a\n${b}"cq'],
  ['"$${x}$"', "$${x}$"],
  ["''\n  a\n    b ${x}\n  ''", "a\n  b <>\n"],
  ["''a ''${x} '''b''' ''\\n''", "a ${x} ''b'' \n"],
  ["''\n    ${x}\n   y''", " <>\ny"],
  ["''  x\n    y''", "x\n  y"],
])("reads the string literal %s", (source, value) => {
  expect(stringValue(source)).toBe(value);
});

test("finds bindings of every kind", () => {
  const document = parse('{ a.b = 1; inherit c "d"; inherit (e) f; }');
  const set = document.root.children[0];
  expect(set && bindingsOf(set).map((binding) => binding.kind)).toEqual([
    "binding",
    "inherit",
    "inherit-from",
  ]);
});

test("a node is one object however it is reached", () => {
  const document = parse("{ a = x; }");
  expect(nodeAt(document.root, 6)).toBe(nodeAt(document.root, 6));
  expect(nodeAt(document.root, 6).type).toBe("identifier");
});

test.each([
  ["the reader's tree", "{ /* c */ a = [ x ] /* d */; }"],
  ["the library's tree, of a text with an error", "{ /* c */ a = [ x ] /* d */; b = ; }"],
])("parts are those of the children that carry meaning, whichever are asked for first: %s", (_, text) => {
  for (const isPartsFirst of [true, false]) {
    const { root } = parse(text);
    const nodes = [root];
    for (const node of nodes) {
      if (isPartsFirst) expect(node.parts.length).toBeGreaterThanOrEqual(0);
      nodes.push(...node.children);
      const meaningful = node.children.filter(({ isNamed, type }) => isNamed && type !== "comment");
      expect(node.parts.length).toBe(meaningful.length);
      for (const [index, part] of node.parts.entries()) expect(part).toBe(meaningful[index]);
    }
    expect(nodes.filter(({ type }) => type === "comment")).toHaveLength(2);
    expect(nodeAt(root, 3).type).toBe("comment");
  }
});

test("a parser bomb ends within the limit and says why", () => {
  const result = parser.parse(`{ y = ; x = ${"a.".repeat(20_000)}a; }`);
  expect(result.kind).toBe("too-slow");
  expect(parser.parse("{ }").kind).toBe("document");
});

test("code behind a lone carriage return is code", () => {
  const document = parse("{ a = 1; # note\rb = 2;\n}");
  const set = document.root.children[0];
  expect(set && bindingsOf(set)).toHaveLength(2);
});

test.each([
  "{ lib, stdenv ? null, ... }@args: with lib; rec { a.\"b${c}\".d = ''\n  x ${y \"é😀\"} $${z}\n''; inherit (e) f; g = ; }",
  "{ a = ; b = [ 1 2.5 ./x <nixpkgs> ~/y ]; /* c */ } # d",
  "{ x, y, }: x ++ or.y",
])("reads the same nodes as the library: %j", (source) => {
  const { tree, root } = parse(source);
  if (!tree) throw new Error("read without the library");
  const compare = (ours: SyntaxNode, theirs: Node): void => {
    expect({
      type: ours.type,
      named: ours.isNamed,
      range: [ours.start, ours.end],
      error: ours.hasError,
      missing: ours.isMissing,
      children: ours.children.length,
    }).toEqual({
      type: theirs.type,
      named: theirs.isNamed,
      range: [theirs.startIndex, theirs.endIndex],
      error: theirs.hasError,
      missing: theirs.isMissing,
      children: theirs.childCount,
    });
    ours.children.forEach((child, index) => {
      expect(child.parent).toBe(ours);
      compare(child, theirs.child(index) as Node);
    });
  };
  compare(root, tree.rootNode);
});

test("a node of a deleted tree throws", () => {
  const document = parse("{ a = ; }");
  document.dispose();
  expect(() => document.root.children).toThrow("deleted tree");
});
