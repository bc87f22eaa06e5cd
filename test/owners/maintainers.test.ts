import { afterAll, beforeAll, expect, test } from "vitest";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { repositoryTree } from "../../src/change/tree.ts";
import { createDocuments, type Documents } from "../../src/nix/documents.ts";
import { maintainersIn } from "../../src/owners/maintainer-names.ts";
import { readMaintainers } from "../../src/owners/maintainers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let documents: Documents;
let made: TestRepository;
let repository: Repository;
beforeAll(async () => {
  documents = await createDocuments();
  made = makeRepository({ "a.nix": "{ }\n" });
  repository = await openRepository(made.directory);
});
afterAll(() => {
  repository.close();
  made.remove();
});

const named = (handles: string[], teams: string[] = [], unknown: string[] = []) => ({
  handles,
  teams,
  unknown,
});

test.each([
  ["maintainers = with lib.maintainers; [ ada bob ];", named(["ada", "bob"])],
  ["maintainers = [ lib.maintainers.ada ];", named(["ada"])],
  ["maintainers = [ maintainers.ada ];", named(["ada"])],
  ["maintainers = with maintainers; [ ada ];", named(["ada"])],
  ["maintainers = with lib; [ maintainers.ada ];", named(["ada"])],
  ["maintainers = with lib; with maintainers; [ ada ];", named(["ada"])],
  ["maintainers = [ lib.maintainers.ada ] ++ [ lib.maintainers.bob ];", named(["ada", "bob"])],
  ["maintainers = (with lib.maintainers; [ ada ]) ++ lib.teams.gnome.members;", named(["ada"], ["gnome"])],
  ["teams = [ lib.teams.gnome ];", named([], ["gnome"])],
  ["teams = with lib.teams; [ gnome kde ];", named([], ["gnome", "kde"])],
  ["maintainers = lib.teams.gnome.members;", named([], ["gnome"])],
  ["maintainers = teams.gnome.members;", named([], ["gnome"])],
  ["maintainers = [ ]; teams = [ ];", named([])],
  ["maintainers = let all = [ lib.maintainers.ada ]; in all;", named(["ada"])],
  ["maintainers = other.meta.maintainers;", named([], [], ["other.meta.maintainers"])],
  ["maintainers = [ ada ];", named([], [], ["ada"])],
  ['maintainers = [ "ada" ];', named([], [], ['"ada"'])],
  [
    "maintainers = lib.optionals x [ lib.maintainers.ada ];",
    named([], [], ["lib.optionals x [ lib.maintainers.ada ]"]),
  ],
  ["maintainers = with stdenv.lib.maintainers; [ ada ];", named(["ada"])],
  ['description = "no maintainers";', named([])],
])("%s", (text, expected) => {
  for (const file of [
    `{ lib, stdenv, other, x }: stdenv.mkDerivation { pname = "frob"; meta = { ${text} }; }`,
    `{ lib, stdenv, other, x }: stdenv.mkDerivation (finalAttrs: { pname = "frob"; meta = { ${text} }; })`,
    `{ lib, stdenv, other, x }: stdenv.mkDerivation { ${text.replaceAll(/(maintainers|teams|description) = /g, "meta.$1 = ")} }`,
  ])
    expect(maintainersIn(documents, "package.nix", file), file).toEqual(expected);
});

test("other sets of that name are no packages' own, and a list of packages is not known", () => {
  const options = "{ maintainers = [ lib.maintainers.ada ]; x.maintainers = [ lib.maintainers.bob ]; }";
  expect(maintainersIn(documents, "x.nix", options)).toEqual(named([]));
  const many = Array.from({ length: 30 }, (_, i) => `p${i}.meta.maintainers = [ lib.maintainers.m${i} ];`);
  expect(maintainersIn(documents, "list.nix", `{ ${many.join("\n")} }`)).toEqual(named([], [], ["list.nix"]));
});

