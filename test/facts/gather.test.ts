import { afterEach, expect, test } from "vitest";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { gatherFacts } from "../../src/facts/gather.ts";
import { createTools } from "../../src/tools.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";

let made: TestRepository | undefined;
afterEach(() => made?.remove());

async function factsOf(...commits: readonly Readonly<Record<string, TestFile>>[]) {
  made = makeRepository(...commits);
  const repository = await openRepository(made.directory);
  try {
    return await gatherFacts(await openGitChange(repository), await createTools(), null);
  } finally {
    repository.close();
  }
}

const variants = (hash: string) => `{
  v1 = { version = "1.0"; ${hash} = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="; };
  v2 = { version = "2.0"; ${hash} = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="; };
}`;
const generic = (
  hash: string,
  host: string,
) => `{ version, ${hash.split(".")[0]}, ... }: { stdenv, fetchurl }:
stdenv.mkDerivation {
  pname = "frob";
  inherit version;
  src = fetchurl { url = "https://${host}/frob-\${version}.tar.gz"; hash = ${hash}; };
}`;

test.each([
  ["src-hash", "src-hash"],
  ["a name that is longer than any of nixpkgs", `src-hash.${"x86_64-".repeat(30)}linux`],
])(
  "a builder that fetches from elsewhere moves the pins of the files that it is called with: %s",
  async (_, hash) => {
    const { facts } = await factsOf(
      { "p/variants.nix": variants(hash), "p/generic.nix": generic(hash, "old.example") },
      { "p/generic.nix": generic(hash, "new.example") },
    );
    expect(
      facts.sources.map(({ change, before, after }) => [
        change,
        before?.urls[0]?.value,
        after?.urls[0]?.value,
      ]),
    ).toEqual([
      ["changed", "https://old.example/frob-1.0.tar.gz", "https://new.example/frob-1.0.tar.gz"],
      ["changed", "https://old.example/frob-2.0.tar.gz", "https://new.example/frob-2.0.tar.gz"],
    ]);
  },
);

test("a file of too many lines is said to be unchecked, and those beside it are read", async () => {
  const { facts, unchecked } = await factsOf(
    { "a.nix": "1", "lines.txt": "" },
    { "a.nix": "2", "lines.txt": "\n".repeat(1_000_001) },
  );
  expect(facts.files.map(({ head }) => head)).toEqual(["2", null]);
  expect(unchecked).toEqual([{ what: "lines.txt", reason: "it has more than 1 million lines" }]);
});

/** `value` in a recipe, with what stands before it. */
const fetched = (value: string, before = "") =>
  `{ fetchurl, lib, flag }: ${before} fetchurl { url = ${value}; hash = "${A}"; }`;
const chained = (host: string) => {
  const names = Array.from({ length: 400 }, (_, n) => `v${n} = v${n + 1} + "";`).join(" ");
  return fetched("v0", `let ${names} v400 = "https://${host}"; in`);
};
/** A list of twice as many each time, 32,768 in the end. */
const long = `let x0 = [ 1 ]; ${Array.from({ length: 15 }, (_, n) => `x${n + 1} = x${n} ++ x${n};`).join(" ")} in`;
/** A hash that comes to its fetcher through a list. */
const inSets = (host: string) =>
  `{ fetchurl }: let f = hash: fetchurl { url = "${host}"; inherit hash; }; all = [ "${A}" ]; in
  ${"{ a = ".repeat(14)} map f all ${"; }".repeat(14)}`;

test.each<[string, (host: string) => string]>([
  ["behind a chain of names", chained],
  ["behind binders", (host) => fetched("u", `let u = "${host}"; in ${"let a = 1; in ".repeat(201)}`)],
  ["in a long text", (host) => fetched(`"${host}/${"a".repeat(50_001)}" + ""`)],
  ["in many parts", (host) => fetched(`"${host}${"${flag}x".repeat(101)}"`)],
  ["in a long list", (host) => fetched(`lib.last (x15 ++ [ "${host}" ])`, long)],
  ["in sets in one another", inSets],
])("a location that lies deeper than is looked, %s, is said to be unchecked", async (_, recipe) => {
  const { unchecked } = await factsOf({ "p.nix": recipe("old.example") }, { "p.nix": recipe("new.example") });
  expect(unchecked).toEqual([{ what: "p.nix", reason: DEEPER }]);
});

