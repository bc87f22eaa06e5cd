import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { openRepository } from "../../src/change/repository.ts";
import { VerifodError } from "../../src/errors.ts";
import { staysInside, writeTrees } from "../../src/verify/trees.ts";
import { storeCommit, storeObject, storeTree } from "../support/nasty-repository.ts";
import { git, makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";

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

/** Writes a base of one file, and a head with the tree that `make` stores. */
async function writeHostile(make: (repository: TestRepository) => string): Promise<unknown> {
  const made = makeRepository({ x: "x" });
  cleanups.push(made.remove);
  const base = made.git("rev-parse", "HEAD");
  const head = storeCommit(made, make(made), [base]);
  const repository = await openRepository(made.directory);
  cleanups.push(() => repository.close());
  return writeTrees(repository, { base, head }, made.folder());
}

test("folders without end are counted before they are made", async () => {
  const names = Array.from({ length: 60_000 }, (_, n) => `d${n.toString().padStart(5, "0")}`);
  const bomb = (made: TestRepository, depth: number): string => {
    const below = depth === 0 ? storeTree(made, []) : bomb(made, depth - 1);
    return storeTree(
      made,
      names.map((name) => ["40000", name, below]),
    );
  };
  await expect(writeHostile((made) => bomb(made, 4))).rejects.toThrow("has too many folders");
});

test("large files are not in memory all at once", async () => {
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }, 1);
  const before = process.memoryUsage().arrayBuffers;
  await writeHostile((made) => {
    const blob = storeObject(made, "blob", Buffer.alloc(2_000_000));
    return storeTree(
      made,
      Array.from({ length: 120 }, (_, n) => ["100644", `f${String(n).padStart(3, "0")}`, blob]),
    );
  });
  clearInterval(watch);
  expect(most - before).toBeLessThan(200_000_000);
});

test("a name that the file system does not take is said", async () => {
  const hostile = writeHostile((made) =>
    storeTree(made, [["100644", "n".repeat(300), storeObject(made, "blob", "x")]]),
  );
  await expect(hostile).rejects.toThrow(VerifodError);
});
