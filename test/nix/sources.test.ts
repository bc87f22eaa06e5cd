import { test } from "vitest";
import { A, B, C, D, type Expected, expectPins, frob, github, nix32, pkg } from "../support/recipes.ts";

/** Ways for a package to name its version and use it in its source. */
test.each<[string, string]>([
  [
    "rec",
    `stdenv.mkDerivation rec { pname = "frob"; version = "1.2"; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; }`,
  ],
  [
    "let",
    `let version = "1.2"; in stdenv.mkDerivation { pname = "frob"; inherit version; src = ${github(`rev = "v" + version; hash = "${A}";`)}; }`,
  ],
  [
    "let with the source",
    `let version = "1.2"; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; in stdenv.mkDerivation { pname = "frob"; inherit version src; }`,
  ],
  [
    "finalAttrs",
    `stdenv.mkDerivation (finalAttrs: { pname = "frob"; version = "1.2"; src = ${github(`rev = "v\${finalAttrs.version}"; hash = "${A}";`)}; })`,
  ],
  [
    "with finalAttrs",
    `stdenv.mkDerivation (finalAttrs: with finalAttrs; { pname = "frob"; version = "1.2"; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; })`,
  ],
  [
    "finalAttrs and let inside",
    `stdenv.mkDerivation (self: let tag = "v\${self.version}"; in { pname = "frob"; version = "1.2"; src = ${github(`rev = tag; hash = "${A}";`)}; })`,
  ],
  [
    "a name with the version",
    `stdenv.mkDerivation { name = "frob-1.2"; src = ${github(`rev = "v1.2"; hash = "${A}";`)}; }`,
  ],
  [
    "a name made of the version",
    `stdenv.mkDerivation rec { name = "frob-\${version}"; version = "1.2"; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; }`,
  ],
  [
    "parts of a version",
    `let major = "1"; minor = "2"; in stdenv.mkDerivation rec { pname = "frob"; version = "\${major}.\${minor}"; src = ${github(`rev = "v\${lib.versions.majorMinor version}"; hash = "${A}";`)}; }`,
  ],
  [
    "lib functions on the version",
    `with lib; stdenv.mkDerivation rec { pname = "frob"; version = "1.2"; src = ${github(`rev = concatStrings [ "v" (replaceStrings [ "_" ] [ "." ] "1_2") ]; hash = "${A}";`)}; }`,
  ],
  [
    "quoted names",
    `stdenv.mkDerivation rec { pname = "frob"; "version" = "1.2"; "src" = fetchFromGitHub { "owner" = "acme"; "repo" = "frob"; "rev" = "v\${version}"; "hash" = "${A}"; }; }`,
  ],
  [
    "update of a set",
    `stdenv.mkDerivation ({ pname = "frob"; version = "1.2"; } // { src = fetchFromGitHub ({ owner = "acme"; repo = "frob"; rev = "v1.2"; } // { hash = "${A}"; }); })`,
  ],
  [
    "inherited arguments",
    `let owner = "acme"; hash = "${A}"; in stdenv.mkDerivation rec { pname = "frob"; version = "1.2"; src = fetchFromGitHub { inherit owner hash; repo = pname; rev = "v\${version}"; }; }`,
  ],
  [
    "inherit from the package",
    `let self = { pname = "frob"; version = "1.2"; }; in stdenv.mkDerivation { inherit (self) pname version; src = ${github(`rev = "v\${self.version}"; hash = "${A}";`)}; }`,
  ],
  [
    "a default argument",
    `{ stdenv, fetchFromGitHub, version ? "1.2" }: stdenv.mkDerivation { pname = "frob"; inherit version; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; }`,
  ],
  [
    "let attributes at the top of a function",
    `{ stdenv, fetchFromGitHub }@args: let version = "1.2"; in assert true; stdenv.mkDerivation { pname = "frob"; inherit version; src = ${github(`rev = "v\${version}"; sha256 = "${A}";`)}; }`,
  ],
])("a version by %s reaches the source", async (_, recipe) => {
  await expectPins(recipe, [frob("v1.2")]);
});

const systems = ["x86_64-linux", "aarch64-darwin"];
const perSystem = (a: string, b: string) => `{ x86_64-linux = ${a}; aarch64-darwin = ${b}; }`;
const binary = (hash: string, rest = "") =>
  `stdenv.mkDerivation (finalAttrs: { pname = "frob"; version = "1.2"; src = fetchurl { url = "https://example.org/frob-\${finalAttrs.version}-\${stdenv.hostPlatform.system}.tgz"; hash = ${hash}; }; ${rest} })`;
