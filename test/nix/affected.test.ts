import fc from "fast-check";
import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import { createNixSide } from "../../src/nix/side.ts";
import { textTree } from "../support/pins.ts";
import { sri } from "../support/recipes.ts";

const COUNT = 150;
const entries = Array.from({ length: COUNT }, (_, index) => {
  const src = `fetchurl { url = "https://example.org/p${index}-\${version}.tgz"; hash = "${sri(index + 1)}"; }`;
  const whole = `stdenv.mkDerivation rec { pname = "p${index}"; version = "1.${index}"; src = ${src}; meta.description = "${"x".repeat(200)}"; }`;
  // Each tenth takes another version of the one before it.
  return index % 10 === 9
    ? `  p${index} = p${index - 1}.overrideAttrs (old: rec { version = "2.${index}"; src = ${src}; });`
    : `  p${index} = ${whole};`;
});
const TEXT = `{ stdenv, fetchurl }:\nrec {\n${entries.join("\n\n")}\n}\n`;

test("what a change of a big list can reach is read as if all was read", async () => {
  expect(TEXT.length).toBeGreaterThan(40_000);
  const tree = textTree({ "list.nix": TEXT });
  const side = createNixSide(tree, await createDocuments());
  await side.load({ path: "list.nix", kind: "file", oid: "list" });
  const all = await side.sources("list.nix", [{ start: 0, end: TEXT.length }]);
  expect(all).toHaveLength(COUNT);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(COUNT - 1), { minLength: 1, maxLength: 4 }), async (changed) => {
      const regions = changed.map((index) => {
        const start = TEXT.indexOf(`  p${index} = `) + 10;
        return { start, end: start + 20 };
      });
      const found = await side.sources("list.nix", regions);
      const wanted = new Set(changed.flatMap((index) => (index % 10 === 8 ? [index, index + 1] : [index])));
      expect(found).toEqual(all.filter((_, index) => wanted.has(index)));
    }),
    { numRuns: 30 },
  );
});

test("an entry that is a text reaches the entries that it is written into", async () => {
  const uses = [
    'fetchurl { url = "https://example.org/a-${release}.tgz"; hash = HASH; }',
    'let inherit release; in fetchurl { url = "https://example.org/b-" + release; hash = HASH; }',
    "fetchOf release HASH",
  ];
  const own = uses.map(
    (use, index) => `  user${index} = ${use.replace("HASH", `"${sri(COUNT + index + 1)}"`)};`,
  );
  const text = TEXT.replace("rec {\n", `rec {\n  release = "1.0";\n${own.join("\n")}\n`);
  const side = createNixSide(textTree({ "list.nix": text }), await createDocuments());
  await side.load({ path: "list.nix", kind: "file", oid: "list" });
  const start = text.indexOf("release") + 11;
  const found = await side.sources("list.nix", [{ start, end: start + 3 }]);
  expect(found.map(({ hash }) => hash)).toEqual(uses.map((_, index) => sri(COUNT + index + 1)));
});
