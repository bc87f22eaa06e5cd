import { beforeAll, expect, test } from "vitest";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { bindingsOf, nodeAt, stringPieces } from "../../src/nix/syntax.ts";

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

test("a parser bomb ends within the limit and says why", () => {
  const result = parser.parse(`{ x = ${"a.".repeat(20_000)}a; }`);
  expect(result.kind).toBe("too-slow");
  expect(parser.parse("{ }").kind).toBe("document");
});

test("code behind a lone carriage return is code", () => {
  const document = parse("{ a = 1; # note\rb = 2;\n}");
  const set = document.root.children[0];
  expect(set && bindingsOf(set)).toHaveLength(2);
});
