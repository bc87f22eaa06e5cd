import { beforeAll, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { A, B, C, nix32 } from "../support/recipes.ts";
import { reviewPairs } from "../support/review-pairs.ts";
import { textFile } from "../support/trees.ts";

const P = "pkgs/by-name/fr/frob/package.nix";
const LIST = "pkgs/top-level/all-packages.nix";
type Files = Readonly<Record<string, string>>;
/** What an edit does to a file, by default the package: a text for another, each time it stands there. */
type Edit = readonly [from: string, to: string, path?: string];
type Case = readonly [name: string, files: string | Files, edit: Edit, said: string];

const package_ = (body: string, around = "") =>
  `{ lib, stdenv, fetchurl, fetchFromGitHub, channel ? "stable" }:\n${around}\nstdenv.mkDerivation (finalAttrs: {\n  pname = "frob";\n  version = "1.2";\n  ${body}\n})\n`;
const file = (name: string, hash: string) =>
  `fetchurl { url = "https://acme.dev/${name}.tgz"; hash = "${hash}"; }`;
const table = `let sources = { stable = { url = "https://acme.dev/a"; hash = "${A}"; }; testing = { url = "https://acme.dev/b"; hash = "${B}"; }; }; in`;
const github = (rest: string) => `fetchFromGitHub { owner = "acme"; repo = "frob"; ${rest} }`;
const own = (name: string) => `pkgs/tools/${name}/default.nix`;
const list = (call: string): Files => ({
  [LIST]: `{ lib, pkgs }:\nself:\nwith pkgs;\n{\n  frob = callPackage ${call};\n  other = callPackage ../tools/other { };\n}\n`,
  [own("frob")]:
    `{ stdenv, fetchurl, major ? "1" }:\nlet sources = { "1" = ${file("one", A)}; "2" = ${file("two", B)}; }; in\nstdenv.mkDerivation { pname = "frob"; version = major; src = sources.\${major}; }\n`,
  [own("grob")]:
    `{ stdenv, fetchurl }:\nstdenv.mkDerivation { pname = "grob"; version = "1"; src = ${file("grob", C)}; }\n`,
});

/** What only the value shows: what moved of the pin, as `said`. */
const SEEN: readonly Case[] = [
  [
    "another entry of a table",
    package_("src = fetchurl sources.stable;", table),
    ["sources.stable", "sources.testing"],
    "hash, place",
  ],
  [
    "a default that chooses",
    package_("src = fetchurl sources.${channel};", table),
    ['channel ? "stable"', 'channel ? "testing"'],
    "hash, place",
  ],
  [
    "a condition of the platform",
    package_(`src = if stdenv.hostPlatform.isDarwin then ${file("a", A)} else ${file("b", B)};`),
    ["isDarwin", "isLinux"],
    "hash, place",
  ],
  [
    "a condition of the platform in a file beside, which the usual platform does not meet",
    {
      [P]: package_("src = (import ./pick.nix { inherit stdenv fetchurl; }).old;"),
      [P.replace("package.nix", "pick.nix")]:
        `{ stdenv, fetchurl }:\nlet a = ${file("a", A)}; in\n{ old = a; new = if stdenv.hostPlatform.isDarwin then ${file("b", B)} else a; }\n`,
    },
    [").old", ").new"],
    "hash, place",
  ],
  [
    "a source that other platforms get beside the old one",
    package_(
      `src = fetchurl { url = "https://acme.dev/a"; hash = "${A}"; };`,
      'let arch = if stdenv.hostPlatform.isx86_64 then "a" else "b"; in',
    ),
    [
      `url = "https://acme.dev/a"; hash = "${A}"`,
      `url = "https://acme.dev/\${arch}"; hash = if arch == "a" then "${B}" else "${C}"`,
    ],
    "hash; new",
  ],
  [
    "a default of a set",
    package_(
      `src = fetchurl { url = "https://acme.dev/a"; hash = own.hash or "${A}"; };`,
      "let own = { }; in",
    ),
    ["own = { }", `own = { hash = "${B}"; }`],
    "hash",
  ],
  [
    "mapAttrs'",
    package_(
      `sources = lib.mapAttrs' (n: v: lib.nameValuePair (n + "-src") (fetchurl { url = v.u; hash = v.h; })) { a = { u = "https://acme.dev/a"; h = "${A}"; }; };`,
    ),
    ["acme.dev", "acme-cdn.dev"],
    "place",
  ],
  [
    "concatMapAttrs",
    package_(
      `sources = lib.concatMapAttrs (n: v: { \${n} = fetchurl { url = v.u; sha256 = v.h; }; }) { a = { u = "https://acme.dev/a"; h = "${nix32(A)}"; }; };`,
    ),
    [nix32(A), nix32(B)],
    "hash",
  ],
  [
    "foldl' of sets",
    package_(
      `src = fetchurl (lib.foldl' (a: b: a // b) { url = "https://acme.dev/a"; } [ { hash = "${A}"; } { } ]);`,
    ),
    ["{ } ]", '{ url = "https://acme-cdn.dev/a"; } ]'],
    "place",
  ],
  [
    "two lists that are zipped",
    package_(
      `srcs = lib.zipListsWith (u: h: fetchurl { url = u; sha256 = h; }) [ "https://acme.dev/a" "https://acme.dev/b" ] [ "${nix32(A)}" "${nix32(B)}" ];`,
    ),
    ["acme.dev/b", "acme-cdn.dev/b"],
    "place",
  ],
  [
    "places in a list",
    package_(
      `srcs = lib.imap0 (i: h: fetchurl { url = "https://acme.dev/\${toString i}"; sha256 = h; }) [ "${nix32(A)}" "${nix32(B)}" ];`,
    ),
    ["https://acme.dev", "https://acme-cdn.dev"],
    "place",
  ],
  [
    "a list of names that lead to an entry",
    package_('src = fetchurl (lib.attrByPath [ "stable" ] { } sources);', table),
    ['[ "stable" ]', '[ "testing" ]'],
    "hash, place",
  ],
  [
    "a hash that an unknown function takes",
    package_(`srcs = unknownFunction [ "https://acme.dev/a" "${nix32(A)}" ];`),
    [nix32(A), nix32(B)],
    "hash",
  ],
  [
    "another revision of a source from elsewhere",
    `{ frob }:\nfrob.overrideAttrs (old: {\n  src = old.src.override { rev = "${"1".repeat(40)}"; hash = "${A}"; };\n})\n`,
    ["1".repeat(40), "2".repeat(40)],
    "place",
  ],
  [
    "a list of lists",
    package_(
      `srcs = map (s: fetchurl { url = builtins.elemAt s 0; sha256 = builtins.elemAt s 1; }) [ [ "https://acme.dev/a" "${nix32(A)}" ] ];`,
    ),
    [nix32(A), nix32(B)],
    "hash",
  ],
  [
    "override of a source",
    package_(
      `src = base.override { repo = "frob"; };`,
      `let base = ${github(`tag = "v1"; hash = "${A}";`)}; in`,
    ),
    ['override { repo = "frob"', 'override { repo = "frob-fork"'],
    "place",
  ],
  [
    "overrideAttrs that the package sees in the end",
    package_(
      `org = "acme"; src = ${github(`tag = "v1"; hash = "${A}";`).replace('"acme"', "finalAttrs.org")};`,
    )
      .replace("stdenv.mkDerivation (", "(stdenv.mkDerivation (")
      .replace(/\}\)\n$/, "})).overrideAttrs (old: { })\n"),
    ["old: { }", 'old: { org = "kindred"; }'],
    "place",
  ],
  [
    "a scope that is overridden",
    `{ lib, newScope, fetchurl, stdenv }:\n(lib.makeScope newScope (self: {\n  host = "acme.dev";\n  frob = self.callPackage ({ host }: stdenv.mkDerivation { pname = "frob"; version = "1"; src = fetchurl { url = "https://\${host}/a"; hash = "${A}"; }; }) { };\n})).overrideScope (final: prev: { })\n`,
    ["prev: { }", 'prev: { host = "acme-cdn.dev"; }'],
    "place",
  ],
  [
    "the source of another package laid over",
    package_(`src = ${file("a", A)};`).replace(/\}\)\n$/, "} // { })\n"),
    ["// { }", "// { src = openssl.src; }"],
    "gone",
  ],
  [
    "a text that is read",
    {
      [P]: package_(`src = ${github('tag = "v1"; hash = lib.trim (builtins.readFile ./hash.txt);')};`),
      "pkgs/by-name/fr/frob/hash.txt": `${A}\n`,
    },
    [A, B, "pkgs/by-name/fr/frob/hash.txt"],
    "hash",
  ],
  [
    "a place in TOML",
    {
      [P]: package_("src = fetchurl { inherit (lib.importTOML ./pin.toml) url hash; };"),
      "pkgs/by-name/fr/frob/pin.toml": `url = "https://acme.dev/a"\nhash = "${A}"\n`,
    },
    ["acme.dev", "acme-cdn.dev", "pkgs/by-name/fr/frob/pin.toml"],
    "place",
  ],
  [
    "a JSON list",
    {
      [P]: package_(
        "src = fetchurl { url = builtins.elemAt pin 0; sha256 = builtins.elemAt pin 1; };",
        "let pin = lib.importJSON ./pin.json; in",
      ),
      "pkgs/by-name/fr/frob/pin.json": JSON.stringify(["https://acme.dev/a", nix32(A)]),
    },
    [nix32(A), nix32(B), "pkgs/by-name/fr/frob/pin.json"],
    "hash",
  ],
  [
    "what a third file hands on",
    {
      [P]: package_(`src = ${github(`rev = (import ./a.nix).rev; hash = "${A}";`)};`),
      "pkgs/by-name/fr/frob/a.nix": "import ./b.nix\n",
      "pkgs/by-name/fr/frob/b.nix": `{\n  rev = "${"1".repeat(40)}";\n}\n`,
    },
    ["1".repeat(40), "2".repeat(40), "pkgs/by-name/fr/frob/b.nix"],
    "place",
  ],
  [
    "a list that calls another file",
    list("../tools/frob { }"),
    ["../tools/frob", "../tools/grob", LIST],
    "hash, place",
  ],
  [
    "a list that calls with another argument",
    list('../tools/frob { major = "1"; }'),
    ['major = "1"', 'major = "2"', LIST],
    "hash, place",
  ],
];