const DEEPER = "what its pins are made of lies deeper than is looked";

test("files beyond those that a recipe may lead to are read as its own change all the same", async () => {
  const names = Array.from({ length: 64 }, (_, n) => `f${n}.nix`);
  const files = (host: string) => ({
    "p/a.nix": fetched(`${[...names, "z.nix"].map((name) => `import ./${name}`).join(" + ")} + "${host}"`),
    "p/z.nix": fetched(`"https://${host}"`),
  });
  const beside = Object.fromEntries(names.map((name) => [`p/${name}`, '""']));
  const { facts, unchecked } = await factsOf({ ...beside, ...files("old.example") }, files("new.example"));
  const moved = facts.sources.find(({ after }) => after?.hashSpan.path === "p/z.nix");
  expect([moved?.before?.urls[0]?.value, moved?.after?.urls[0]?.value]).toEqual([
    "https://old.example",
    "https://new.example",
  ]);
  expect(unchecked).toEqual([{ what: "p/a.nix", reason: DEEPER }]);
});

const A = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
const B = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=";

/** A package that takes one of two sources, with something beside it. */
const choosing = (taken: string, beside = "") => `{ stdenv, fetchurl, lib }: let
  sources = { a = fetchurl { url = "https://example.org/a.tgz"; hash = "${A}"; }; b = fetchurl { url = "https://example.org/b.tgz"; hash = "${B}"; }; };
  in stdenv.mkDerivation { pname = "frob"; version = "1.2"; src = sources.${taken}; ${beside} }`;
/** A list of 8,192 values, each looked into. */
const values = (use: string) =>
  `env = let x0 = [ {} ]; ${Array.from({ length: 13 }, (_, n) => `x${n + 1} = x${n} ++ x${n};`).join(" ")} in ${use} x13;`;

test.each<[string, string]>([
  ["holds too many values", choosing("b", values(""))],
  ["takes too many steps", choosing("b", values(`lib.concatMapStrings (x: "a" + "b")`))],
  [
    "is too long a text",
    choosing(
      "b",
      `# ${"x".repeat(40_000)}
`,
    ),
  ],
  [
    "may be made of too many files",
    choosing(
      "b",
      `# ${Array.from({ length: 17 }, (_, n) => `./f${n}.nix`).join(" ")}
`,
    ),
  ],
])("that the value of a package can no longer be worked out is said: it %s", async (_, recipe) => {
  const { facts, unchecked } = await factsOf({ "p.nix": choosing("a") }, { "p.nix": choosing("b") });
  expect(facts.sources.map(({ before, after }) => [before?.hash, after?.hash])).toEqual([[A, B]]);
  expect(unchecked).toEqual([]);
  const lost = await factsOf({ "p.nix": choosing("a") }, { "p.nix": recipe });
  expect(lost.unchecked.map(({ what, reason }) => [what, reason])).toEqual([
    ["p.nix", expect.stringContaining("which it did not before")],
  ]);
  const ever = await factsOf({ "p.nix": recipe }, { "p.nix": `${recipe} ` });
  expect(ever.unchecked).toEqual([]);
});

/** A recipe of two releases, of which a package list calls one by its version. */
const releases = (entries: string) => `{ stdenv, fetchurl, version }:
let release = { ${entries} }.\${version}; in
stdenv.mkDerivation {
  pname = "frob";
  inherit (release) version;
  src = fetchurl { url = "https://example.org/frob-\${release.version}.tar.gz"; inherit (release) hash; };
  tool = fetchurl { url = "https://example.org/tool.tar.gz"; hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM="; };
}`;
const one = `"1" = { version = "1.2"; hash = "${A}"; };`;
const two = `"2" = { version = "2.0"; hash = "${B}"; };`;
const list = (body: string) => `{ lib }: self: pkgs: with pkgs; {\n${body}\n}`;