const platformPins = systems.map((system, index) => ({
  fetcher: "fetchurl",
  version: "1.2",
  urls: [`https://example.org/frob-1.2-${system}.tgz`],
  hash: [A, B][index],
}));

test.each<[string, string]>([
  [
    "a map by an interpolated name",
    `{ stdenv, fetchurl }: let inherit (stdenv.hostPlatform) system; hashes = ${perSystem(`"${A}"`, `"${B}"`)}; in ${binary("hashes.${system}")}`,
  ],
  [
    "a literal map",
    `{ stdenv, fetchurl }: ${binary(`${perSystem(`"${A}"`, `"${B}"`)}.\${stdenv.hostPlatform.system}`)}`,
  ],
  [
    "a map with a fallback",
    `{ stdenv, fetchurl }: ${binary(`${perSystem(`"${A}"`, `"${B}"`)}.\${stdenv.hostPlatform.system} or (throw "unsupported")`)}`,
  ],
  [
    "passthru.hashes of finalAttrs",
    `{ stdenv, fetchurl }: ${binary(`finalAttrs.passthru.hashes.\${stdenv.hostPlatform.system}`, `passthru.hashes = ${perSystem(`"${A}"`, `"${B}"`)};`)}`,
  ],
  [
    "builtins.getAttr",
    `{ stdenv, fetchurl }: let hashes = ${perSystem(`"${A}"`, `"${B}"`)}; in ${binary("builtins.getAttr stdenv.hostPlatform.system hashes")}`,
  ],
])("per platform by %s", async (_, recipe) => {
  await expectPins(recipe, platformPins);
});

test("per platform by whole sources", async () => {
  const source = (system: string, hash: string) =>
    `fetchurl { url = "https://example.org/frob-\${version}-${system}.tgz"; hash = "${hash}"; }`;
  const [linux = "", mac = ""] = systems;
  const map = perSystem(source(linux, A), source(mac, B));
  const bindings = systems.map((system) => `srcs.${system}`);
  const recipe = (rest: string) =>
    `{ stdenv, fetchurl }: let version = "1.2"; srcs = ${map}; in stdenv.mkDerivation { pname = "frob"; inherit version; ${rest} }`;
  const expected = platformPins.map((pin, index) => ({ ...pin, binding: bindings[index] }));
  await expectPins(recipe("src = srcs.${stdenv.hostPlatform.system};"), expected);
  await expectPins(
    recipe('src = srcs.${stdenv.hostPlatform.system} or (throw "no"); passthru = { inherit srcs; };'),
    expected,
  );
});

test("per platform by a condition", async () => {
  const recipe = `{ stdenv, fetchurl }: stdenv.mkDerivation rec {
  pname = "frob"; version = "1.2";
  src = fetchurl {
    url = "https://example.org/frob-\${version}-\${if stdenv.hostPlatform.isDarwin then "mac" else "linux"}.tgz";
    hash = if stdenv.hostPlatform.isDarwin then "${B}" else "${A}";
  };
}`;
  await expectPins(recipe, [
    { urls: ["https://example.org/frob-1.2-mac.tgz"], hash: B, version: "1.2" },
    { urls: ["https://example.org/frob-1.2-linux.tgz"], hash: A, version: "1.2" },
  ]);
});

const pair = (path?: string): Expected[] =>
  [
    ["1.2", A],
    ["2.0", B],
  ].map(([version, hash]) => ({
    ...(path === undefined ? {} : { path }),
    fetcher: "fetchurl",
    version,
    hash,
    urls: [`https://example.org/frob-${version}.tgz`],
  }));
const generic = (args: string) =>
  `${args} stdenv.mkDerivation { pname = "frob"; inherit version; src = fetchurl { url = "https://example.org/frob-\${version}.tgz"; inherit sha256; }; }`;

test.each<[string, string]>([
  [
    "of positional arguments",
    `{ stdenv, fetchurl }: let generic = ${generic("version: sha256:")}; in { frob_1 = generic "1.2" "${nix32(A)}"; frob_2 = generic "2.0" "${nix32(B)}"; }`,
  ],
  [
    "of named arguments",
    `{ stdenv, fetchurl }: let generic = ${generic("{ version, sha256 }:")}; in { frob_1 = generic { version = "1.2"; sha256 = "${A}"; }; frob_2 = generic { version = "2.0"; sha256 = "${B}"; }; }`,
  ],
  [
    "with a rest of arguments",
    `{ stdenv, fetchurl }: let generic = ${generic("{ version, sha256, ... }@args:")}; in rec { frob_1 = generic { version = "1.2"; sha256 = "${A}"; extra = 1; }; frob_2 = generic { version = "2.0"; sha256 = "${B}"; }; frob = frob_2; }`,
  ],
])("a local function %s", async (_, recipe) => {
  await expectPins(recipe, pair());
});

