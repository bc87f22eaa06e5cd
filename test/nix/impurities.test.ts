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
  ['import (runCommand "x.nix" { } "echo 1 > $out")', "build import"],
  ['scopedImport { } (pkgs.writeText "x.nix" "1")', "build scopedImport"],
  ['builtins.readFile "${stdenv.mkDerivation { name = "x"; }}/y"', "build readFile"],
  ['import (fetchFromGitHub { owner = "a"; } + "/x.nix") { }', "build import"],
  ['let src = fetchzip { url = x; }; in lib.importJSON (src + "/package.json")', "build importJSON"],
  ['mkDerivation rec { src = fetchgit { }; v = lib.fileContents "${src}/VERSION"; }', "build fileContents"],
  [
    'mkDerivation (finalAttrs: { src = fetchgit { }; v = readFile "${finalAttrs.src}/V"; })',
    "build readFile",
  ],
  ['pkgs.callPackage "${pkgs.fetchFromGitLab { }}/x.nix" { }', "build callPackage"],
  ["{ fetchurl }: with builtins; readFile (fetchurl { url = x; })", "build readFile"],
  ['import "${pkgs.frob}/share/x.nix"', "build-of-package import"],
  ['builtins.readFile "${pkgs.frob.src}/x"', "build-of-package readFile"],
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
  'import "${pkgs.path}/nixos/lib/eval-config.nix"',
  'import (pkgs.path + "/nixos/lib")',
  'import "${inputs.nixpkgs}/nixos/tests/make-test-python.nix"',
  'let frob.x = runCommand "x" { } ""; in { x = runCommand "x" { } ""; y = import "${inputs.x}/y.nix"; }',
  'import "${modulesPath}/installer/sd-card/sd-image.nix"',
  'let src = ./.; in builtins.readFile "${src}/VERSION"',
  "let nixpkgs = builtins.fetchTarball { url = x; sha256 = y; }; in import nixpkgs { }",
  "import (builtins.fetchGit { url = x; rev = y; narHash = z; }) { }",
  "with builtins; readFile (fetchurl { url = x; sha256 = y; })",
  'import (./. + "/${name}.nix")',
  'callPackage ({ runCommand }: runCommand "x" { } "") { }',
  "import ./x.nix { src = fetchFromGitHub { }; }",
  'builtins.readFile (builtins.toFile "x" "y")',
  "lib.importJSON (if x then ./a.json else ./b.json)",
])("finds nothing in %s", (text) => {
  expect(impurities(text)).toEqual([]);
});
