import { expect, test } from "vitest";
import { diffTexts } from "../../src/change/hunks.ts";
import { createDocuments } from "../../src/nix/documents.ts";
import { changesOnlyMeta } from "../../src/nix/meta-only.ts";

const documents = await createDocuments();

function isOnlyMeta(base: string, head: string): boolean {
  const hunks = diffTexts(base, head) ?? [];
  const sideOf = (text: string, side: "base" | "head") => {
    const result = documents.get(text, text);
    if (result.kind !== "document") throw new Error(result.reason);
    const { document } = result;
    const file = { kind: "nix", path: "a.nix", text, document } as const;
    return { file, regions: hunks.map((hunk) => hunk[side].text) };
  };
  return changesOnlyMeta(sideOf(base, "base"), sideOf(head, "head"));
}

const recipe = (meta: string, more = "") => `{ lib, fetchurl, }:
rec {
  version = "1";
  notes = ''

    text
  '';
  src = fetchurl {
    url = "https://example.org/\${version}.tar.gz";
    hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
  };
${more}${meta}}
`;
const meta = (inner: string) => `  meta = {\n${inner}  };\n`;
const before = recipe(meta("    license = lib.licenses.mit;\n    maintainers = [ ];\n"));

test.each([
  ["a line goes", recipe(meta("    license = lib.licenses.mit;\n"))],
  [
    "a line comes",
    recipe(meta("    license = lib.licenses.mit;\n    maintainers = [ ];\n    broken = true;\n")),
  ],
  ["two lines change", recipe(meta("    license = lib.licenses.gpl;\n\n    maintainers = [ 1 ];\n"))],
  ["all of it goes", recipe("")],
  ["the library's own is used", recipe(meta("    platforms = lib.meta.all;\n    maintainers = [ ];\n"))],
])("only meta changes when %s", (_, head) => {
  expect(isOnlyMeta(before, head)).toBe(true);
  expect(isOnlyMeta(head, before)).toBe(true);
});

test("only meta changes beside a program that stays", () => {
  const program = '    mainProgram = "frob";\n';
  expect(isOnlyMeta(recipe(meta(program)), recipe(meta(`    broken = true;\n${program}`)))).toBe(true);
});

test.each([
  ["the version changes", before.replace('"1"', '"2"')],
  ["white space in a text changes", before.replace("''\n\n", "''\n\n\n")],
  ["the change ends it", before.replace("    maintainers = [ ];\n", "  };\n  other = {\n")],
  ["what was in it moves out", recipe(meta("    license = lib.licenses.mit;\n"), "  maintainers = [ ];\n")],
  ["it gains a fetch", recipe(meta("    license = lib.licenses.mit;\n    logo = fetchurl { };\n"))],
  ["it gains a hash", recipe(meta(`    id = "${"0123456789abcdef".repeat(4)}";\n`))],
  ["it starts another program", recipe(meta('    mainProgram = "sudo";\n'))],
  ["it cannot be parsed", before.replace("maintainers = [ ];", "maintainers = [ ;")],
])("more than meta changes when %s", (_, head) => {
  expect(isOnlyMeta(before, head)).toBe(false);
  expect(isOnlyMeta(head, before)).toBe(false);
});

test.each([
  "  url = meta.homepage;\n",
  "  inherit (a) meta;\n",
  "  url = with a.meta; homepage;\n",
  `  url = a.\${"me" + "ta"}.homepage;\n`,
  "  urls = attrValues a;\n",
])("meta that is used may decide a pin: %s", (use) => {
  const head = recipe(meta("    license = lib.licenses.gpl;\n"), use);
  expect(isOnlyMeta(recipe(meta("    license = lib.licenses.mit;\n"), use), head)).toBe(false);
});
