/** Pins whose text leaves open which of several ways is taken. */
import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import { createNixSide } from "../../src/nix/side.ts";
import { textTree } from "../support/pins.ts";
import { A, B, C, D, expectPins, sri } from "../support/recipes.ts";

const url = (rest: string) => `https://example.org/frob-${rest}.tgz`;

test("attributes under an open condition do not hide those that hold without it", async () => {
  const recipe = `{ lib, stdenv, fetchurl }: let
  release = { version = "1.2"; hash = "${A}"; } // lib.optionalAttrs stdenv.hostPlatform.isMinGW { version = "1.0"; hash = "${B}"; };
in stdenv.mkDerivation { pname = "frob"; inherit (release) version; src = fetchurl { url = "${url("${release.version}")}"; inherit (release) hash; }; }`;
  await expectPins(recipe, [
    { fetcher: "fetchurl", version: "1.2", urls: [url("1.2")], hash: A },
    { fetcher: "fetchurl", version: "1.0", urls: [url("1.0")], hash: B },
  ]);
});

test("a quoted name of a platform decides what else depends on the platform", async () => {
  const recipe = `{ stdenv, fetchurl }: let
  hash = { "x86_64-linux" = "${A}"; "aarch64-darwin" = "${B}"; }."\${stdenv.hostPlatform.system}" or (throw "no");
  place = if stdenv.hostPlatform.isLinux then "${url("linux")}" else "${url("mac")}";
in stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = fetchurl { url = place; inherit hash; }; }`;
  await expectPins(recipe, [
    { version: "1.2", urls: [url("linux")], hash: A },
    { version: "1.2", urls: [url("mac")], hash: B },
  ]);
});

test("an entry of a table is used when the argument names it", async () => {
  const recipe = `{ stdenv, fetchurl, edition }: let
  fetch = arch: { hash, release ? "1.2" }: { version = release; src = fetchurl { inherit hash; url = "${url("${release}-${edition}-${arch}")}"; }; };
  binaries = { x86_64-linux = let of = fetch "x64"; in { full = of { hash = "${A}"; }; demo = of { hash = "${B}"; release = "1.0"; }; }; };
  chosen = binaries.\${stdenv.hostPlatform.system}.\${edition} or (throw "no");
in stdenv.mkDerivation { pname = "frob"; inherit (chosen) version src; }`;
  await expectPins(recipe, [
    { version: "1.2", urls: [url("1.2-full-x64")], hash: A },
    { version: "1.0", urls: [url("1.0-demo-x64")], hash: B },
  ]);
});

test("a table by another name of the platform says what that name is for each entry", async () => {
  const recipe = `{ stdenv, fetchurl }: let
  target = stdenv.hostPlatform.rust.rustcTarget;
  hashes = { x86_64-unknown-linux-gnu = "${A}"; s390x-unknown-linux-gnu = "${B}"; };
in stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = fetchurl { url = "${url("${target}")}"; hash = hashes.\${target} or (throw "no \${target}"); }; }`;
  await expectPins(recipe, [
    { version: "1.2", urls: [url("x86_64-unknown-linux-gnu")], hash: A },
    { version: "1.2", urls: [url("s390x-unknown-linux-gnu")], hash: B },
  ]);
});

test("what other tools call a platform follows from it", async () => {
  const recipe = `{ stdenv, fetchurl }: let
  inherit (stdenv.hostPlatform.go) GOOS GOARCH;
  names = "\${GOOS}-\${GOARCH}-\${stdenv.hostPlatform.parsed.cpu.name}-\${stdenv.hostPlatform.rust.rustcTarget}-\${stdenv.hostPlatform.config}";
  hash = { x86_64-linux = "${A}"; aarch64-darwin = "${B}"; armv7l-linux = "${C}"; m68k-linux = "${D}"; }.\${stdenv.hostPlatform.system};
in stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = fetchurl { url = "${url("${names}")}"; inherit hash; }; }`;
  await expectPins(recipe, [
    { urls: [url("linux-amd64-x86_64-x86_64-unknown-linux-gnu-x86_64-unknown-linux-gnu")], hash: A },
    { urls: [url("darwin-arm64-aarch64-aarch64-apple-darwin-aarch64-apple-darwin")], hash: B },
    { urls: [url("linux-arm-armv7l-armv7-unknown-linux-gnueabihf-armv7l-unknown-linux-gnueabihf")], hash: C },
    { urls: [expect.stringContaining("-${stdenv.hostPlatform.config}.tgz") as unknown as string], hash: D },
  ]);
});

