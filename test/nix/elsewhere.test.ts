import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import { createNixSide, type Reach } from "../../src/nix/side.ts";
import { textTree } from "../support/pins.ts";
import { A, B } from "../support/recipes.ts";

type Files = Readonly<Record<string, string>>;

const TOOL = "pkgs/tools/tool/default.nix";
/** A recipe that fetches what `version` says. */
const tool = (args: string, version: string) =>
  `{ stdenv, fetchurl, ${args} }: stdenv.mkDerivation rec { pname = "tool"; ${version}
    src = fetchurl { url = "https://example.org/\${version}/tool.tgz"; hash = "${A}"; }; }`;
const lib = (rest: string) =>
  `{ stdenv, fetchurl }: stdenv.mkDerivation rec { pname = "frob"; ${rest}
    src = fetchurl { url = "https://example.org/frob-\${version}.tgz"; hash = "${B}"; }; }`;
const list = (entries: string) => ({
  "pkgs/top-level/all-packages.nix": `{ lib }: self: pkgs: with pkgs; {
  # The tool.
  tool = callPackage ../tools/tool { };
  ${entries}
}`,
});
const inherits = tool("frob", "inherit (frob) version;");

/** The pin of a file: its version and address, and what could not be checked. */
async function read(files: Files, path = TOOL, reach: Reach = "elsewhere", remote = false) {
  const asked: string[] = [];
  const inner = textTree(files);
  const tree = {
    ...inner,
    remote,
    entry: (each: string) => {
      asked.push(each);
      return inner.entry(each);
    },
  };
  const side = createNixSide(tree, await createDocuments(), undefined, reach);
  const [pin] = await side.sources(path, [{ start: 0, end: 100_000 }]);
  return {
    version: pin?.version,
    url: pin?.urls[0]?.value,
    resolved: pin?.urls[0]?.resolved,
    asked,
    unchecked: side.unchecked,
  };
}

const CALLED = "frob = callPackage ../libs/frob { };";
const FROB = "pkgs/libs/frob/default.nix";

test.each<[string, Files, string?]>([
  ["a list", { ...list(CALLED), [FROB]: lib(`version = "2.1";`), [TOOL]: inherits }],
  [
    "an alias, a set of packages and passthru",
    {
      ...list(`inherit (callPackages ../libs/frob { }) frob_1 frob_2;\n frob = frob_2; frob_3 = null;`),
      [FROB]: `{ stdenv }: let make = version: stdenv.mkDerivation {
        name = "frob-\${version}"; passthru = { inherit version; }; };
        in { frob_1 = make "1.9"; frob_2 = make "2.1"; }`,
      [TOOL]: inherits,
    },
  ],
  [
    "a name that is selected from the argument",
    { ...list(CALLED), [FROB]: lib(`version = "2.1";`), [TOOL]: tool("frob", "version = frob.version;") },
  ],
  [
    "the whole set as an argument",
    {
      ...list(CALLED),
      [FROB]: lib(`version = "2.1";`),
      [TOOL]: tool("pkgs", "inherit (pkgs.frob) version;"),
    },
  ],
  [
    "what a list hands to the other package",
    {
      ...list(`frob = callPackage ../libs/frob { major = "2"; };`),
      [FROB]: `{ stdenv, major }: stdenv.mkDerivation { pname = "frob"; version = "\${major}.1"; }`,
      [TOOL]: inherits,
    },
  ],
  [
    "a folder by name",
    {
      "pkgs/by-name/fr/frob/package.nix": lib(`version = "2.1";`),
      "pkgs/by-name/to/tool/package.nix": inherits,
    },
    "pkgs/by-name/to/tool/package.nix",
  ],
  [
    "a folder by name that the list calls with arguments",
    {
      ...list(`frob = callPackage ../by-name/fr/frob/package.nix { ssl = ssl_1; };`),
      "pkgs/by-name/fr/frob/package.nix": lib(`version = "2.1";`),
      [TOOL]: inherits,
    },
  ],
  [
    "a folder for each package",
    {
      "stdenv/stage.nix": "{ lib }: { overlay = lib.packageSets.mkAutoCalledPackageDir ../pkgs; }",
      "top-level.nix": "final: prev: with final; { other = null; }",
      "pkgs/frob/default.nix": lib(`version = "2.1"; passthru = { inherit version; };`),
      "pkgs/tool/default.nix": inherits,
    },
    "pkgs/tool/default.nix",
  ],
  [
    "one package after the other",
    {
      ...list(`${CALLED} base = callPackage ../libs/base { };`),
      "pkgs/libs/base/default.nix": lib(`version = "2.1";`),
      [FROB]: `{ stdenv, base }: stdenv.mkDerivation { pname = "frob"; inherit (base) version; }`,
      [TOOL]: inherits,
    },
  ],
])("a version of another package is found by %s", async (_, files, path) => {
  const found = await read(files, path);
  expect(found).toMatchObject({ version: "2.1", url: "https://example.org/2.1/tool.tgz", resolved: true });
});

