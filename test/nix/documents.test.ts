import fc from "fast-check";
import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import { readNix, rereadNix } from "../../src/nix/nix-reader.ts";
import type { SyntaxNode } from "../../src/nix/syntax.ts";

const TEXT = `{ stdenv, fetchurl }:
stdenv.mkDerivation rec {
  pname = "frob"; # a comment
  error = ;
  version = "1.2";
  src = fetchurl { url = "https://example.org/\${pname}-é𝄞.tgz"; };
  installPhase = ''
    mkdir -p $out ''\${HOME} \${version}
  '';
}
`;

const shape = (node: SyntaxNode): unknown => [node.type, node.start, node.end, node.children.map(shape)];

test.each([
  ["with an error, for tree-sitter", TEXT],
  ["without one", TEXT.replace("  error = ;\n", "")],
])("a text parsed from the tree of another is as if parsed anew: %s", async (_, original) => {
  const [near, anew] = [await createDocuments(), await createDocuments()];
  const edit = fc.record({
    at: fc.nat(TEXT.length),
    length: fc.nat(12),
    text: fc.constantFrom("", "é", "x", '"', "''", "${", "}", ";", "\n", "# ", "{ a = 1; }", "𝄞"),
  });
  let count = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce(
        (before, { at, length, text: put }) => before.slice(0, at) + put + before.slice(at + length),
        original,
      );
      const id = `${count++}`;
      near.get("base", original);
      const results = [near.get(id, text, "base"), anew.get(id, text)];
      const [a, b] = results.map((result) =>
        result.kind === "document" ? [result.document.text, shape(result.document.root)] : result.reason,
      );
      expect(a).toEqual(b);
    }),
    { numRuns: 150 },
  );
});

test("of a text that differs within one binding, only that binding is read", () => {
  const text = (version: string) => `{ a = [ 1 ]; /* é */ b = { c = "${version}"; }; d = x: /* d */ x; }`;
  const [old, now] = [readNix(text("1")), text("2.10")];
  const start = text("1").indexOf('1"');
  const edit = { start, oldEnd: start + 1, newEnd: start + 4 };
  expect(old && rereadNix(old, edit, now)).toEqual(readNix(now));
  // The end of the string goes away: the binding does not end where it should.
  const open = now.replace('2.10"', "2.1''");
  expect(old && rereadNix(old, { ...edit, newEnd: start + 5, oldEnd: start + 2 }, open)).toBeNull();
  // What differs touches the end of the innermost binding: the one around it is read.
  const more = now.replace('10";', '10"; e = 3;');
  expect(old && rereadNix(old, { start, oldEnd: start + 3, newEnd: start + 13 }, more)).toEqual(
    readNix(more),
  );
  expect(old && rereadNix(old, { start: 0, oldEnd: 1, newEnd: 1 }, now)).toBeNull();
});
