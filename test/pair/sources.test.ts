import { expect, test } from "vitest";
import { pairSources } from "../../src/pair/sources.ts";
import { pinsOf } from "../support/pins.ts";
import { A, B, C, D, hex, nix32 } from "../support/recipes.ts";

type Files = Readonly<Record<string, string>>;

async function pins(files: Files) {
  return (await Promise.all(Object.keys(files).map((path) => pinsOf(files, path)))).flat();
}

/** What changed between two recipes: the change, the binding, the version and hash of each side. */
async function changes(base: string | Files, head: string | Files, renames: Files = {}) {
  const [before, after] = [base, head].map((side) => (typeof side === "string" ? { "p.nix": side } : side));
  const found = pairSources(
    await pins(before ?? {}),
    await pins(after ?? {}),
    new Map(Object.entries(renames)),
  );
  return found.map(({ change, before: old, after: now }) => [
    change,
    (now ?? old)?.binding,
    old && [old.version, old.hash],
    now && [now.version, now.hash],
  ]);
}

const file = (name: string, hash: string, version = "${version}") =>
  `fetchurl { url = "https://example.org/${name}-${version}.tgz"; hash = "${hash}"; }`;
const frob = (version: string, hash: string, rest = "") =>
  `stdenv.mkDerivation rec { pname = "frob"; version = "${version}"; src = ${file("frob", hash)}; ${rest} }`;
const patch = (id: string, hash: string) =>
  `(fetchpatch { url = "https://example.org/commit/${id}.patch"; hash = "${hash}"; })`;
const patched = (...patches: string[]) => frob("1.2", A, `patches = [ ${patches.join(" ")} ];`);

test.each<[string, string, string]>([
  ["white space and comments", frob("1.2", A), frob("1.2", A).replaceAll(";", ";\n  # note\n")],
  [
    "sha256 in hex to hash in SRI",
    frob("1.2", A).replace(`hash = "${A}"`, `sha256 = "${hex(A)}"`),
    frob("1.2", A),
  ],
  [
    "sha256 in nix32 to hash in SRI",
    frob("1.2", A).replace(`hash = "${A}"`, `sha256 = "${nix32(A)}"`),
    frob("1.2", A),
  ],
  [
    "rec to finalAttrs",
    frob("1.2", A),
    frob("1.2", A)
      .replace("rec {", "(finalAttrs: {")
      .replace("${version}", "${finalAttrs.version}")
      .replace(/\}$/, "})"),
  ],
  ["the version written out", frob("1.2", A), frob("1.2", A).replace("${version}", "1.2")],
  ["the order of patches", patched(patch("a", B), patch("b", C)), patched(patch("b", C), patch("a", B))],
  [
    "the order of attributes",
    patched(patch("a", B)),
    `let p = [ ${patch("a", B)} ]; in ${frob("1.2", A, "patches = p;")}`,
  ],
  [
    "an address to fetchFromGitHub",
    `stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = fetchzip { url = "https://github.com/acme/frob/archive/v1.2.tar.gz"; hash = "${A}"; }; }`,
    `stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = fetchFromGitHub { owner = "acme"; repo = "frob"; rev = "v1.2"; hash = "${A}"; }; }`,
  ],
])("%s changes nothing", async (_, base, head) => {
  expect(await changes(base, head)).toEqual([]);
});

test("a new version with a new hash is one change", async () => {
  expect(await changes(frob("1.2", A), frob("2.0", B))).toEqual([["changed", "src", ["1.2", A], ["2.0", B]]]);
});

test("a new hash alone, a new address alone, and a new version with the old hash", async () => {
  expect(await changes(frob("1.2", A), frob("1.2", B))).toEqual([["changed", "src", ["1.2", A], ["1.2", B]]]);
  expect(await changes(frob("1.2", A), frob("1.2", A).replace("example.org", "example.net"))).toEqual([
    ["changed", "src", ["1.2", A], ["1.2", A]],
  ]);
  expect(await changes(frob("1.2", A), frob("2.0", A))).toEqual([["changed", "src", ["1.2", A], ["2.0", A]]]);
});

test("a source and its dependencies stay apart", async () => {
  const recipe = (version: string, src: string, vendor: string) =>
    `buildGoModule rec { pname = "frob"; version = "${version}"; src = ${file("frob", src)}; vendorHash = "${vendor}"; }`;
  expect(await changes(recipe("1.2", A, B), recipe("2.0", C, D))).toEqual([
    ["changed", "src", ["1.2", A], ["2.0", C]],
    ["changed", "vendorHash", ["1.2", B], ["2.0", D]],
  ]);
  // The hashes changed places: each is compared with what stood at its place.
  expect(await changes(recipe("1.2", A, B), recipe("1.2", B, A))).toEqual([
    ["changed", "src", ["1.2", A], ["1.2", B]],
    ["changed", "vendorHash", ["1.2", B], ["1.2", A]],
  ]);
});

test("a file moved with its pin unchanged, and with a new version", async () => {
  const [old, now] = ["pkgs/tools/frob/default.nix", "pkgs/by-name/fr/frob/package.nix"];
  const renames = { [old]: now };
  expect(await changes({ [old]: frob("1.2", A) }, { [now]: frob("1.2", A) }, renames)).toEqual([
    ["moved", "src", ["1.2", A], ["1.2", A]],
  ]);
  expect(await changes({ [old]: frob("1.2", A) }, { [now]: frob("2.0", B) }, renames)).toEqual([
    ["moved", "src", ["1.2", A], ["2.0", B]],
  ]);
  // Git did not see the move: the name tells.
  expect(await changes({ [old]: frob("1.2", A) }, { [now]: frob("2.0", B) })).toEqual([
    ["moved", "src", ["1.2", A], ["2.0", B]],
  ]);
});

