import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readNix } from "../../src/nix/nix-reader.ts";
import { withLines } from "../../src/nix/parser.ts";
import { createTreePairs } from "../support/nix-trees.ts";

const pair = await createTreePairs();

const TEXTS = [
  "# a\n{ a, /* x */ b ? c ? d, ... }@e: # f\n # g\n a.b or c d /* h */\n # i\n",
  "{ lib, stdenv ? null, # a\n}: x: y@{ ... }: {}: { }@z: { a, ... }: x",
  'let # a\n b = 1; "c".${d}."${e}" = f.g."h"; /* i */ inherit /* j */ k "l"; inherit (m // n) o; /* p */ in q',
  "rec { a = { /* b */ }; } // rec { } // { /* a */ }",
  "if a then b else if c -> d then [ e f.g (h i) 1 ] else assert j; with k; l",
  "! a ? b.c && - d * e + f ++ g ++ h // i // j == k || l != m -> n <= o -> ! p >= q < r > s / t - u",
  '"a${b}\\${c}$${d} $ \\n\\\\ \\"$" "$" "" "${"${x}"}" "é😀\r\n"',
  "''a ''${x} '''b $${y} ${z} ''\\n $ ''$ ''\\${ ' '${q} $'' ''''",
  "[ ./a ../b/c.nix /d <g> <h/i-j.k> l/m ./n/${o}/p${q}r.s ./v/ x/${y} ]",
  "[ http://x.y/z?a=b&c mirror://gnu/a/b+c.tgz a:b ] x:x (a)-b/c f ./d.nix { } f.g ./h",
  "a.b/c - d-e -f a+b/c 1/2 (a).b or (c).d e 01",
  "builtins.readFile ./package/Cargo.lock",
  "\n\n x \n",
  "",
  " \n ",
  "/**/ 1 /* ** */",
];

test.each([...TEXTS, ...TEXTS.map((text) => text.replaceAll("\n", "\r\n"))])(
  "reads as the library does: %j",
  (text) => {
    const { own, library } = pair(text);
    expect(own).not.toBeNull();
    expect(own).toBe(library);
  },
);

test("reads files as the library does", () => {
  const folder = fileURLToPath(new URL("../../fixtures", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const pairs = files
    .filter((path) => path.endsWith(".nix"))
    .map((path) => pair(withLines(readFileSync(`${folder}/${path}`, "utf8"))));
  const compared = pairs.filter(({ own }) => own !== null);
  for (const { own, library } of compared) expect(own).toBe(library);
  expect(compared.length).toBeGreaterThan(pairs.length * 0.95);
});

test.each([
  ["an error", "{ a = ; }"],
  ["a string without end", "{ a = ''b"],
  ["a comment without end", "{ } /* a"],
  ["a name that is a word of the language", "{ or = 1; }"],
  ["an operator that the grammar does not know", "a |> b"],
  ["an update that the grammar takes for a path", "a //b"],
  ["slashes that the grammar takes for a path", "a ///b"],
  ["a path that begins with a word of the language", "with./a.nix b; c"],
  ["a number with a fraction", "1.5"],
  ["a null character", "a\0b"],
  ["a nest without end", "[".repeat(100_000)],
  ["parentheses without end", `${"(".repeat(5_000)}1${")".repeat(5_000)}`],
  ["operators without end", "a ++ ".repeat(5_000).concat("a")],
])("leaves %s to the library", (_, text) => {
  expect(readNix(text)).toBeNull();
});
