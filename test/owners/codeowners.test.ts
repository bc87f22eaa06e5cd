import { afterAll, beforeAll, expect, test } from "vitest";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { repositoryTree } from "../../src/change/tree.ts";
import { matcherOf, ownerLines, parseOwners, readOwners } from "../../src/owners/codeowners.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

test.each([
  // The examples of GitHub's documentation, in other words.
  ["*", "a/b/c.nix", true],
  ["*.js", "a/b.js", true],
  ["*.js", "a/b.jsx", false],
  ["/build/logs/", "build/logs/a/b", true],
  ["/build/logs/", "x/build/logs/a", false],
  ["docs/*", "docs/a.md", true],
  ["docs/*", "docs/sub/a.md", false],
  ["docs/*", "x/docs/a.md", false],
  ["docs/**", "docs/sub/a.md", true],
  ["apps/", "x/apps/y/z", true],
  ["/docs/", "docs/a/b", true],
  ["/docs/", "x/docs/a", false],
  ["/scripts/", "scripts/a", true],
  ["**/logs", "x/y/logs/z", true],
  ["/apps/github", "apps/github/a", true],
  ["/apps/github", "apps/githubber", false],
  ["pkgs/by-name/fr/frob", "pkgs/by-name/fr/frob/package.nix", true],
  ["Frob.nix", "frob.nix", false],
  ["a\\ b.nix", "a b.nix", true],
  ["/*", "a.nix", true],
  ["/*", "a/b.nix", false],
  // What GitHub does not take.
  ["!docs", "docs/a", null],
  ["[ab].nix", "a.nix", null],
  ["*a*a*a*a*a*a*a*a*a", "aaaaaaaaa", null],
])("%s and %s: %s", (pattern, path, expected) => {
  expect(matcherOf(pattern)?.(path) ?? null).toBe(expected);
});

test("lines have comments, white space and places", () => {
  const text = "# Owners\n\n/a  @one\t@o/two # why\n/b\n  /c#d @three\r\n/e\\ f @four\n";
  expect(ownerLines(text).map(({ pattern, owners }) => [pattern, owners])).toEqual([
    ["/a", ["@one", "@o/two"]],
    ["/b", []],
    ["/c#d", ["@three"]],
    ["/e\\ f", ["@four"]],
  ]);
  for (const { pattern, start, end } of ownerLines(text)) expect(text.slice(start, end)).toContain(pattern);
});

test("the last line that matches counts, and may say that nobody owns it", () => {
  const owners = parseOwners(
    "CODEOWNERS",
    [
      "* @all",
      "/pkgs/ @NixOS/packages",
      "/pkgs/a @a @b @a",
      "/pkgs/a/free",
      "/pkgs/mail a@example.org @c",
    ].join("\n"),
  );
  expect(owners.of("README")).toEqual(["@all"]);
  expect(owners.of("pkgs/x")).toEqual(["@NixOS/packages"]);
  expect(owners.of("pkgs/a/x")).toEqual(["@a", "@b"]);
  expect(owners.of("pkgs/a/free")).toEqual([]);
  expect(owners.of("pkgs/mail")).toEqual(["@c"]);
});

test("what is no mention is nobody, whatever it would do in a comment", () => {
  const owners = parseOwners(
    "CODEOWNERS",
    "* @a/b/c @`x` @<b> @[x](y) @a\u200b @v\u0435r @ok (unowned) @-x @",
  );
  expect(owners.of("x")).toEqual(["@ok"]);
});

test("many lines and long paths cost little", () => {
  const text = Array.from({ length: 2_000 }, (_, i) => `/pkgs/${i}/*a*a*a*a*b @team${i}`).join("\n");
  const owners = parseOwners("CODEOWNERS", text);
  const started = performance.now();
  for (let i = 0; i < 20; i += 1) owners.of(`pkgs/${i}/${"a".repeat(3_000)}`);
  expect(performance.now() - started).toBeLessThan(10_000);
});

let made: TestRepository;
let repository: Repository;
beforeAll(async () => {
  made = makeRepository({ "a.nix": "{ }\n" });
  repository = await openRepository(made.directory);
});
afterAll(() => {
  repository.close();
  made.remove();
});

async function treeWith(files: Parameters<TestRepository["commit"]>[0]) {
  made.git("checkout", "--quiet", "--detach", "main");
  const commit = await repository.resolve(made.commit(files));
  return repositoryTree(repository, commit.oid, commit.tree);
}

test("the file is the configured one, else GitHub's, else that of nixpkgs", async () => {
  const all = {
    ".github/CODEOWNERS": "* @github\n",
    CODEOWNERS: "* @root\n",
    "docs/CODEOWNERS": "* @docs\n",
    "ci/OWNERS": "* @ci\n",
    "other/OWNERS": "* @other\n",
  };
  const paths = Object.keys(all);
  for (const [index, expected] of ["@github", "@root", "@docs", "@ci"].entries()) {
    const tree = await treeWith(Object.fromEntries(Object.entries(all).slice(index)));
    expect((await readOwners(tree, null))?.of("x")).toEqual([expected]);
    expect((await readOwners(tree, null))?.file).toBe(paths[index]);
    expect((await readOwners(tree, "other/OWNERS"))?.of("x")).toEqual(["@other"]);
  }
  const none = await treeWith({ "b.nix": "" });
  expect(await readOwners(none, null)).toBeNull();
  expect(await readOwners(none, "ci/OWNERS")).toBeNull();
  const binary = await treeWith({ CODEOWNERS: new Uint8Array([0, 1, 2]) });
  expect(await readOwners(binary, null)).toBeNull();
});