test("a package moved out of a list", async () => {
  const list = (...packages: string[]) => `self: { ${packages.join(" ")} }`;
  const [frobbed, nib] = [`frob = ${frob("1.2", A)};`, `nib = ${frob("3", C).replaceAll("frob", "nib")};`];
  expect(
    await changes({ "list.nix": list(frobbed, nib) }, { "list.nix": list(nib), "frob.nix": frob("2.0", B) }),
  ).toEqual([["moved", "src", ["1.2", A], ["2.0", B]]]);
});

test("an attribute renamed, with the same content and with new", async () => {
  const named = (name: string, version: string, hash: string) => `{ ${name} = ${frob(version, hash)}; }`;
  expect(await changes(named("frob", "1.2", A), named("frob_1", "1.2", A))).toEqual([]);
  expect(await changes(named("frob", "1.2", A), named("frob_2", "2.0", B))).toEqual([
    ["changed", "frob_2.src", ["1.2", A], ["2.0", B]],
  ]);
});

test("patches added, removed, replaced and refreshed", async () => {
  const [a, b, c] = [patch("a", B), patch("b", C), patch("c", D)];
  expect(await changes(patched(a), patched(a, b))).toEqual([["added", "patches", null, ["1.2", C]]]);
  expect(await changes(patched(a), patched(b, a))).toEqual([["added", "patches", null, ["1.2", C]]]);
  expect(await changes(patched(a, b), patched(b))).toEqual([["removed", "patches", ["1.2", B], null]]);
  expect(await changes(patched(a, b), patched(b, patch("a", D)))).toEqual([
    ["changed", "patches", ["1.2", B], ["1.2", D]],
  ]);
  expect(await changes(patched(a), patched(c))).toEqual(
    expect.arrayContaining([
      ["removed", "patches", ["1.2", B], null],
      ["added", "patches", null, ["1.2", D]],
    ]),
  );
});

test("platforms are compared each with its own", async () => {
  const recipe = (version: string, hashes: Files) => `{ stdenv, fetchurl }: stdenv.mkDerivation rec {
  pname = "frob"; version = "${version}";
  src = fetchurl {
    url = "https://example.org/frob-\${version}-\${stdenv.hostPlatform.system}.tgz";
    hash = { ${Object.entries(hashes)
      .map(([system, hash]) => `${system} = "${hash}";`)
      .join(" ")} }.\${stdenv.hostPlatform.system};
  };
}`;
  const [x, y] = ["x86_64-linux", "aarch64-darwin"];
  expect(await changes(recipe("1.2", { [x]: A, [y]: B }), recipe("2.0", { [y]: D, [x]: C }))).toEqual(
    expect.arrayContaining([
      ["changed", "src", ["1.2", A], ["2.0", C]],
      ["changed", "src", ["1.2", B], ["2.0", D]],
    ]),
  );
  expect(await changes(recipe("1.2", { [x]: A, [y]: B }), recipe("1.2", { [x]: A, [y]: C }))).toEqual([
    ["changed", "src", ["1.2", B], ["1.2", C]],
  ]);
  expect(await changes(recipe("1.2", { [x]: A }), recipe("1.2", { [x]: A, [y]: B }))).toEqual([
    ["added", "src", null, ["1.2", B]],
  ]);
});

test("a new version beside the old one is a change of the old one", async () => {
  const both = `{ stdenv, fetchurl, new ? false }: stdenv.mkDerivation rec {
  pname = "frob";
  version = if new then "2.0" else "1.2";
  src = fetchurl {
    url = "https://example.org/frob-\${version}.tgz";
    hash = if new then "${B}" else "${A}";
  };
}`;
  expect(await changes(frob("1.2", A), both)).toEqual([["changed", "src", ["1.2", A], ["2.0", B]]]);
});

test("a new package, a removed one", async () => {
  expect(await changes({}, frob("1.2", A))).toEqual([["added", "src", null, ["1.2", A]]]);
  expect(await changes(frob("1.2", A), {})).toEqual([["removed", "src", ["1.2", A], null]]);
});

test("a hash emptied, and given", async () => {
  expect(await changes(frob("1.2", A), frob("1.2", ""))).toEqual([
    ["changed", "src", ["1.2", A], ["1.2", null]],
  ]);
  expect(await changes(frob("1.2", ""), frob("1.2", A))).toEqual([
    ["changed", "src", ["1.2", null], ["1.2", A]],
  ]);
});

test("versions of a list move up one by one", async () => {
  const list = (...releases: (readonly [string, string])[]) =>
    `{ ${releases.map(([version, hash]) => `frob_${version.replace(".", "_")} = ${frob(version, hash)};`).join(" ")} }`;
  expect(await changes(list(["1.0", A], ["1.1", B]), list(["1.0", A], ["1.1", B], ["1.2", C]))).toHaveLength(
    1,
  );
  expect(await changes(list(["1.0", A], ["1.1", B]), list(["1.1", B], ["1.2", C]))).toEqual([
    ["changed", "frob_1_2.src", ["1.0", A], ["1.2", C]],
  ]);
});
