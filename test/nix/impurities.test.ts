import { beforeAll, expect, it } from "vitest";
import { impuritiesOf } from "../../src/nix/impurities.ts";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";

let nix: DocumentParser;
beforeAll(async () => {
  nix = await createParser("nix");
});

function impurities(text: string) {
  const result = nix.parse(text);
  if (result.kind !== "document") throw new Error(result.reason);
  try {
    const file = { kind: "nix", path: "x.nix", text, document: result.document } as const;
    return impuritiesOf(file, [{ start: 0, end: text.length }]).map(({ name, kind }) => `${kind} ${name}`);
  } finally {
    result.document.dispose();
  }
}

it.each([
  ['builtins.getEnv "HOME"', "environment builtins.getEnv"],
  ['__getEnv "HOME"', "environment builtins.getEnv"],
  ['with builtins; getEnv "HOME"', "environment builtins.getEnv"],
  ['let inherit (builtins) getEnv; in getEnv "HOME"', "environment builtins.getEnv"],
  ['let b = builtins; in b.getEnv "HOME"', "environment builtins.getEnv"],
  ['builtins."getEnv" "HOME"', "environment builtins.getEnv"],
  ['builtins.${"get" + "Env"} "HOME"', "environment builtins.getEnv"],
  ['builtins.${name} "HOME"', "execution builtins.${…}"],
  ['builtins.fetchTarball "https://a.example/x.tar.gz"', "fetch builtins.fetchTarball"],
  ['fetchTarball "https://a.example/x.tar.gz"', "fetch builtins.fetchTarball"],
  ["import <nixpkgs> { }", "search-path <nixpkgs>"],
  ["import ~/x.nix", "path ~/x.nix"],
  ["import /etc/nixos/x.nix", "path /etc/nixos/x.nix"],
  ['builtins.readFile "/etc/passwd"', "path /etc/passwd"],
])("finds in %s", (text, found) => {
  expect(impurities(text)).toEqual([found]);
});

it.each([
  "import ./x.nix",
  "builtins.readFile ./script.sh",
  "pkgs.fetchurl { url = x; }",
  'builtins.fetchTarball { url = "x"; sha256 = "y"; }',
  "getEnv x",
  '"/etc/passwd"',
  "builtins.map f x",
  "{ fetchurl }: with builtins; fetchurl { url = x; }",
  "let fetchTarball = f; in fetchTarball x",
  '(./. + (builtins.toPath "/x.patch"))',
])("finds nothing in %s", (text) => {
  expect(impurities(text)).toEqual([]);
});