const usual = { ...list(CALLED), [FROB]: lib(`version = "2.1";`), [TOOL]: inherits };
const withList = (entries: string, frob = lib(`version = "2.1";`)) => ({
  ...list(entries),
  [FROB]: frob,
  [TOOL]: inherits,
});

test.each<[string, Files, string?]>([
  ["no list has it", withList("")],
  ["the list is not there", { [FROB]: lib(`version = "2.1";`), [TOOL]: inherits }],
  ["it is defined twice", withList(`${CALLED}\n inherit (other) frob;`)],
  [
    "two lists define it",
    { ...usual, "top-level.nix": "final: prev: with final; { frob = callPackage ./pkgs/libs/frob { }; }" },
  ],
  [
    "a file at the top may lay it over",
    { ...usual, "default.nix": "import ./x { o = [ (f: p: { frob = 1; }) ]; }" },
  ],
  ["a folder by name has it too", { ...usual, "pkgs/by-name/fr/frob/package.nix": lib(`version = "2.2";`) }],
  ["it is overridden", withList(`frob = (callPackage ../libs/frob { }).override { version = "3"; };`)],
  ["it is one output", withList(`frob = (callPackage ../libs/frob { }).dev;`)],
  ["it is wrapped", withList(`frob = wrap (callPackage ../libs/frob { });`)],
  ["a condition is open", withList(`frob = if config.new then frob_2 else callPackage ../libs/frob { };`)],
  [
    "the version depends on an open condition",
    withList(CALLED, lib(`version = if stdenv.isDarwin then "2.0" else "2.1";`)),
  ],
  ["passthru says otherwise", withList(CALLED, lib(`version = "2.1"; passthru.version = "2.2";`))],
  ["passthru is not known", withList(CALLED, lib(`version = "2.1"; passthru = args.passthru;`))],
  [
    "what is made of it is not known",
    withList(CALLED, `{ stdenv }: stdenv.mkDerivation ({ version = "2.1"; } // import <more>)`),
  ],
  ["it is no package", withList(CALLED, `{ symlinkJoin }: symlinkJoin { version = "2.1"; }`)],
  [
    "the recipe is given another one",
    {
      "pkgs/top-level/all-packages.nix": `self: pkgs: with pkgs; { ${CALLED}
        tool = callPackage ../tools/tool { frob = frob_1; }; }`,
      [FROB]: lib(`version = "2.1";`),
      [TOOL]: inherits,
    },
  ],
  [
    "another entry calls the recipe",
    {
      "pkgs/top-level/all-packages.nix": `self: pkgs: with pkgs; { ${CALLED}
        other = callPackage ../other { new = true; tool = callPackage ../tools/tool { frob = frob_1; }; };
        tool = callPackage ../tools/tool_2 { }; }`,
      [FROB]: lib(`version = "2.1";`),
      [TOOL]: inherits,
    },
  ],
  [
    "the recipe is of another set",
    {
      "pkgs/top-level/all-packages.nix": `self: pkgs: with pkgs; { ${CALLED}
        tool = python3Packages.callPackage ../tools/tool { }; }`,
      [FROB]: lib(`version = "2.1";`),
      [TOOL]: inherits,
    },
  ],
  [
    "a part of the recipe is called with other names",
    { ...usual, "pkgs/tools/tool/part.nix": inherits },
    "pkgs/tools/tool/part.nix",
  ],
  ["it has a default", { ...usual, [TOOL]: tool("frob ? null", "inherit (frob) version;") }],
  ["an inner function takes it", { ...usual, [TOOL]: `{ callPackage }: callPackage (${inherits}) { }` }],
  [
    "the two take it from each other",
    withList(CALLED, `{ stdenv, tool }: stdenv.mkDerivation { pname = "frob"; inherit (tool) version; }`),
  ],
  ["it takes it from itself", { ...usual, [TOOL]: tool("tool", "inherit (tool) version;") }],
])("a version of another package is unknown where %s", async (_, files, path) => {
  const { version, resolved } = await read(files, path);
  expect({ version, resolved }).toEqual({ version: null, resolved: false });
});