/** What the text cannot say, and the review says that it does not. */
const UNREAD: readonly Case[] = [
  [
    "a hash in a text that is taken apart",
    {
      [P]: package_(
        `src = fetchurl { url = "https://acme.dev/a"; sha256 = lib.head (builtins.match "sum=(.*)" (lib.fileContents ./sum)); };`,
      ),
      "pkgs/by-name/fr/frob/sum": `sum=${nix32(A)}\n`,
    },
    [nix32(A), nix32(B), "pkgs/by-name/fr/frob/sum"],
    "",
  ],
];

/** What changes no fetch. */
const SAME: readonly Case[] = [
  [
    "a table that moved into a let",
    package_(`src = ${file("a", A)};`),
    [
      `src = ${file("a", A)};`,
      `src = let pin = { url = "https://acme.dev/a.tgz"; hash = "${A}"; }; in fetchurl pin;`,
    ],
    "",
  ],
  [
    "sources in another order",
    package_(`srcs = [ (${file("a", A)}) (${file("b", B)}) ];`),
    [`(${file("a", A)}) (${file("b", B)})`, `(${file("b", B)}) (${file("a", A)})`],
    "",
  ],
  [
    "a list that calls with what makes no source",
    list("../tools/frob { }"),
    ["../tools/frob { }", "../tools/frob { withX = true; }", LIST],
    "",
  ],
];

