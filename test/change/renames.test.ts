import { afterAll, expect, test } from "vitest";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";

const made: TestRepository[] = [];
afterAll(() => {
  for (const repository of made) repository.remove();
});

/** What becomes of the files between two commits, as `base -> head` lines; modified files left out. */
async function moves(base: Record<string, TestFile>, head: Record<string, TestFile>): Promise<string[]> {
  const repository = makeRepository(base, head);
  made.push(repository);
  const opened = await openRepository(repository.directory);
  const { files } = await openGitChange(opened);
  opened.close();
  return files
    .filter((file) => file.status !== "modified")
    .map((file) => `${file.base?.path ?? "nothing"} -> ${file.head?.path ?? "nothing"}`);
}

function packageText(name: string, version: string): string {
  return `{ lib, stdenv, fetchurl }:
stdenv.mkDerivation rec {
  pname = "${name}";
  version = "${version}";
  src = fetchurl {
    url = "https://example.org/${name}-\${version}.tar.gz";
    hash = "sha256-${name}-${version}";
  };
  meta.description = "All about ${name}";
}
`;
}

test("a moved file is found though its siblings hold the same text", async () => {
  const text = packageText("frob", "1");
  const found = await moves(
    { "pkgs/bar/default.nix": text, "pkgs/frob/default.nix": text, "pkgs/zap/default.nix": text },
    {
      "pkgs/bar/default.nix": null,
      "pkgs/frob/default.nix": null,
      "pkgs/zap/default.nix": null,
      "pkgs/by-name/zap/package.nix": text,
      "pkgs/by-name/frob/package.nix": text,
    },
  );
  expect(found).toEqual([
    "pkgs/bar/default.nix -> nothing",
    "pkgs/frob/default.nix -> pkgs/by-name/frob/package.nix",
    "pkgs/zap/default.nix -> pkgs/by-name/zap/package.nix",
  ]);
});

test("a move to by-name with a bump and new indentation is found", async () => {
  const before = packageText("frob", "1");
  const after = packageText("frob", "2").replaceAll("\n  ", "\n    ").replace("lib, stdenv", "stdenv");
  expect(
    await moves(
      { "pkgs/tools/misc/frob/default.nix": before },
      { "pkgs/tools/misc/frob/default.nix": null, "pkgs/by-name/fr/frob/package.nix": after },
    ),
  ).toEqual(["pkgs/tools/misc/frob/default.nix -> pkgs/by-name/fr/frob/package.nix"]);
});

test("of many packages that are alike, each is matched with itself", async () => {
  const names = Array.from({ length: 60 }, (_, index) => `frob${index}`);
  const old = names.map((name): [string, string] => [`pkgs/${name}/default.nix`, packageText(name, "1")]);
  const gone = old.map(([path]): [string, null] => [path, null]);
  const fresh = names.map((name): [string, string] => [
    `by-name/${name}/package.nix`,
    packageText(name, "2"),
  ]);
  const found = await moves(Object.fromEntries(old), Object.fromEntries([...gone, ...fresh]));
  expect(found.sort()).toEqual(
    names.map((name) => `pkgs/${name}/default.nix -> by-name/${name}/package.nix`).sort(),
  );
});

test("different packages are not matched, nor are symlinks and binaries", async () => {
  expect(
    await moves(
      { "frob.nix": packageText("frob", "1"), link: { symlink: "target" }, "a.bin": "\0\0a" },
      {
        "frob.nix": null,
        link: null,
        "a.bin": null,
        "zap.nix": '{ writeText }:\nwriteText "zap" ""\n',
        link2: { symlink: "target" },
        "b.bin": "\0\0b",
      },
    ),
  ).toEqual([
    "a.bin -> nothing",
    "nothing -> b.bin",
    "frob.nix -> nothing",
    "link -> nothing",
    "nothing -> link2",
    "nothing -> zap.nix",
  ]);
});

test("hundreds of rewritten files take no time for their product", async () => {
  const files = Array.from({ length: 900 }, (_, index) => index);
  const old = files.map((index): [string, string] => [`a/${index}.nix`, `common\nold ${index}\n`]);
  const gone = old.map(([path]): [string, null] => [path, null]);
  const fresh = files.map((index): [string, string] => [`b/${index}x.nix`, `common\nnew ${index}\n`]);
  expect(await moves(Object.fromEntries(old), Object.fromEntries([...gone, ...fresh]))).toHaveLength(1800);
});
