import { expect, test } from "vitest";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { entriesNear, takenFrom } from "../../src/nix/takers.ts";
import { textTree } from "../support/pins.ts";
import { makeRepository } from "../support/repository.ts";

test.each<[string, string[]]>([
  ["inherit (frob) version;", ["frob"]],
  ["inherit (pkgs.frob) meta src version;", ["frob"]],
  ['url = "https://example.org/${frob.version}";', ["frob"]],
  ["rev = pkgs.frob.rev;", ["frob"]],
  ["inherit (frob) meta;", []],
  ["buildInputs = [ frob.dev frob.out ];", []],
  ["{ frob, version }: version", []],
  ["a.frob.version", []],
])("%s takes what says which release it is of %j", (text, names) => {
  expect([...takenFrom(text)]).toEqual(names);
});

const files = {
  "libs/frob/default.nix": "{ }",
  "libs/frob/one/default.nix": "{ }",
  "libs/frob/one/two/package.nix": "{ }",
  "libs/frob/one/two/three/default.nix": "{ }",
  "libs/frob-tools/default.nix": "{ }",
  "libs/frobnicate/default.nix": "{ }",
  "many/default.nix": "{ }",
  ...Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`many/${n}/default.nix`, "{ }"])),
};

test("recipes are looked for in some folders below a package's and in those called as it and more", async () => {
  const made = makeRepository(files);
  const repository = await openRepository(made.directory);
  try {
    const { head } = await openGitChange(repository);
    const near = async (path: string) => (await entriesNear(head, path)).map((entry) => entry.path);
    expect(await near("libs/frob/default.nix")).toEqual([
      "libs/frob-tools/default.nix",
      "libs/frob/one/default.nix",
      "libs/frob/one/two/package.nix",
    ]);
    expect(await near("many/default.nix")).toHaveLength(12);
    expect(await near("default.nix")).toEqual([]);
    expect(await entriesNear(textTree(files), "libs/frob/default.nix")).toEqual([]);
  } finally {
    repository.close();
    made.remove();
  }
});