function pairOf([, files, [from, to, path = P]]: Case) {
  const base: Files = typeof files === "string" ? { [P]: files } : files;
  const head: Files = { ...base, [path]: base[path]?.replaceAll(from, () => to) ?? "" };
  expect(head[path]).not.toBe(base[path]);
  const tree = (side: Files) => new Map(Object.entries(side).map(([name, text]) => [name, textFile(text)]));
  return { base: tree(base), head: tree(head) };
}

function movesOf({ sources }: Review): string {
  const moved = sources.flatMap(({ before, after }) => {
    if (!before || !after) return [before ? "gone" : "new"];
    const places = [before, after].map(({ urls, rev }) => JSON.stringify([urls, rev]));
    return [before.hash === after.hash ? "" : "hash", places[0] === places[1] ? "" : "place"]
      .filter(Boolean)
      .join(", ");
  });
  return [...new Set(moved)].join("; ");
}

const cases = [...SEEN, ...SAME, ...UNREAD];
let reviews: Review[] = [];
beforeAll(async () => {
  reviews = await reviewPairs(cases.map(pairOf));
}, 60_000);

describe("what the value of a package fetches", () => {
  it.each(cases.map(([name, , , said], index) => ({ name, said, index })))("$name", ({ said, index }) => {
    const review = reviews[index] as Review;
    expect(movesOf(review)).toBe(said);
    expect(review.complete).toBe(index < SEEN.length + SAME.length);
  });
});
