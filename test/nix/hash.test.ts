import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fromNix32, holdsHash, toNix32, toSri } from "../../src/nix/hash.ts";

const sha256 = createHash("sha256").update("verifod").digest();
const sri = `sha256-${sha256.toString("base64")}`;

// nix32 spellings from `nix-hash --type sha256 --to-base32`.
test.each([
  ["SRI", sri],
  ["SRI without padding", sri.replace(/=+$/, "")],
  ["hex", sha256.toString("hex")],
  ["hex in capitals", sha256.toString("hex").toUpperCase()],
  ["hex with prefix", `sha256:${sha256.toString("hex")}`],
  ["nix32", toNix32(sha256)],
  ["nix32 with prefix", `sha256:${toNix32(sha256)}`],
  ["base64", sha256.toString("base64")],
])("reads %s as the same bytes", (_, text) => {
  expect(toSri(text)).toBe(sri);
});

test("knows Nix's own spelling of a digest", () => {
  // nix-hash --type sha256 --to-base32 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(toSri("1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s")).toBe(toSri(abc));
});

test.each([
  [""],
  ["v1.2.3"],
  ["sha256-"],
  [`${sha256.toString("hex")}0`],
  ["e".repeat(52)],
  [toNix32(sha256).replace(/.(?=.{20}$)/, "e")],
  [sha256.toString("hex").replace(/.(?=.{20}$)/, "g")],
  // The base 64 of URLs, which decoders take as well.
  [sri.replace(/.(?=.{20}$)/, "_")],
  // A 52nd digit that says more than 256 bits.
  [`z${"0".repeat(51)}`],
  // A commit id is a SHA-1 in hex only where the attribute says so.
  ["sha256:da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  // Nix takes base 64 without its padding in SRI only, and a name is often as long as that of a SHA-1.
  [sri.replace("-", ":").replace(/=+$/, "")],
  ["propagatedNativeBuildInputs"],
])("does not take %j for a hash", (text) => {
  expect(toSri(text)).toBeNull();
});

test("the attribute's algorithm decides", () => {
  const commit = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
  expect(toSri(commit, "sha1")).toBe("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
  expect(toSri(commit, "sha256")).toBeNull();
});

test("nix32 loses nothing", () => {
  fc.assert(
    fc.property(fc.constantFrom(16, 20, 32, 64), fc.infiniteStream(fc.nat(255)), (size, stream) => {
      const bytes = Buffer.from([...stream.take(size)]);
      expect(fromNix32(toNix32(bytes), size)).toEqual(bytes);
    }),
  );
});

test.each([sri, sri.replace("=", ""), sha256.toString("hex"), `sha256:${toNix32(sha256)}`])(
  "finds a hash in a text as %s",
  (spelling) => {
    const hashes = new Set([sri]);
    expect(holdsHash(`{ a = "${spelling}"; }`, hashes)).toBe(true);
    expect(holdsHash(`{ a = "${spelling.replace(/\w(?=.{9}$)/, "9")}"; }`, hashes)).toBe(false);
  },
);