test("a name that is pointed to another package gets that one's source", async () => {
  const { facts } = await factsOf(
    {
      "pkgs/frob/default.nix": releases(one),
      "pkgs/top-level/all-packages.nix": list(
        'frob = hiPrio frob_1;\nfrob_1 = callPackage ../frob { version = "1"; };',
      ),
    },
    {
      "pkgs/frob/default.nix": releases(one + two),
      "pkgs/top-level/all-packages.nix": list(
        'frob = hiPrio frob_2;\nfrob_1 = callPackage ../frob { version = "1"; };\nfrob_2 = callPackage ../frob { version = "2"; };',
      ),
    },
  );
  expect(facts.sources.map(({ change, before, after }) => [change, before?.version, after?.version])).toEqual(
    [["changed", "1.2", "2.0"]],
  );
});

test("a name that stood for another package and is one of its own now had that one's source", async () => {
  const of = (version: string, hash: string) =>
    `common { version = "${version}"; src = fetchurl { url = "https://example.org/frob-${version}.tar.gz"; hash = "${hash}"; }; }`;
  const file = (unstable: string) => `{ fetchurl, stdenv }:
let common = { version, src }: stdenv.mkDerivation { pname = "frob"; inherit version src; }; in rec {
  stable = ${of("1.2", A)};
  ${unstable}
}`;
  const { facts } = await factsOf(
    { "p/default.nix": file(`unstable = stable;\n/*\n  unstable = ${of("1.9", A)};\n*/`) },
    { "p/default.nix": file(`unstable = ${of("2.0", B)};`) },
  );
  expect(facts.sources.map(({ change, before, after }) => [change, before?.version, after?.version])).toEqual(
    [["changed", "1.2", "2.0"]],
  );
});

test("more names that are pointed elsewhere than are looked up are said", async () => {
  const names = Array.from({ length: 20 }, (_, n) => n);
  const lists = (target: string, files: number) =>
    Object.fromEntries(
      Array.from({ length: files }, (_, n) => [
        `list-${n + 10}.nix`,
        list(names.map((name) => `a${name} = ${target}${name};`).join("\n")),
      ]),
    );
  expect((await factsOf(lists("b", 10), lists("c", 10))).unchecked).toEqual([]);
  made?.remove();
  expect((await factsOf(lists("b", 11), lists("c", 11))).unchecked).toEqual([
    { what: "list-20.nix", reason: expect.stringContaining("more names another meaning") },
  ]);
});

test("names that are pointed elsewhere and have the same source, or none, change nothing", async () => {
  const both = 'frob_1 = callPackage ../frob { version = "1"; };\nother = frob_1;';
  const { facts } = await factsOf(
    {
      "pkgs/frob/default.nix": releases(one),
      "pkgs/top-level/all-packages.nix": list(`frob = frob_1;\nnib = elsewhere;\n${both}`),
    },
    {
      "pkgs/frob/default.nix": releases(`${one}\n`),
      "pkgs/top-level/all-packages.nix": list(`frob = other;\nnib = nowhere;\n${both}`),
    },
  );
  expect(facts.sources).toEqual([]);
});

test("what cannot be read is said, and the rest is read", async () => {
  const { facts, unchecked } = await factsOf(
    { "a.nix": "{ }" },
    {
      "a.nix": new Uint8Array([0x7b, 0, 0x7d]),
      "b.nix": `{ x = ${"a.".repeat(20_000)}a`,
      "c.nix": generic("src-hash", "a.example"),
    },
  );
  expect(unchecked).toEqual([
    { what: "a.nix", reason: "not a text (NUL byte)" },
    { what: "b.nix", reason: expect.stringContaining("parsing took longer") },
  ]);
  expect(facts.files).toHaveLength(3);
});

const described = (name: string, hash: string, license: string) => `{ fetchurl }:
{
  pname = "${name}";
  version = "1";
  src = fetchurl { url = "https://example.org/${name}.tar.gz"; hash = "${hash}"; };
  meta = {
    license = "${license}";
  };
}`;

test("where no pin changes, those that a change cannot reach are not read", async () => {
  const { facts, unchecked } = await factsOf(
    { "a.nix": described("a", A, "mit") },
    { "a.nix": described("a", A, "gpl") },
  );
  expect(facts.settings.map(({ after }) => after?.text)).toEqual(['"gpl"']);
  expect([facts.pins.base, facts.pins.head, unchecked]).toEqual([[], [], []]);
});