test("an address of another package is found, and nothing is looked for that does not say which it is", async () => {
  const files = {
    ...usual,
    [FROB]: lib(`version = "2.1"; base_url = "https://frob.example";`),
    [TOOL]: `{ stdenv, fetchurl, frob, lib, python }: stdenv.mkDerivation rec { pname = "tool"; version = "1";
      src = fetchurl { url = "\${frob.base_url}/tool.tgz"; hash = "${A}";
        curlOpts = "\${frob.dev} \${python.interpreter} \${lib.version}"; }; }`,
  };
  const found = await read(files);
  expect(found.url).toBe("https://frob.example/tool.tgz");
  expect(found.asked).not.toContain("pkgs/by-name/py/python/package.nix");
  const without = await read({ ...files, [TOOL]: files[TOOL].replace("frob.base_url", "frob.out") });
  expect(without.asked).toEqual([TOOL]);
});

test.each<[Reach, boolean]>([
  ["alone", false],
  ["elsewhere", true],
])("other packages are not read %s, remote: %j", async (reach, remote) => {
  const found = await read(usual, TOOL, reach, remote);
  expect(found.url).toBe(["https://example.org/", "{frob.version}/tool.tgz"].join("$"));
  expect(found.asked).toEqual([TOOL]);
});

const names = Array.from({ length: 200 }, (_, n) => `frob${n}`);
const takingAll = (some: readonly string[]) =>
  `{ stdenv, fetchurl, ${some.join(", ")} }: stdenv.mkDerivation { pname = "tool"; version = "1";
    src = fetchurl { hash = "${A}"; urls = [ ${some.map((name) => `"\${${name}.version}"`).join(" ")} ]; }; }`;
const toolOf = (n: number) => `pkgs/tools/tool${n}/default.nix`;
const many: Files = {
  ...list(
    [
      ...names.map((name) => `${name} = callPackage ../libs/${name} { };`),
      ...Array.from({ length: 10 }, (_, n) => `tool${n} = callPackage ../tools/tool${n} { };`),
    ].join("\n"),
  ),
  ...Object.fromEntries(names.map((name) => [`pkgs/libs/${name}/default.nix`, lib(`version = "2.1";`)])),
};

test("a recipe that takes versions of more packages than are read is said to be unchecked", async () => {
  const few = await read({ ...many, [TOOL]: takingAll(names.slice(0, 20)) });
  expect(few).toMatchObject({ resolved: true, unchecked: [] });
  const found = await read({ ...many, [TOOL]: takingAll(names) });
  expect(found.asked.length).toBeLessThan(200);
  expect(found.unchecked.map(({ what }) => what)).toContain(TOOL);
});

test("a package is not taken to be defined once because a second place is not looked at any more", async () => {
  const [first, ...more] = names.slice(0, 10).map((name) => `"\${${name}.version}"`);
  const parts = Array.from({ length: 60 }, (_, n) => `pkgs/tools/tool/${n}.nix`);
  const files = {
    ...many,
    ...Object.fromEntries(parts.map((path) => [path, `"https://example.org"`])),
    ...Object.fromEntries(
      names.map((name) => [`pkgs/by-name/fr/${name}/package.nix`, lib(`version = "2.2";`)]),
    ),
    [TOOL]: `{ stdenv, fetchurl, ${names.join(", ")} }: stdenv.mkDerivation { pname = "tool"; version = "1";
      src = fetchurl { hash = "${A}"; urls = [ ${first} ${parts.map((path) => `(import ./${path.split("/").at(-1)})`).join(" ")} ${more.join(" ")} ]; }; }`,
  };
  const tree = textTree(files);
  const side = createNixSide(tree, await createDocuments());
  // As files that changed are.
  for (const name of names) {
    const entry = await tree.entry(`pkgs/libs/${name}/default.nix`);
    if (entry) await side.load(entry);
  }
  const [pin] = await side.sources(TOOL, [{ start: 0, end: 100_000 }]);
  expect(pin?.urls.filter(({ resolved }) => resolved)).toHaveLength(parts.length);
});

test("recipes of a change that take versions of more packages than are read are said to be unchecked", async () => {
  const recipes = Array.from(
    { length: 10 },
    (_, n) => [toolOf(n), takingAll(names.slice(n * 20, n * 20 + 20))] as const,
  );
  const tree = textTree({ ...many, ...Object.fromEntries(recipes) });
  const side = createNixSide(tree, await createDocuments());
  const unknown: string[] = [];
  for (const [path] of recipes) {
    const [pin] = await side.sources(path, [{ start: 0, end: 100_000 }]);
    if (pin?.urls.some(({ resolved }) => !resolved)) unknown.push(path);
  }
  expect(unknown).toEqual(recipes.slice(3).map(([path]) => path));
  expect([...new Set(side.unchecked.map(({ what }) => what))]).toEqual(unknown);
});