test("callPackage ./generic.nix with version and hash", async () => {
  const files = {
    "p/default.nix": `{ callPackage }: { frob_1 = callPackage ./generic.nix { version = "1.2"; sha256 = "${A}"; }; frob_2 = callPackage ./generic.nix { version = "2.0"; sha256 = "${B}"; }; }`,
    "p/generic.nix": generic("{ stdenv, fetchurl, version, sha256 }:"),
  };
  await expectPins(files, pair("p/default.nix"), "p/default.nix");
});

test("import ./generic.nix with version and hash", async () => {
  const files = {
    "p/1.nix": `{ callPackage, ... }@args: callPackage (import ./generic.nix { version = "1.2"; sha256 = "${A}"; }) args`,
    "p/generic.nix": generic("{ version, sha256 }: { stdenv, fetchurl }:"),
  };
  await expectPins(files, pair("p/1.nix").slice(0, 1), "p/1.nix");
});

test("import ./sources.nix by the recipe beside", async () => {
  const files = {
    "p/default.nix": `{ stdenv, fetchurl }: let sources = import ./sources.nix; in stdenv.mkDerivation { pname = "frob"; inherit (sources) version; src = fetchurl { url = "https://example.org/frob-\${sources.version}.tgz"; inherit (sources) sha256; }; }`,
    "p/sources.nix": `{ version = "1.2"; sha256 = "${A}"; }`,
  };
  await expectPins(files, pair("p/sources.nix").slice(0, 1), "p/sources.nix");
});

test("sources.nix that fetches itself", async () => {
  const files = {
    "p/sources.nix": `{ fetchurl, fetchFromGitHub }: rec { version = "1.2"; src = fetchurl { url = "https://example.org/frob-\${version}.tgz"; hash = "${A}"; }; }`,
  };
  await expectPins(files, [{ ...pair("p/sources.nix")[0], binding: "src" }], "p/sources.nix");
});

test("variants.nix handed to generic.nix by default.nix", async () => {
  const files = {
    "p/default.nix": `{ lib, callPackage }: lib.mapAttrs (name: variant: callPackage (import ./generic.nix variant) { }) (import ./variants.nix)`,
    "p/generic.nix": generic("{ version, sha256 }: { stdenv, fetchurl }:"),
    "p/variants.nix": `{ frob_1 = { version = "1.2"; sha256 = "${A}"; }; frob_2 = { version = "2.0"; sha256 = "${B}"; }; }`,
  };
  await expectPins(files, pair("p/variants.nix"), "p/variants.nix");
});

test("variants.nix and generic.nix with nothing else in sight", async () => {
  const files = {
    "p/generic.nix": generic("{ version, sha256 }: { stdenv, fetchurl }:"),
    "p/variants.nix": `{ frob_1 = { version = "1.2"; sha256 = "${A}"; }; frob_2 = { version = "2.0"; sha256 = "${B}"; }; }`,
  };
  await expectPins(files, pair("p/variants.nix"), "p/variants.nix");
});

test("variants.nix with a hash for each platform", async () => {
  const files = {
    "p/generic.nix": `{ version, src-hash, ... }: { stdenv, fetchurl }: stdenv.mkDerivation { pname = "frob"; inherit version; src = fetchurl { url = "https://example.org/\${version}-\${if stdenv.hostPlatform.isx86_64 then "x64" else "arm"}.tgz"; hash = src-hash.\${stdenv.hostPlatform.system} or (throw "none"); }; }`,
    "p/variants.nix": `{ v1 = { version = "1.2"; src-hash = { x86_64-linux = "${A}"; aarch64-linux = "${B}"; }; }; }`,
  };
  const pin = (hash: string, machine: string) => ({
    version: "1.2",
    hash,
    urls: [`https://example.org/1.2-${machine}.tgz`],
    fetcher: "fetchurl",
  });
  await expectPins(files, [pin(A, "x64"), pin(B, "arm")], "p/variants.nix");
});

