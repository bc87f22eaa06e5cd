import fc from "fast-check";
import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
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

test("a text parsed from the tree of another is as if parsed anew", async () => {
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
        TEXT,
      );
      const id = `${count++}`;
      near.get("base", TEXT);
      const results = [near.get(id, text, "base"), anew.get(id, text)];
      const [a, b] = results.map((result) =>
        result.kind === "document" ? [result.document.text, shape(result.document.root)] : result.reason,
      );
      expect(a).toEqual(b);
    }),
    { numRuns: 150 },
  );
});
