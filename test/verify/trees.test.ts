import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { openRepository } from "../../src/change/repository.ts";
import { staysInside, writeTrees } from "../../src/verify/trees.ts";
import { git, makeRepository, type TestFile } from "../support/repository.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function write(...commits: readonly Readonly<Record<string, TestFile>>[]) {
  const made = makeRepository(...commits);
  const directory = mkdtempSync(`${tmpdir()}/verifod-test-`);
  cleanups.push(made.remove, () => rmSync(directory, { recursive: true }));
  const repository = await openRepository(made.directory);
  cleanups.push(() => repository.close());
  const [head, base] = [git(made.directory, "rev-parse", "HEAD"), git(made.directory, "rev-parse", "HEAD^")];
  return { ...(await writeTrees(repository, { base, head }, directory)), directory };
}

test("both trees are written; what is the same in both is one file", async () => {
  const { base, head, leftOut } = await write(
    { "a.nix": "1", "d/run.sh": { executable: "#!/bin/sh\n" }, "d/gone": "x" },
    { "a.nix": "2", "d/gone": null, "new/ü": new Uint8Array([0, 255]), link: { symlink: "d/run.sh" } },
  );
  expect(readFileSync(`${base}/a.nix`, "utf8")).toBe("1");
  expect(readFileSync(`${head}/a.nix`, "utf8")).toBe("2");
  expect(readdirSync(`${head}/d`)).toEqual(["run.sh"]);
  expect([...readFileSync(`${head}/new/ü`)]).toEqual([0, 255]);
  expect(statSync(`${head}/d/run.sh`).mode & 0o100).toBe(0o100);
  expect(statSync(`${head}/d/run.sh`).ino).toBe(statSync(`${base}/d/run.sh`).ino);
  expect(readFileSync(`${head}/link`, "utf8")).toBe("#!/bin/sh\n");
  expect(leftOut).toEqual([]);
});

test("links that lead out are left out and named; nothing is written through a link", async () => {
  const { head, leftOut } = await write(
    { x: "x" },
    {
      "d/out": { symlink: "../../../../etc/passwd" },
      absolute: { symlink: "/etc/passwd" },
      "d/in": { symlink: "../x" },
      "d/around": { symlink: "in/../../../etc" },
    },
  );
  expect(leftOut.map(({ what }) => what).sort()).toEqual(["absolute", "d/around", "d/out"]);
  expect(lstatSync(`${head}/d/in`).isSymbolicLink()).toBe(true);
  expect(readdirSync(`${head}/d`)).toEqual(["in"]);
});

test.each([
  ["a", "b", true],
  ["a/b/c", "../../d", true],
  ["a/b/c", "../d/./e", true],
  ["a/b", "..", true],
  ["a", "..", false],
  ["a/b/c", "../../../d", false],
  ["a/b", "/etc", false],
  ["a/b", "c/../../..", false],
  ["a/b", "", false],
  ["a/b", "c\0", false],
])("a link at %s to %j stays inside: %s", (path, target, inside) => {
  expect(staysInside(path, target)).toBe(inside);
});

test("a repository that lacks content says so, and how to get it", async () => {
  const made = makeRepository({ "a.nix": "1" }, { "a.nix": "2" });
  cleanups.push(made.remove);
  const directory = made.folder();
  const blob = git(made.directory, "rev-parse", "HEAD:a.nix");
  rmSync(`${made.directory}/.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`);
  const repository = await openRepository(made.directory);
  cleanups.push(() => repository.close());
  const commits = {
    base: git(made.directory, "rev-parse", "HEAD^"),
    head: git(made.directory, "rev-parse", "HEAD"),
  };
  await expect(writeTrees(repository, commits, directory)).rejects.toThrow(
    /lacks the content of a\.nix.*--filter/,
  );
});