test.each([
  ["questions about its version", `let old = packageBetween "1" "2";`, "packageBetween, ", "old", ""],
  ["a fetcher that need not be given", "", "", `version == "1.2"`, " ? null"],
])("variants.nix and a choice of sources by %s", async (_, definition, argument, isOld, optional) => {
  const files = {
    "p/generic.nix": `{ version, sha256, ${argument}... }: { stdenv${optional}, fetchurl${optional} }: ${definition === "" ? "" : `${definition} in`} stdenv.mkDerivation (self: { pname = "frob"; inherit version; src = fetchurl (if ${isOld} then { url = "https://example.org/frob-\${self.version}.tgz"; inherit sha256; } else { url = "https://example.org/frob-\${version}.tgz"; inherit sha256; }); })`,
    "p/variants.nix": `{ frob_1 = { version = "1.2"; sha256 = "${A}"; }; frob_2 = { version = "2.0"; sha256 = "${B}"; }; }`,
  };
  await expectPins(files, pair("p/variants.nix"), "p/variants.nix");
});

test("a version that is a set with a text", async () => {
  const recipe = pkg(`fetchurl { url = "https://example.org/\${version}.tgz"; hash = "${A}"; }`).replace(
    `version = "1.2"`,
    `version = { major = "3"; __toString = self: self.major + ".1"; }`,
  );
  await expectPins(recipe, [{ version: "3.1", urls: ["https://example.org/3.1.tgz"] }]);
});

test("an address of numbers", async () => {
  const recipe = pkg(
    `fetchurl { url = "https://example.org/\${if lib.mod (builtins.fromJSON (lib.versions.minor version)) 2 == 0 then "even" else "odd"}/\${lib.concatMapStrings (lib.fixedWidthNumber 2) (lib.splitVersion version)}.tgz"; hash = "${A}"; }`,
  );
  await expectPins(recipe, [{ urls: ["https://example.org/even/0102.tgz"] }]);
});

test("a hash of a table is not that of a branch which another entry takes", async () => {
  const files = {
    "p/package.nix": `let all = builtins.fromJSON (builtins.readFile ./all.json); in { branch, fetchurl, fetchzip, buildLinux }: let this = all.\${branch}; in buildLinux { inherit (this) version; src = if branch == "testing" then fetchzip { url = "https://testing.example.org/\${this.version}.tgz"; inherit (this) hash; } else fetchurl { url = "https://example.org/\${this.version}.tgz"; inherit (this) hash; }; }`,
    "p/all.json": `{ "testing": { "version": "9", "hash": "${A}" }, "6.1": { "version": "6.1.2", "hash": "${B}" } }`,
  };
  const pin = (version: string, url: string) => ({ version, urls: [`https://${url}/${version}.tgz`] });
  await expectPins(files, [pin("9", "testing.example.org"), pin("6.1.2", "example.org")]);
});

test("variants.nix and a function that hands them on to others by their version", async () => {
  const files = {
    "p/package.nix": `{ packageOlder, ... }@args: if packageOlder "2" then import ./v1/package.nix args else import ./v2.nix args`,
    "p/v1/package.nix": generic("{ version, sha256, ... }: { stdenv, fetchurl }:"),
    "p/v2.nix": generic("{ version, sha256, ... }: { stdenv, fetchurl }:"),
    "p/variants.nix": `{ frob_1 = { version = "1.2"; sha256 = "${A}"; }; frob_2 = { version = "2.0"; sha256 = "${B}"; }; }`,
  };
  await expectPins(files, pair("p/variants.nix"), "p/variants.nix");
});

test("a table of releases by version", async () => {
  const recipe = `{ stdenv, fetchurl, version ? "2.0" }: stdenv.mkDerivation { pname = "frob"; inherit version; src = fetchurl { url = "https://example.org/frob-\${version}.tgz"; sha256 = { "1.2" = "${A}"; "2.0" = "${B}"; }.\${version}; }; }`;
  await expectPins(recipe, pair());
});

test("a map from names to releases", async () => {
  const recipe = `{ lib, stdenv, fetchurl }: let releases = { frob_1 = { version = "1.2"; sha256 = "${A}"; }; frob_2 = { version = "2.0"; sha256 = "${B}"; }; }; build = ${generic("{ version, sha256 }:")}; in lib.mapAttrs (_: build) releases`;
  await expectPins(recipe, pair());
});

test("overrideAttrs gives another version its source", async () => {
  const recipe = `{ frob, fetchurl }: frob.overrideAttrs (old: rec { version = "1.2"; src = fetchurl { url = "https://example.org/\${old.pname}-\${version}.tgz"; hash = "${A}"; }; })`;
  await expectPins(recipe, [{ version: "1.2", hash: A, binding: "src" }]);
});

