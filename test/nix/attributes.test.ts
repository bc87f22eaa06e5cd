import { afterAll, beforeAll, expect, test } from "vitest";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { type AttributesOf, readAttributes } from "../../src/nix/attributes.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const files = {
  "pkgs/by-name/fr/frob/package.nix": "{ }",
  "pkgs/top-level/all-packages.nix": `self: super: with self; {
  nib = callPackage ../tools/nib { };
  nib_2 = callPackage ../tools/nib/2.nix { };
  inherit (callPackages ../libs/duo { }) duoOne duoTwo;
  python3Packages = import ./python-packages.nix;
  sub = import ../sub { };
}`,
  "pkgs/top-level/python-packages.nix": "self: { wheel = self.callPackage ../python/wheel { }; }",
  "pkgs/sub/default.nix": "{ }: { inner = callPackage ./inner.nix { }; }",
  "pkgs/sub/inner.nix": "{ }",
  "pkgs/tools/nib/default.nix": "{ }",
  "pkgs/tools/nib/2.nix": "{ }",
  "pkgs/tools/nib/sources.nix": "{ }",
  "pkgs/libs/duo/default.nix": "{ }",
  "pkgs/python/wheel/default.nix": "{ }",
  "stray/default.nix": "{ }",
  "auto.nix": "mkAutoCalledPackageDir ./auto",
  "auto/gear/default.nix": "{ }",
};

let made: TestRepository;
let repository: Repository;
let attributesOf: AttributesOf;

beforeAll(async () => {
  made = makeRepository(files);
  repository = await openRepository(made.directory);
  const change = await openGitChange(repository);
  attributesOf = await readAttributes(change.head, Object.keys(files), new Map());
});
afterAll(() => {
  repository.close();
  made.remove();
});

test.each([
  ["pkgs/by-name/fr/frob/package.nix", ["frob"]],
  ["pkgs/tools/nib/default.nix", ["nib"]],
  ["pkgs/tools/nib/2.nix", ["nib_2", "nib"]],
  ["pkgs/tools/nib/sources.nix", ["nib"]],
  ["pkgs/libs/duo/default.nix", ["duoOne", "duoTwo"]],
  ["pkgs/python/wheel/default.nix", ["python3Packages.wheel"]],
  ["pkgs/sub/inner.nix", ["sub.inner", "sub"]],
  ["auto/gear/default.nix", ["gear"]],
  ["stray/default.nix", []],
])("%s defines %j", (path, attributes) => {
  expect(attributesOf(path)).toEqual(attributes);
});