test("where a pin changes, the pins that the change cannot reach are known, in the order of the files", async () => {
  const { facts } = await factsOf(
    { "a.nix": described("a", A, "mit"), "b.nix": described("b", B, "mit") },
    { "a.nix": described("a", A, "gpl"), "b.nix": described("b", A, "mit") },
  );
  expect(facts.pins.head.map(({ path }) => path)).toEqual(["a.nix", "b.nix"]);
  expect(facts.reuses.map(({ source, known }) => [source.path, known.map(({ path }) => path)])).toEqual([
    ["b.nix", ["a.nix", "a.nix"]],
  ]);
});

test("a list of hashes that a changed file makes nothing of is read once, and only where a pin changes", async () => {
  const user = (argument: string) => `{ fetchurl, find, name, ${argument} }:
fetchurl { url = "https://example.org/\${name}"; sha256 = find name (import ./list.nix); }`;
  const list = `{ one = "${A}"; two = "${B}"; }`;
  const base = { "p/default.nix": user("old"), "p/list.nix": list, "q.nix": described("q", A, "mit") };
  const quiet = await factsOf(base, { "p/default.nix": user("new") });
  expect(quiet.facts.sources).toEqual([]);
  expect(quiet.facts.pins.head.filter(({ path }) => path === "p/list.nix")).toEqual([]);
  made?.remove();
  const { facts } = await factsOf(base, { "p/default.nix": user("new"), "q.nix": described("q", B, "mit") });
  const listed = (side: "base" | "head") => facts.pins[side].filter(({ path }) => path === "p/list.nix");
  expect(listed("head").map(({ hash }) => hash)).toEqual([A, B]);
  expect(listed("base")).toEqual(listed("head"));
  expect(facts.sources.map(({ after }) => after?.path)).toEqual(["q.nix"]);
});

const packaged = (name: string, hash: string, more: string) => `{ stdenv, fetchurl }: stdenv.mkDerivation {
  pname = "${name}"; version = "1.0";
  src = fetchurl { url = "https://example.org/${name}.tar.gz"; hash = "${hash}"; };
  ${more}
}`;

test.each([
  ["has a hash that is new elsewhere", B, "", true],
  ["may get a hash from a file beside it", A, "extra = ./extra.nix;", true],
  ["has nothing of what is new", A, "", false],
])("the pins of a file that changed in meta only are there when it %s", async (_, hash, more, areThere) => {
  const c = A.replace("E=", "M=");
  const meta = (license: string) => packaged("other", hash, `${more} meta.license = "${license}";`);
  const { facts } = await factsOf(
    { "frob.nix": packaged("frob", c, ""), "other.nix": meta("MIT") },
    { "frob.nix": packaged("frob", B, ""), "other.nix": meta("ISC") },
  );
  expect(facts.pins.head.map(({ path }) => path)).toEqual(
    areThere ? ["frob.nix", "other.nix"] : ["frob.nix"],
  );
  expect(facts.reuses.length).toBe(hash === B ? 1 : 0);
});

test("where a patch is dropped, the pins of files that a change cannot reach are there if these name it", async () => {
  const patch = (name: string) =>
    `patches = [ (fetchpatch { name = "${name}.patch"; url = "https://example.org/${name}"; hash = "${B}"; }) ];`;
  const file = (name: string, more: string, license: string) =>
    packaged(name, A, `${more}\n  meta.license = "${license}";`);
  const fix = patch("CVE-2030-1");
  const { facts } = await factsOf(
    { "a.nix": file("a", fix, "mit"), "b.nix": file("b", fix, "mit"), "c.nix": file("c", patch("d"), "mit") },
    { "a.nix": file("a", "", "mit"), "b.nix": file("b", fix, "isc"), "c.nix": file("c", patch("d"), "isc") },
  );
  expect([...new Set(facts.pins.head.map(({ path }) => path))]).toEqual(["a.nix", "b.nix"]);
});