const LIST = `/* What follows is a list. */
{
  ada = {
    name = "Ada";
    github = "ada-l";
    githubId = 11;
    keys = [ { fingerprint = "AAAA"; } ];
  };
  bob = {
    email = "bob@example.org";
    name = "Bob }; githubId = 666;";
  };
  "1cat" = { github = "nobody"; githubId = 12; };
  carol = {
    github = "carol";
    githubId = 13;
  };
  _0dave = {
    github = "dave";
    githubId = 14;
  };
  twice = {
    githubId = 15;
  };
  twice = {
    githubId = 16;
  };
  odd = {
    github = "odd";
    githubId = -1;
  };
}
`;
const TEAMS = `{ lib }:
with lib.maintainers;
{
  gnome = {
    members = [ carol ];
    scope = "Maintain GNOME.";
  };
  kde = {
    github = "kde";
    enableFeatureFreezePing = true;
  };
  lost = {
    github = "lost";
  };
}
`;
const GITHUB = JSON.stringify({
  kde: { id: 1, name: "KDE", description: "", maintainers: { konqi: 21 }, members: { kate: 22 } },
});

async function read(
  files: Parameters<TestRepository["commit"]>[0],
  paths: readonly string[],
  accounts = true,
) {
  made.git("checkout", "--quiet", "--detach", "main");
  const lists = {
    "maintainers/maintainer-list.nix": LIST,
    "maintainers/team-list.nix": TEAMS,
    "maintainers/github-teams.json": GITHUB,
  };
  const commit = await repository.resolve(made.commit({ ...lists, ...files }));
  const tree = repositoryTree(repository, commit.oid, commit.tree);
  return readMaintainers({ packages: tree, lists: accounts ? tree : null }, paths, documents);
}

const by = (text: string) => `{ lib }: { pname = "frob"; meta = { ${text} }; }\n`;

test("people are named with their accounts and numbers, in any file of the package", async () => {
  const files = {
    "pkgs/by-name/fr/frob/package.nix": by("maintainers = with lib.maintainers; [ ada bob _0dave ];"),
    "pkgs/tools/frob/default.nix": by("teams = with lib.teams; [ gnome kde ];"),
  };
  expect(await read(files, ["pkgs/by-name/fr/frob/deps.json"])).toEqual({
    people: [
      { handle: "ada", github: "ada-l", githubId: 11 },
      { handle: "bob", github: null, githubId: null },
      { handle: "_0dave", github: "dave", githubId: 14 },
    ],
    unknown: [],
  });
  expect(await read(files, ["pkgs/tools/frob/fix.patch", "pkgs/tools/frob/default.nix"])).toEqual({
    people: [
      { handle: "carol", github: "carol", githubId: 13 },
      { handle: "kate", github: "kate", githubId: 22 },
      { handle: "konqi", github: "konqi", githubId: 21 },
    ],
    unknown: [],
  });
});

test("without the lists, the names that the package has", async () => {
  const text = by(
    "maintainers = (with lib.maintainers; [ ada nobody ]) ++ other; teams = [ lib.teams.gnome ];",
  );
  expect(await read({ "a/default.nix": text }, ["a/default.nix"], false)).toEqual({
    people: ["ada", "nobody", "team gnome"].map((handle) => ({ handle, github: null, githubId: null })),
    unknown: ["other"],
  });
});

test("who cannot be found is told, and is nobody", async () => {
  const files = {
    "a/default.nix": by(
      "maintainers = with lib.maintainers; [ nobody twice odd ]; teams = [ lib.teams.lost lib.teams.none ];",
    ),
  };
  expect(await read(files, ["a/default.nix"])).toEqual({
    people: [{ handle: "odd", github: "odd", githubId: null }],
    unknown: ["nobody", "twice", "team lost", "team none"],
  });
  const without = Object.fromEntries(
    ["maintainer-list.nix", "team-list.nix", "github-teams.json"].map((name) => [
      `maintainers/${name}`,
      null,
    ]),
  );
  expect((await read({ ...files, ...without }, ["a/default.nix"])).people).toEqual([]);
});

test("new packages have nobody yet, and a treewide change is nobody's own", async () => {
  expect(await read({}, ["pkgs/by-name/ne/new/package.nix"])).toEqual({ people: [], unknown: [] });
  const files = Object.fromEntries(
    Array.from({ length: 21 }, (_, i) => [`p${i}/default.nix`, by("maintainers = [ lib.maintainers.ada ];")]),
  );
  const found = await read(files, Object.keys(files));
  expect(found).toEqual({ people: [], unknown: ["more than 20 packages"] });
});
