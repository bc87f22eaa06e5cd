import { expect, test } from "vitest";
import { pinsOf, plain } from "../support/pins.ts";

const A = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
const B = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=";

async function read(files: Record<string, string>, path: string) {
  return (await pinsOf(files, path)).map((source) => plain(source, files));
}

test("an object with a hash is a pin, by its keys", async () => {
  const files = {
    "p/deps.json": JSON.stringify({
      version: "1.2",
      frob: { url: "https://example.org/frob.tar.gz", hash: A },
    }),
  };
  expect(await read(files, "p/deps.json")).toEqual([
    {
      path: "p/deps.json",
      binding: "frob",
      fetcher: null,
      version: "1.2",
      urls: ["https://example.org/frob.tar.gz"],
      rev: null,
      hash: A,
      at: JSON.stringify(A),
    },
  ]);
});

test("the recipe beside says which fetcher takes it, and for which version", async () => {
  const files = {
    "p/default.nix": `{ lib, stdenv, fetchFromGitHub }:
let pin = lib.importJSON ./pin.json; in
stdenv.mkDerivation {
  pname = "frob";
  version = pin.version;
  src = fetchFromGitHub { owner = "acme"; repo = "frob"; rev = "v\${pin.version}"; hash = pin.srcHash; };
}`,
    "p/pin.json": JSON.stringify({ version: "1.2", srcHash: A }),
  };
  expect(await read(files, "p/pin.json")).toEqual([
    {
      path: "p/pin.json",
      binding: "",
      fetcher: "fetchFromGitHub",
      version: "1.2",
      urls: ["https://github.com/acme/frob/archive/v1.2.tar.gz"],
      rev: "v1.2",
      hash: A,
      at: JSON.stringify(A),
    },
  ]);
});

test("each branch of releases is what is fetched for the one who asks for it", async () => {
  const releases = {
    testing: { version: "6.19-rc1", hash: A },
    "6.1": { version: "6.1.159", hash: B },
  };
  const files = {
    "p/mainline.nix": `let releases = lib.importJSON ./releases.json; in
{ branch, lib, fetchurl, fetchzip, buildLinux, ... }@args: let
  release = releases.\${branch};
  inherit (release) version;
  src = if branch == "testing"
    then fetchzip { url = "https://git.example.org/linux-\${version}.tar.gz"; inherit (release) hash; }
    else fetchurl { url = "mirror://kernel/v\${lib.versions.major version}.x/linux-\${version}.tar.xz"; inherit (release) hash; };
in buildLinux ((removeAttrs args [ "branch" ]) // { inherit src version; } // (args.argsOverride or { }))`,
    "p/releases.json": JSON.stringify(releases),
  };
  const found = await read(files, "p/releases.json");
  expect(found.map(({ binding, fetcher, version, urls }) => [binding, fetcher, version, ...urls])).toEqual([
    ["testing", "fetchzip", "6.19-rc1", "https://git.example.org/linux-6.19-rc1.tar.gz"],
    ["6.1", "fetchurl", "6.1.159", "mirror://kernel/v6.x/linux-6.1.159.tar.xz"],
  ]);
});

test("hashes by platform within releases are what a function beside makes of each", async () => {
  const hashes = { "aarch64-linux": A, "x86_64-linux": B };
  const files = {
    "p/default.nix": `{ lib, callPackage }: let make = callPackage ./generic.nix { }; in
lib.mapAttrs' (major: info: lib.nameValuePair "frob_\${major}" (make info.version info.hashes)) (lib.importJSON ./info.json)`,
    "p/generic.nix": `{ lib, stdenv, fetchurl }: version: hashes: let
  fetch = vers: tag: hash: fetchurl { url = "https://example.org/\${vers}/\${tag}.zip"; inherit hash; };
  tags = { x86_64-linux = "linux-x64"; aarch64-linux = "linux-arm64"; };
  get = as: platform: as.\${platform.system} or (throw "no");
  common = platform: { pname = "frob"; inherit version; src = fetch version (get tags platform) (get hashes platform); };
in stdenv.mkDerivation (finalAttrs: lib.recursiveUpdate (common stdenv.hostPlatform) (if stdenv.hostPlatform.isDarwin then { a = 1; } else { b = 1; }))`,
    "p/info.json": JSON.stringify({ "35": { hashes, version: "35.7.5" } }),
  };
  const found = await read(files, "p/info.json");
  expect(found.map(({ binding, fetcher, version, urls }) => [binding, fetcher, version, ...urls])).toEqual([
    ["35.hashes.aarch64-linux", "fetchurl", "35.7.5", "https://example.org/35.7.5/linux-arm64.zip"],
    ["35.hashes.x86_64-linux", "fetchurl", "35.7.5", "https://example.org/35.7.5/linux-x64.zip"],
  ]);
});

test("a map of platforms has a pin for each", async () => {
  const files = { "p/hashes.json": JSON.stringify({ hashes: { "x86_64-linux": A, "aarch64-linux": B } }) };
  expect((await read(files, "p/hashes.json")).map(({ binding, hash }) => [binding, hash])).toEqual([
    ["hashes.x86_64-linux", A],
    ["hashes.aarch64-linux", B],
  ]);
});

test.each([
  ["a lockfile", "p/package-lock.json", { packages: { frob: { integrity: A, hash: A } } }],
  ["a commit id", "p/pin.json", { rev: "0123456789abcdef0123456789abcdef01234567" }],
  ["a text that is no hash", "p/pin.json", { hash: "abc" }],
])("%s is no pin", async (_, path, value) => {
  expect(await read({ [path]: JSON.stringify(value) }, path)).toEqual([]);
});

test("broken and hostile JSON gives what can be read, and ends", async () => {
  expect(await read({ "p/a.json": `{ "frob": { "hash": "${A}" }` }, "p/a.json")).toHaveLength(1);
  expect(await read({ "p/a.json": "[".repeat(5_000) }, "p/a.json")).toEqual([]);
});
