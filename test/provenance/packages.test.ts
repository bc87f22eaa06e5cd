/** Which file of which registry a pin fetches, and whether its hash is of that file's bytes. */
import { describe, expect, it } from "vitest";
import type { RegistryFacts } from "../../src/provenance/answers.ts";
import { compareChecksum, ofOtherBytes } from "../../src/provenance/checksum.ts";
import { packageFileOf } from "../../src/provenance/registries/packages.ts";
import { pinsOf } from "../support/pins.ts";
import { sriOf } from "../support/registries.ts";

const HASH = "sha256-y6BrVzb69n5UsHtWHq6UOV53TFF6fZEKVDaeEmPM+9Q=";

/** The pin of one fetcher's call, within a package. */
async function pinOf(call: string, version = "1.0") {
  const recipe = `{ stdenv, fetchurl, fetchzip, fetchPypi, fetchCrate, fetchHex }:
stdenv.mkDerivation { pname = "frob"; version = "${version}"; src = ${call}; }
`;
  const [pin] = await pinsOf({ "frob.nix": recipe }, "frob.nix");
  if (!pin) throw new Error(`no pin in ${call}`);
  return pin;
}

async function fileOf(call: string, version?: string): Promise<string | null> {
  const found = packageFileOf(await pinOf(call, version));
  if (!found) return null;
  const { registry, name, version: number, file, platform } = found;
  return [registry, name, number, file, platform].filter(Boolean).join(" ");
}

const url = (address: string) => `fetchurl { url = "${address}"; hash = "${HASH}"; }`;

describe("the file that a pin fetches", () => {
  it.each([
    [`fetchCrate { pname = "frob"; version = "1.0.0"; hash = "${HASH}"; }`, "crates.io frob 1.0.0"],
    [url("https://static.crates.io/crates/frob/frob-1.0.0.crate"), "crates.io frob 1.0.0"],
    [
      url("https://static.crates.io/crates/frob-cli/1.0.0-rc.1+x/download"),
      "crates.io frob-cli 1.0.0-rc.1+x",
    ],
    [
      `fetchPypi { pname = "Frob_Lib"; version = "1.0"; hash = "${HASH}"; }`,
      "PyPI frob-lib 1.0 Frob_Lib-1.0.tar.gz",
    ],
    [
      `fetchPypi { pname = "frob"; version = "1.0"; format = "wheel"; python = "py3"; dist = "py3"; hash = "${HASH}"; }`,
      "PyPI frob 1.0 frob-1.0-py3-none-any.whl",
    ],
    [url("mirror://pypi/f/frob/frob-1.0.post1.zip"), "PyPI frob 1.0.post1 frob-1.0.post1.zip"],
    [
      url(`https://files.pythonhosted.org/packages/e4/7b/${"0".repeat(60)}/frob_lib-1.0.tar.gz#sha256=0`),
      "PyPI frob-lib 1.0 frob_lib-1.0.tar.gz",
    ],
    [url("https://registry.npmjs.org/frob/-/frob-1.0.0.tgz"), "npm frob 1.0.0"],
    [url("https://registry.npmjs.org/@acme/frob/-/frob-1.0.0-beta.1.tgz"), "npm @acme/frob 1.0.0-beta.1"],
    [url("https://registry.npmjs.org/@acme%2Ffrob/-/frob-1.0.0.tgz"), "npm @acme/frob 1.0.0"],
    [url("https://registry.yarnpkg.com/frob/-/frob-1.0.0.tgz"), "npm frob 1.0.0"],
    [url("https://rubygems.org/downloads/frob-lib-1.0.gem"), "RubyGems frob-lib 1.0 ruby"],
    [url("https://rubygems.org/gems/frob-1.0-x86_64-linux.gem"), "RubyGems frob 1.0 x86_64-linux"],
    // Dashes before digits leave a choice: the package's version decides.
    [url("https://rubygems.org/gems/frob-2-1.0.gem"), "RubyGems frob-2 1.0 ruby"],
    [`fetchHex { pkg = "frob_lib"; version = "1.0.0"; sha256 = "${HASH}"; }`, "Hex frob_lib 1.0.0"],
    [url("https://repo.hex.pm/tarballs/frob-1.0.0-rc.0.tar"), "Hex frob 1.0.0-rc.0"],
    [url("mirror://hackage/frob-lib-1.0.2/frob-lib-1.0.2.tar.gz"), "Hackage frob-lib 1.0.2"],
    [url("mirror://hackage/frob-lib-1.0.2.tar.gz"), "Hackage frob-lib 1.0.2"],
    [url("https://hackage.haskell.org/package/frob-1.0/frob-1.0.tar.gz"), "Hackage frob 1.0"],
    [
      `fetchurl { urls = [ "https://example.org/frob-1.0.0.tgz" "https://registry.npmjs.org/frob/-/frob-1.0.0.tgz" ]; hash = "${HASH}"; }`,
      "npm frob 1.0.0",
    ],
  ])("%s", async (call, expected) => {
    expect(await fileOf(call)).toBe(expected);
  });

  it.each([
    ["another host", url("https://registry.npmjs.org.example.org/frob/-/frob-1.0.0.tgz")],
    ["another port", url("https://registry.npmjs.org:8443/frob/-/frob-1.0.0.tgz")],
    ["a user in front of the host", url("https://registry.npmjs.org@example.org/frob/-/frob-1.0.0.tgz")],
    [
      "another registry",
      `fetchCrate { pname = "frob"; version = "1"; registryDl = "https://example.org"; hash = "${HASH}"; }`,
    ],
    ["a name that leads up", url("https://registry.npmjs.org/../-/..-1.0.0.tgz")],
    ["a version that leads up", url("https://static.crates.io/crates/frob/../download")],
    ["a version with a slash", url("https://registry.npmjs.org/frob/-/frob-1%2F..%2F2.tgz")],
    ["a broken escape", url("https://registry.npmjs.org/frob%zz/-/frob-1.0.0.tgz")],
    ["a name made to be a pattern", url(`mirror://pypi/f/(a+)+b/${"a".repeat(40)}-1.0.tar.gz`)],
    ["a name of a kilometre", url(`https://repo.hex.pm/tarballs/${"a".repeat(5_000)}-1.0.0.tar`)],
    ["a Cabal file", url("https://hackage.haskell.org/package/frob-1.0/frob.cabal")],
    ["a revision of one", url("https://hackage.haskell.org/package/frob-1.0/revision/1.cabal")],
    ["a signature", url("mirror://pypi/f/frob/frob-1.0.tar.gz.asc")],
    ["a choice that nothing decides", url("https://rubygems.org/gems/frob-2-3.gem")],
    ["what the text does not decide", url("https://repo.hex.pm/tarballs/frob-${x}.tar")],
  ])("is none with %s", async (_, call) => {
    expect(await fileOf(call)).toBeNull();
  });
});