test("overrideAttrs without a version has none, whatever stands around", async () => {
  const recipe = `stdenv.mkDerivation { pname = "tool"; version = "9"; buildInputs = [ (frob.overrideAttrs (old: { src = fetchurl { url = "https://example.org/frob.tgz"; hash = "${A}"; }; })) ]; }`;
  await expectPins(recipe, [{ version: null, hash: A }]);
});

test.each([
  ["buildGoModule", "vendorHash"],
  ["rustPlatform.buildRustPackage", "cargoHash"],
  ["buildNpmPackage", "npmDepsHash"],
])("%s has a source and %s", async (builder, attribute) => {
  const recipe = `${builder} rec { pname = "frob"; version = "1.2"; src = ${github(`rev = "v\${version}"; hash = "${A}";`)}; ${attribute} = "${B}"; }`;
  await expectPins(recipe, [
    { ...frob("v1.2"), binding: "src", role: "source" },
    {
      binding: attribute,
      version: "1.2",
      hash: B,
      urls: [],
      role: "dependencies",
      fetcher: builder.replace(/^.*\./, ""),
    },
  ]);
  const none = recipe.replace(`"${B}"`, "null");
  await expectPins(none, [frob("v1.2")]);
});

test("a derivation with a fixed output is a pin of its own", async () => {
  const recipe = `stdenv.mkDerivation { pname = "frob-deps"; version = "1.2"; buildPhase = "fetch"; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = "${A}"; }`;
  await expectPins(recipe, [{ fetcher: "mkDerivation", version: "1.2", hash: A, binding: "" }]);
});

test("patches are pins by their addresses, with the package's version", async () => {
  const patch = (id: string, hash: string) =>
    `(fetchpatch { name = "${id}.patch"; url = "https://example.org/commit/${id}.patch"; hash = "${hash}"; })`;
  const recipe = pkg(
    github(`rev = version; hash = "${A}";`),
    `patches = [ ./local.patch ${patch("a1", B)} ] ++ lib.optionals stdenv.hostPlatform.isDarwin [ ${patch("b2", C)} ] ++ lib.optional true ${patch("c3", D)};`,
  );
  await expectPins(recipe, [
    frob("1.2"),
    ...[
      ["a1", B],
      ["b2", C],
      ["c3", D],
    ].map(([id, hash]) => ({
      fetcher: "fetchpatch",
      role: "patch" as const,
      binding: "patches",
      name: `${id}.patch`,
      urls: [`https://example.org/commit/${id}.patch`],
      version: "1.2",
      hash,
    })),
  ]);
});

test("several sources of one package keep their places", async () => {
  const file = (name: string, hash: string) =>
    `fetchurl { url = "https://example.org/${name}-\${version}.tgz"; hash = "${hash}"; }`;
  const recipe = `stdenv.mkDerivation rec { pname = "frob"; version = "1.2"; srcs = [ (${file("frob", A)}) (${file("data", B)}) ]; docs = ${file("docs", C)}; passthru.tests.sample = ${file("sample", D)}; }`;
  await expectPins(
    recipe,
    [
      ["frob", "srcs", A],
      ["data", "srcs", B],
      ["docs", "docs", C],
      ["sample", "passthru.tests.sample", D],
    ].map(([name, binding, hash]) => ({
      binding,
      hash,
      urls: [`https://example.org/${name}-1.2.tgz`],
      version: "1.2",
    })),
  );
});

test("each package of a set has its own version", async () => {
  const entry = (name: string, version: string, hash: string) =>
    `${name} = buildPythonPackage rec { pname = "${name}"; version = "${version}"; src = fetchPypi { inherit pname version; hash = "${hash}"; }; };`;
  await expectPins(`self: { ${entry("frob", "1.2", A)} ${entry("nib", "3.4", B)} }`, [
    { binding: "frob.src", version: "1.2", urls: ["mirror://pypi/f/frob/frob-1.2.tar.gz"], hash: A },
    { binding: "nib.src", version: "3.4", urls: ["mirror://pypi/n/nib/nib-3.4.tar.gz"], hash: B },
  ]);
});

test.each([
  ["a comment", `{ } # hash = "${A}";`],
  ["a string", `{ text = ''hash = "${A}";''; }`],
  ["a commit id", `{ rev = "0123456789abcdef0123456789abcdef01234567"; }`],
  ["a broken text", `{ hash = `],
])("%s is no pin", async (_, recipe) => {
  await expectPins(recipe, []);
});
