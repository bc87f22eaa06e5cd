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