test("a file that hands a table to a function beside it has an address for each entry", async () => {
  const files = {
    "p/binaries.nix": `{ fetchBinary }: fetchBinary { version = "9.0"; shas = { x86_64-linux = "${A}"; aarch64-linux = "${B}"; x86_64-darwin = "${C}"; }; }`,
    "p/fetchers.nix": `{ stdenv, fetchurl }: { fetchBinary = args: fetchurl { url = "${url("${args.version}-${stdenv.hostPlatform.rust.rustcTarget}")}"; sha256 = args.shas.\${stdenv.hostPlatform.system}; }; }`,
    "p/package.nix": `{ stdenv, callPackage, binaries ? callPackage ./binaries.nix { inherit (callPackage ./fetchers.nix { }) fetchBinary; } }:
      stdenv.mkDerivation { pname = "frob"; version = "1.2"; BINARY = binaries; }`,
  };
  await expectPins(
    files,
    [
      { fetcher: "fetchurl", urls: [url("9.0-x86_64-unknown-linux-gnu")], hash: A },
      { fetcher: "fetchurl", urls: [url("9.0-aarch64-unknown-linux-gnu")], hash: B },
      { fetcher: "fetchurl", urls: [url("9.0-x86_64-apple-darwin")], hash: C },
    ],
    "p/binaries.nix",
  );
});

test("a table whose entry is handed on whole is asked for each of its entries", async () => {
  const recipe = `{ stdenv, fetchurl, variant, ... }@args: let
  variants = { lts = { version = "6.12.62"; hash = "${A}"; }; main = { version = "6.17"; hash = "${B}"; suffix = "b"; }; };
  kernelFor = { version, suffix ? "a1", hash }: stdenv.mkDerivation (args // rec {
    inherit version;
    src = fetchurl { url = "${url('${lib.versions.pad 3 "${version}-${suffix}"}')}"; inherit hash; };
  } // (args.argsOverride or { }));
in kernelFor variants.\${variant}`;
  await expectPins(recipe, [
    { fetcher: "fetchurl", version: "6.12.62", urls: [url("6.12.62-a1")], hash: A },
    { fetcher: "fetchurl", version: "6.17", urls: [url("6.17.0-b")], hash: B },
  ]);
});

test("the first entry of a list that suits the platform is what is fetched", async () => {
  const entry = (arch: string, locale: string, hash: string) =>
    `{ url = "https://mirror.example/${arch}/${locale}"; arch = "${arch}"; locale = "${locale}"; hash = "${hash}"; }`;
  const files = {
    "p/sources.nix": `{ version = "1.2"; sources = [ ${entry("i686", "en", C)} ${entry("x64", "de", B)} ${entry("x64", "en", A)} ]; }`,
    "p/default.nix": `{ lib, stdenv, fetchurl, config }: with (import ./sources.nix); let
  arch = if stdenv.hostPlatform.system == "i686-linux" then "i686" else "x64";
  matches = locale: source: lib.hasPrefix source.locale locale && source.arch == arch;
  source = lib.findFirst (matches (config.frob.locale or "en-US")) { } sources;
in stdenv.mkDerivation { name = "frob-\${version}"; src = fetchurl { url = "${url("${version}-${source.arch}")}"; inherit (source) hash; }; }`,
  };
  await expectPins(
    files,
    [
      { fetcher: "fetchurl", version: "1.2", hash: C, urls: [url("1.2-i686")] },
      { fetcher: null, hash: B, urls: ["https://mirror.example/x64/de"] },
      { fetcher: "fetchurl", version: "1.2", hash: A, urls: [url("1.2-x64")] },
    ],
    "p/sources.nix",
  );
});