test("where a list of more than a thousand hashes is used is not worked out for each of them, and that is said", async () => {
  const list = (count: number, first: string) =>
    `{\n${Array.from({ length: count }, (_, n) => `  p${n} = "${n === 0 ? first : `${n}`.padStart(52, "0")}";`).join("\n")}\n}\n`;
  const user = `{ fetchurl }: builtins.mapAttrs (name: sha256: fetchurl { url = "https://example.org/\${name}"; inherit sha256; }) (import ./list.nix)`;
  const [old, now] = ["a", "b"].map((digit) => digit.padStart(52, "0")) as [string, string];
  const change = (count: number) =>
    factsOf({ "p/default.nix": user, "p/list.nix": list(count, old) }, { "p/list.nix": list(count, now) });
  const package_ = await change(900);
  made?.remove();
  const collection = await change(1_001);
  const read = ({ facts, unchecked }: typeof package_) => [
    ...facts.sources
      .filter(({ before, after }) => before?.hash !== after?.hash)
      .map(({ after }) => after?.urls.map(({ value }) => value)),
    ...unchecked.map(({ what }) => what),
  ];
  expect(read(package_)).toEqual([["https://example.org/p0"]]);
  // What the value of the file beside fetches tells where the changed one is used.
  expect(read(collection)).toEqual([["https://example.org/p0"], "p/list.nix"]);
});

test("a file that was formatted says nothing, but what it makes of a file that changed", async () => {
  const recipe = (arguments_: string) => `${arguments_}: stdenv.mkDerivation rec {
  pname = "frob"; version = import ./version.nix;
  src = fetchurl { url = "https://example.org/frob-\${version}.tar.gz"; hash = "${A}"; };
  buildPhase = ''make'';
}`;
  const [old, formatted] = [recipe("{stdenv,fetchurl}"), recipe("{\n  stdenv,\n  fetchurl,\n}")];
  const alone = await factsOf(
    { "frob.nix": old, "version.nix": '"1.0"', "b.nix": "1" },
    { "frob.nix": formatted, "b.nix": "2" },
  );
  made?.remove();
  expect([alone.facts.pins.head, alone.facts.scripts, alone.facts.settings]).toEqual([[], [], []]);
  const { facts } = await factsOf(
    { "frob.nix": old, "version.nix": '"1.0"' },
    { "frob.nix": formatted, "version.nix": '"1.1"' },
  );
  expect(facts.sources.map(({ before, after }) => [before?.version, after?.version])).toEqual([
    ["1.0", "1.1"],
  ]);
});

test("a set of many gems, which no file beside it takes by name, is read whole", async () => {
  const gemset = (minor: number) =>
    `{\n${Array.from(
      { length: 80 },
      (_, n) =>
        `  gem${n} = {\n    source = {\n      remotes = ["https://rubygems.org"];\n      sha256 = "${`${minor}${n}`.padEnd(52, "0")}";\n      type = "gem";\n    };\n    version = "1.${minor}";\n  };`,
    ).join("\n")}\n}\n`;
  const { facts, unchecked } = await factsOf({ "p/gemset.nix": gemset(1) }, { "p/gemset.nix": gemset(2) });
  expect(facts.sources.filter(({ before, after }) => before?.hash !== after?.hash)).toHaveLength(80);
  expect(unchecked).toEqual([]);
});

test("a gem is where its set says, by the name that it has there", async () => {
  const gems = (version: string) => `{ buildRubyGem }:
{
  nokogiri = {
    targets = [
      { remotes = [ "https://gems.acme.dev/" ]; sha256 = "${"1".padStart(52, "0")}"; target = "x86_64-linux"; type = "gem"; }
    ];
    version = "${version}";
  };
  renamed = buildRubyGem { gemName = "rake"; type = "gem"; version = "${version}"; source.sha256 = "${"2".padStart(52, "0")}"; };
}
`;
  const { facts } = await factsOf({ "p/gems.nix": gems("1.0") }, { "p/gems.nix": gems("1.1") });
  expect(facts.sources.map(({ after }) => after?.urls.map(({ value }) => value))).toEqual([
    ["https://gems.acme.dev/gems/nokogiri-1.1-x86_64-linux.gem"],
    ["https://rubygems.org/gems/rake-1.1.gem"],
  ]);
});