describe("a gemset.nix", () => {
  const gemset = (source: string) => ({
    "gemset.nix": `{ frob = { groups = ["default"]; source = { ${source} sha256 = "${HASH}"; type = "gem"; }; version = "1.2.0"; }; }`,
  });
  const found = async (source: string) => {
    const [pin] = await pinsOf(gemset(source), "gemset.nix");
    return pin ? { file: packageFileOf(pin), other: ofOtherBytes(pin) } : null;
  };

  it("names gems of a registry, by their bytes", async () => {
    expect(await found('remotes = [ "https://rubygems.org" ];')).toEqual({
      file: { registry: "RubyGems", name: "frob", version: "1.2.0", file: null, platform: "ruby" },
      other: null,
    });
    expect(await found('remotes = ["https://rubygems.org/"]; target = "x86_64-linux";')).toMatchObject({
      file: { platform: "x86_64-linux" },
      other: null,
    });
  });

  it("with another registry has none that is asked", async () => {
    expect(await found('remotes = [ "https://gems.example.org" ];')).toMatchObject({ file: null });
    expect(await found('remotes = [ "https://rubygems.org" "https://gems.example.org" ];')).toMatchObject({
      file: null,
    });
  });
});

describe("the hash of a pin", () => {
  const facts: RegistryFacts = {
    registry: "PyPI",
    name: "frob",
    version: "1.0",
    published: null,
    publisher: null,
    withdrawn: null,
    attested: null,
    hasFile: true,
    checksums: [sriOf("its bytes"), sriOf("its bytes", "sha1")],
    repository: null,
  };
  const compared = async (call: string, said: Partial<RegistryFacts> = {}) =>
    compareChecksum(await pinOf(call), { ...facts, ...said });
  const pypi = (hash: string, more = "") =>
    `fetchurl { url = "mirror://pypi/f/frob/frob-1.0.tar.gz"; ${hash} ${more} }`;

  it.each([
    ["SRI", `hash = "${sriOf("its bytes")}";`],
    ["sha1", `sha1 = "${Buffer.from(sriOf("its bytes", "sha1").slice(5), "base64").toString("hex")}";`],
    ["arguments that do not reach the bytes", `hash = "${sriOf("its bytes")}"; curlOpts = "-4";`],
  ])("agrees, as %s", async (_, hash) => {
    expect(await compared(pypi(hash))).toMatchObject({ kind: "agrees" });
  });

  it("disagrees, and the registry's is told", async () => {
    expect(await compared(pypi(`hash = "${HASH}";`))).toEqual({
      kind: "disagrees",
      registry: sriOf("its bytes"),
    });
  });

  it.each([
    ["fetchzip", `fetchzip { url = "mirror://pypi/f/frob/frob-1.0.tar.gz"; hash = "${HASH}"; }`, /unpacked/],
    ["fetchCrate", `fetchCrate { pname = "frob"; version = "1.0"; hash = "${HASH}"; }`, /unpacked/],
    ["postFetch", pypi(`hash = "${HASH}";`, 'postFetch = "rm x";'), /postFetch/],
    ["recursiveHash", pypi(`hash = "${HASH}";`, "recursiveHash = true;"), /recursiveHash/],
    [
      "another algorithm",
      pypi(`hash = "${sriOf("its bytes", "sha512")}";`),
      /sha512, and PyPI gives sha256 and sha1/,
    ],
    ["no hash", pypi('hash = "";'), /no hash/],
    [
      "a function that nobody knows",
      pypi(`hash = "${HASH}";`).replace("fetchurl", "fetchFrob"),
      /does not say/,
    ],
  ])("is not comparable with %s", async (_, call, reason) => {
    expect(await compared(call)).toEqual({ kind: "not-comparable", reason: expect.stringMatching(reason) });
  });

  it("is not comparable where the registry has no such file or no checksum", async () => {
    const call = pypi(`hash = "${HASH}";`);
    expect(await compared(call, { hasFile: false, checksums: [] })).toMatchObject({
      reason: /no file of that name/,
    });
    expect(await compared(call, { checksums: [] })).toMatchObject({ reason: /gives none/ });
  });

  it("of a crate that is not unpacked is of its bytes", async () => {
    expect(
      ofOtherBytes(
        await pinOf(`fetchCrate { pname = "frob"; version = "1.0"; unpack = false; hash = "${HASH}"; }`),
      ),
    ).toBeNull();
  });
});