test("a table of a hundred versions is read whole", async () => {
  const versions = Array.from({ length: 100 }, (_, index) => `0.${index}`);
  const table = versions.map((version, index) => `"${version}" = "${sri(index)}";`).join(" ");
  const text = `{ fetchurl, frob }: let hashes = { ${table} }; in
frob.overrideAttrs (old: { src = fetchurl { url = "https://example.org/frob-\${old.version}.tgz"; hash = hashes.\${old.version}; }; })`;
  const tree = textTree({ "p.nix": text });
  const side = createNixSide(tree, await createDocuments());
  const entry = await tree.entry("p.nix");
  if (entry) await side.load(entry);
  const pins = await side.sources("p.nix", [{ start: 0, end: text.length }]);
  expect(new Set(pins.map(({ hash }) => hash)).size).toBe(100);
  expect(side.unchecked).toEqual([]);
});

test("an entry of a table of releases that getAttr takes, with a hash for each of two machines", async () => {
  const release = (version: string, x64: string, x86: string) =>
    `"${version}" = { major = "${version[0]}"; minor = "${version[2]}"; x64 = "${x64}"; x86 = "${x86}"; };`;
  const recipe = `{ stdenv, lib, fetchurl, version ? null }: let
  releases = { ${release("1.2", A, B)} ${release("1.3", C, D)} };
  build = { major, minor, x64, x86 }: stdenv.mkDerivation rec {
    pname = "frob"; version = "\${major}.\${minor}";
    src = fetchurl { url = "${url("${version}")}"; sha256 = if stdenv.is64bit then x64 else x86; };
  };
in build (lib.getAttr version releases)`;
  await expectPins(
    recipe,
    [
      ["1.2", A],
      ["1.2", B],
      ["1.3", C],
      ["1.3", D],
    ].map(([version = "", hash]) => ({ fetcher: "fetchurl", version, urls: [url(version)], hash })),
  );
});

test("a table by a name that is put together of the platform's has an address for each that is usual", async () => {
  const files = {
    "p/122.nix": `{ callPackage }: callPackage ./binary.nix { version = "1.22"; hashes = { linux-amd64 = "${A}"; darwin-arm64 = "${B}"; plan9-386 = "${C}"; }; }`,
    "p/binary.nix": `{ stdenv, fetchurl, version, hashes }: let
  platform = with stdenv.hostPlatform.go; "\${GOOS}-\${if GOARCH == "arm" then "armv6l" else GOARCH}";
in stdenv.mkDerivation { pname = "go"; inherit version; src = fetchurl { url = "${url("${version}.${platform}")}"; sha256 = hashes.\${platform} or (throw "no"); }; }`,
    "p/default.nix": `{ callPackage }: { go = callPackage ./122.nix { }; }`,
  };
  await expectPins(
    files,
    [
      { fetcher: "fetchurl", urls: [url("1.22.linux-amd64")], hash: A },
      { fetcher: "fetchurl", urls: [url("1.22.darwin-arm64")], hash: B },
      { fetcher: "fetchurl", urls: [expect.stringContaining("GOOS") as unknown as string], hash: C },
    ],
    "p/122.nix",
  );
});

test("a set of releases that is laid under the arguments of a folder's package is what that fetches", async () => {
  const files = {
    "p/default.nix": `{ callPackage, self }: let sources = { frob2 = { parts = { major = "2"; minor = "7"; }; hash = "${A}"; }; }; in {
      frob3 = callPackage ./frob { inherit self; parts = { major = "3"; minor = "1"; }; hash = "${B}"; };
      frob2 = callPackage ./frob ({ inherit self; } // sources.frob2);
    }`,
    "p/frob/default.nix": `{ stdenv, fetchurl, self, parts, hash }: let version = with parts; "\${major}.\${minor}"; in
      stdenv.mkDerivation (finalAttrs: { pname = "frob"; inherit version; src = fetchurl { url = "${url("${version}")}"; inherit hash; }; })`,
  };
  await expectPins(
    files,
    [
      { fetcher: "fetchurl", version: "2.7", urls: [url("2.7")], hash: A },
      { fetcher: "fetchurl", version: "3.1", urls: [url("3.1")], hash: B },
    ],
    "p/default.nix",
  );
});

