import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Change, Content } from "../../src/change/change.ts";
import { openGitChange } from "../../src/change/git.ts";
import { type CommitPair, nonMergeCommits } from "../../src/change/history.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { git, makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
const opened: Repository[] = [];

async function open(directory: string): Promise<Repository> {
  const repository = await openRepository(directory);
  opened.push(repository);
  return repository;
}

async function readHead(change: Change, path: string): Promise<Content | null> {
  const entry = await change.head.entry(path);
  return entry === null ? null : change.head.read(entry);
}

beforeAll(() => {
  made = makeRepository(
    { "a.nix": "1\n", "folder/b.nix": "1\n" },
    { "a.nix": "2\n" },
    { "a.nix": "3\n", "folder/b.nix": "b\n", "folder/c.nix": "c\n" },
  );
  made.git("config", "uploadpack.allowFilter", "true");
});
afterEach(() => {
  for (const repository of opened.splice(0)) repository.close();
});
afterAll(() => made.remove());

const lacking = {
  kind: "unavailable",
  reason: "the repository lacks this blob (partial, shallow or damaged clone)",
};

test("blobs that a partial clone lacks are said to be unavailable, and not fetched", async () => {
  const directory = made.folder();
  git(directory, "clone", "--quiet", "--bare", "--filter=blob:none", `file://${made.directory}`, ".");
  const before = readdirSync(join(directory, "objects/pack"));
  const change = await openGitChange(await open(directory));
  expect(change.files.map((file) => file.head?.path)).toEqual(["a.nix", "folder/b.nix", "folder/c.nix"]);
  const contents = await Promise.all(
    ["a.nix", "folder/b.nix", "folder/c.nix"].map((path) => readHead(change, path)),
  );
  expect(contents).toEqual([lacking, lacking, lacking]);
  expect(readdirSync(join(directory, "objects/pack"))).toEqual(before);
});

test("a shallow clone is read as far as it goes; beyond, it is said how to get the rest", async () => {
  const directory = made.folder();
  git(directory, "clone", "--quiet", "--depth=2", `file://${made.directory}`, ".");
  const repository = await open(directory);
  expect((await openGitChange(repository)).files).toHaveLength(3);
  const advice = { fault: "usage", message: expect.stringMatching(/git fetch --unshallow/) };
  await expect(openGitChange(repository, "HEAD^")).rejects.toMatchObject(advice);
  await expect(openGitChange(repository, "HEAD~2..HEAD")).rejects.toMatchObject(advice);
  const pairs: CommitPair[] = [];
  for await (const pair of nonMergeCommits(repository)) pairs.push(pair);
  expect(pairs).toEqual([
    { base: made.git("rev-parse", "HEAD~2"), head: made.git("rev-parse", "HEAD~1") },
    { base: made.git("rev-parse", "HEAD~1"), head: made.git("rev-parse", "HEAD") },
  ]);
});

test("without the object of a file or a folder, the rest is still compared", async () => {
  const directory = made.folder();
  // A copy, not a clone: its objects are files of their own, which can be removed one by one.
  cpSync(made.directory, directory, { recursive: true });
  const object = (oid: string): string => join(directory, ".git/objects", oid.slice(0, 2), oid.slice(2));
  rmSync(object(git(directory, "rev-parse", "HEAD:a.nix")));
  rmSync(object(git(directory, "rev-parse", "HEAD:folder")));
  const change = await openGitChange(await open(directory));
  expect(change.files.map((file) => file.head?.path)).toEqual(["a.nix"]);
  expect(change.unchecked).toEqual([{ what: "folder/", reason: expect.stringMatching(/lacks this tree/) }]);
  expect(await readHead(change, "a.nix")).toEqual(lacking);

  rmSync(object(git(directory, "rev-parse", "HEAD^{tree}")));
  await expect(openGitChange(await open(directory))).rejects.toMatchObject({ fault: "outside" });
});

test("a corrupt object is unavailable, and what is asked for beside it is read", async () => {
  const directory = made.folder();
  // A copy, not a clone: its objects are files of their own, which can be removed one by one.
  cpSync(made.directory, directory, { recursive: true });
  const oid = git(directory, "rev-parse", "HEAD:a.nix");
  const path = join(directory, ".git/objects", oid.slice(0, 2), oid.slice(2));
  chmodSync(path, 0o644);
  writeFileSync(path, "garbage");
  const change = await openGitChange(await open(directory));
  const [a, b] = await Promise.all([readHead(change, "a.nix"), readHead(change, "folder/b.nix")]);
  expect(a).toMatchObject({ kind: "unavailable" });
  expect(b).toEqual({ kind: "text", text: "b\n" });
});
