import fc from "fast-check";
import { expect, test } from "vitest";
import { ANCHOR, anchorsIn } from "../../src/nix/sites.ts";

const pieces = fc.constantFrom(
  ..."fetch fetchurl requireFile pullImage hash Hash sha sha1 sha256 Sha512 md5 a _ - . é".split(" "),
  " ",
  "\n",
);

test("finds the names that the pattern finds, in their places", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), fc.nat(20), (parts, start) => {
      const text = parts.join("");
      const expected = [...text.slice(start).matchAll(ANCHOR)].map((match) => [
        match.index + start,
        match[0],
      ]);
      const found = [...anchorsIn(text, { start, end: text.length })];
      expect(found.map((match) => [match.index, match[0]])).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});