test("a file of data alone in its folder is what the package above makes of it", async () => {
  const files = {
    "p/1_32/versions.nix": `{ frobVersion = "1.32.9"; frobSha256 = "${A}"; rootVersion = "0.14"; rootSha256 = "${B}"; }`,
    "p/builder.nix": `lib: { frobVersion, frobSha256 ? lib.fakeHash, rootVersion, rootSha256 ? lib.fakeHash, updateScript ? null }: { stdenv, fetchurl, fetchzip }:
      let root = fetchzip { url = "${url("root-${rootVersion}")}"; sha256 = rootSha256; }; in
      stdenv.mkDerivation (finalAttrs: { pname = "frob"; version = frobVersion; src = fetchurl { url = "${url("${frobVersion}")}"; sha256 = frobSha256; }; passthru = { inherit root; }; })`,
    "p/default.nix": `{ lib, callPackage, ... }@args: let build = import ./builder.nix lib; common = opts: callPackage (build opts); in
      { frob_1_32 = common ((import ./1_32/versions.nix) // { updateScript = [ ./update.sh "32" ]; }) (removeAttrs args [ "callPackage" ]); }`,
  };
  await expectPins(
    files,
    [
      { fetcher: "fetchurl", version: "1.32.9", urls: [url("1.32.9")], hash: A },
      { fetcher: "fetchzip", version: "1.32.9", urls: [url("root-0.14")], hash: B },
    ],
    "p/1_32/versions.nix",
  );
});

test("a function that is handed in says where its hash goes in the file that hands it in", async () => {
  const files = {
    "p/27.nix": `genericBuilder: genericBuilder { version = "27.3"; hash = "${A}"; }`,
    "p/generic-builder.nix": `{ version, hash ? null, ... }: { stdenv, fetchurl }: stdenv.mkDerivation { pname = "frob"; inherit version; src = fetchurl { url = "${url("OTP-${version}")}"; inherit hash; }; }`,
    "p/default.nix": `{ callPackage }: let genericBuilder = args: callPackage (import ./generic-builder.nix args) { }; in { frob_27 = import ./27.nix genericBuilder; }`,
  };
  await expectPins(
    files,
    [{ fetcher: "fetchurl", version: "27.3", urls: [url("OTP-27.3")], hash: A }],
    "p/27.nix",
  );
  const alone = { "p/27.nix": files["p/27.nix"] };
  await expectPins(alone, [{ fetcher: "genericBuilder", version: "27.3", urls: [], hash: A }], "p/27.nix");
});

test("a function beside that is given its packages first takes a set that has all it asks for", async () => {
  const files = {
    "p/1.18.nix": `{ mkDerivation }: mkDerivation { version = "1.18"; sha256 = "${A}"; minimumOTPVersion = "25"; }`,
    "p/generic-builder.nix": `{ lib, stdenv, fetchurl }@inputs: { version, minimumOTPVersion, sha256 ? null, src ? fetchurl { url = "${url("${version}")}"; inherit sha256; } }@args: stdenv.mkDerivation { pname = "frob"; inherit src version; }`,
  };
  const [found, other] = [
    { version: "1.18", urls: [url("1.18")], hash: A },
    { version: "1.18", urls: [], hash: A },
  ];
  await expectPins(files, [found], "p/1.18.nix");
  const needs = files["p/generic-builder.nix"].replace("version, min", "version, license, min");
  await expectPins({ ...files, "p/generic-builder.nix": needs }, [other], "p/1.18.nix");
});

test("the argument that chooses a hash chooses the version too", async () => {
  const recipe = `{ branch ? "stable", stdenv, fetchurl }: let
  versions = if stdenv.hostPlatform.isLinux then { stable = "1.2"; beta = "1.3"; } else { stable = "0.9"; };
  version = versions.\${branch};
  srcs = {
    x86_64-linux = { stable = fetchurl { url = "${url("${version}")}"; hash = "${A}"; }; beta = fetchurl { url = "${url("beta-${version}")}"; hash = "${B}"; }; };
    x86_64-darwin = { stable = fetchurl { url = "${url("mac-${version}")}"; hash = "${C}"; }; };
  };
in stdenv.mkDerivation { pname = "frob"; inherit version; src = srcs.\${stdenv.hostPlatform.system}.\${branch} or (throw "no"); }`;
  await expectPins(recipe, [
    { version: "1.2", urls: [url("1.2")], hash: A },
    { version: "1.3", urls: [url("beta-1.3")], hash: B },
    { version: "0.9", urls: [url("mac-0.9")], hash: C },
  ]);
});
