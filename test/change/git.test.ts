import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Change } from "../../src/change/change.ts";
import { openGitChange, openGitPair } from "../../src/change/git.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { repositoryTree } from "../../src/change/tree.ts";
import { git, makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let root: string;
let left: string;
let right: string;
let merge: string;
const opened: Repository[] = [];

async function open(directory: string): Promise<Repository> {
  const repository = await openRepository(directory);
  opened.push(repository);
  return repository;
}

/** `status path`, with both paths of a rename. */
function summary(change: Change): string[] {
  return change.files.map(({ status, base, head }) => {
    const paths = new Set([base?.path, head?.path].filter((path) => path !== undefined));
    return `${status} ${[...paths].join(" -> ")}`;
  });
}

/** Two branches from one root, merged into each other: `left` and `right` are merge bases of the two merges. */
beforeAll(() => {
  made = makeRepository({ "a.nix": "1\n", "folder/b.nix": "2\n" });
  root = made.git("rev-parse", "HEAD");
  made.git("checkout", "--quiet", "-b", "side");
  right = made.commit({ "right.nix": "r\n" });
  made.git("checkout", "--quiet", "main");
  left = made.commit({ "a.nix": "3\n", "folder/b.nix": null });
  made.git("merge", "--quiet", "--no-edit", "side");
  merge = made.git("rev-parse", "HEAD");
  made.git("checkout", "--quiet", "side");
  made.git("merge", "--quiet", "--no-edit", left);
  made.commit({ "side.nix": "s\n" });
  made.git("checkout", "--quiet", "main");
});
afterEach(() => {
  for (const repository of opened.splice(0)) repository.close();
});
afterAll(() => made.remove());

test("without a range, a change is that of HEAD, a merge against its first parent", async () => {
  const change = await openGitChange(await open(made.directory));
  expect([change.base.commit, change.head.commit]).toEqual([left, merge]);
  expect(summary(change)).toEqual(["added right.nix"]);
  expect(change.unchecked).toEqual([]);
});

test("a revision alone is compared with its parent, a range with what it names", async () => {
  const repository = await open(made.directory);
  expect(summary(await openGitChange(repository, left))).toEqual(["modified a.nix", "removed folder/b.nix"]);
  expect(summary(await openGitChange(repository, "side~1..main"))).toEqual([]);
  expect(summary(await openGitChange(repository, `${root}..`))).toEqual([
    "modified a.nix",
    "removed folder/b.nix",
    "added right.nix",
  ]);
});

test("three dots compare from the merge base", async () => {
  const repository = await open(made.directory);
  const change = await openGitChange(repository, `${left}...${right}`);
  expect(change.base.commit).toBe(root);
  expect(summary(change)).toEqual(["added right.nix"]);
});

test("of the merge bases of a criss-cross, git's first one is taken", async () => {
  const change = await openGitChange(await open(made.directory), "main...side");
  expect(change.base.commit).toBe(made.git("merge-base", "main", "side"));
  expect(summary(change)).toContain("added side.nix");
});

test("before a root commit stands the empty tree", async () => {
  const repository = await open(made.directory);
  const empty = made.git("hash-object", "-t", "tree", "/dev/null");
  for (const range of [root, `${root}^..${root}`, `${empty}..${root}`]) {
    const change = await openGitChange(repository, range);
    expect([change.base.commit, change.head.commit]).toEqual([empty, root]);
    expect(summary(change)).toEqual(["added a.nix", "added folder/b.nix"]);
    expect(await change.base.list("")).toEqual([]);
  }
  expect(summary(await openGitPair(repository, empty, root))).toEqual(["added a.nix", "added folder/b.nix"]);
});

test("a bare repository, a folder of a work tree and a linked work tree are repositories", async () => {
  const bare = made.folder();
  git(bare, "clone", "--quiet", "--bare", made.directory, ".");
  const linked = `${made.folder()}/linked`;
  made.git("worktree", "add", "--quiet", linked, left);
  made.commit({ "folder/c.nix": "c\n" });
  expect((await openGitChange(await open(bare))).head.commit).toBe(merge);
  expect((await openGitChange(await open(linked))).head.commit).toBe(left);
  expect(summary(await openGitChange(await open(`${made.directory}/folder`)))).toEqual([
    "added folder/c.nix",
  ]);
  made.git("reset", "--quiet", "--hard", merge);
});

test("a tree gives entries, folders and contents by path", async () => {
  const { head, base } = await openGitChange(await open(made.directory), `${root}..${left}`);
  expect(await base.list("folder")).toEqual([await base.entry("folder/b.nix")]);
  expect((await head.list("")).map((entry) => entry.path)).toEqual(["a.nix"]);
  expect(await head.entry("folder")).toBeNull();
  expect(await head.entry("a.nix/b")).toBeNull();
  expect(await head.list("a.nix")).toEqual([]);
  const entry = await head.entry("a.nix");
  expect(entry && (await head.read(entry))).toEqual({ kind: "text", text: "3\n" });
});

test("the folders in a folder are found by how their names begin", async () => {
  const names = ["frob", "frob-2", "frob-extra", "frobnicate", "gnu", "éclair"];
  const files = names.map((name) => [`pkgs/${name}/default.nix`, "1\n"] as const);
  const several = makeRepository(Object.fromEntries([...files, ["pkgs/frob-file", "1\n"]]));
  try {
    const repository = await open(several.directory);
    const { oid, tree } = await repository.resolve("HEAD");
    const { folders } = repositoryTree(repository, oid, tree);
    expect(await folders?.("pkgs", "frob-", 9)).toEqual(["pkgs/frob-2", "pkgs/frob-extra"]);
    expect(await folders?.("pkgs", "é", 9)).toEqual(["pkgs/éclair"]);
    expect(await folders?.("pkgs", "z", 9)).toEqual([]);
    expect(await folders?.("pkgs", "", 9)).toHaveLength(names.length);
    expect(await folders?.("pkgs", "frob", 2)).toEqual(["pkgs/frob", "pkgs/frob-2"]);
    expect(await folders?.("", "", 9)).toEqual(["pkgs"]);
    expect(await folders?.("nowhere", "", 9)).toEqual([]);
  } finally {
    several.remove();
  }
});

test("a commit is found by its subject, too", async () => {
  const several = makeRepository({ "a.nix": "1\n" }, { "a.nix": "2\n" });
  try {
    several.commit({ "a.nix": "3\n" }, "frob: 1 -> 2");
    const wanted = several.git("rev-parse", "HEAD");
    several.commit({ "a.nix": "4\n" }, "later");
    const repository = await open(several.directory);
    for (const revision of [":/frob", "HEAD^{/frob}"]) {
      expect((await repository.resolve(revision)).oid).toBe(wanted);
    }
    await expect(repository.resolve(":/nothing")).rejects.toThrow("knows no revision :/nothing");
  } finally {
    several.remove();
  }
});

test("a graft makes up no history", async () => {
  const grafted = makeRepository({ "a.nix": "1\n" }, { "a.nix": "2\n" });
  try {
    const [first, second] = [grafted.git("rev-parse", "HEAD^"), grafted.git("rev-parse", "HEAD")];
    const head = grafted.commit({ "b.nix": "1\n" });
    writeFileSync(join(grafted.directory, ".git/info/grafts"), `${head} ${first}\n`);
    expect(grafted.git("merge-base", second, head)).toBe(first);
    const change = await openGitChange(await open(grafted.directory), `${second}...${head}`);
    expect(change.base.commit).toBe(second);
    expect(summary(change)).toEqual(["added b.nix"]);
  } finally {
    grafted.remove();
  }
});

test("the work tree and replacement objects are not looked at", async () => {
  const other = makeRepository({ "a.nix": "1\n" }, { "a.nix": "2\n" });
  try {
    other.git("replace", other.git("rev-parse", "HEAD:a.nix"), other.git("rev-parse", "HEAD^:a.nix"));
    other.git("config", "core.worktree", "/nonexistent");
    const { head } = await openGitChange(await open(other.directory));
    const entry = await head.entry("a.nix");
    expect(entry && (await head.read(entry))).toEqual({ kind: "text", text: "2\n" });
  } finally {
    other.remove();
  }
});

test("a sha256 repository is read", async () => {
  const directory = made.folder();
  git(directory, "init", "--quiet", "--object-format=sha256");
  writeFileSync(join(directory, "a.nix"), "1\n");
  git(directory, "add", "a.nix");
  git(directory, "commit", "--quiet", "--message", "Add");
  const repository = await open(directory);
  const change = await openGitChange(repository);
  expect(change.base.commit).toBe(git(directory, "hash-object", "-t", "tree", "/dev/null"));
  const entry = await change.head.entry("a.nix");
  expect(entry && (await change.head.read(entry))).toEqual({ kind: "text", text: "1\n" });
});

test.each([
  ["--upload-pack=touch pwned", /is not a revision/],
  ["-n..HEAD", /is not a revision/],
  ["HEAD\nHEAD", /is not a revision/],
  ["", /is not a revision/],
  ["nowhere", /knows no revision nowhere/],
  ["HEAD..nowhere", /knows no revision nowhere/],
  ["HEAD:a.nix", /HEAD:a\.nix is a blob: name a commit/],
  ["1234567890123456789012345678901234567890", /lacks the commit 1234.* git fetch origin 1234/],
])("the range %j is refused with what to do", async (range, message) => {
  const repository = await open(made.directory);
  await expect(openGitChange(repository, range)).rejects.toMatchObject({
    fault: "usage",
    message: expect.stringMatching(message),
  });
});

test("histories without a merge base are refused", async () => {
  made.git("checkout", "--quiet", "--orphan", "unrelated");
  made.commit({ "a.nix": "other\n" }, "Unrelated");
  made.git("checkout", "--quiet", "main");
  const repository = await open(made.directory);
  await expect(openGitChange(repository, "main...unrelated")).rejects.toMatchObject({
    fault: "usage",
    message: expect.stringMatching(/no merge base.*compare the two with A\.\.B/),
  });
  expect(summary(await openGitChange(repository, "unrelated..main"))).toContain("modified a.nix");
});

test("what is no repository is refused with what to do", async () => {
  const folder = made.folder();
  git(folder, "init", "--quiet", "empty");
  await expect(openRepository(folder)).rejects.toMatchObject({
    fault: "usage",
    message: expect.stringMatching(/not a git repository.*--repo/),
  });
  await expect(openRepository(`${folder}/nowhere`)).rejects.toMatchObject({
    fault: "usage",
    message: expect.stringMatching(/not a directory/),
  });
  await expect(openGitChange(await open(`${folder}/empty`))).rejects.toMatchObject({ fault: "usage" });
});

test("an abbreviated id that several objects have is refused as ambiguous", async () => {
  const seen = new Map<string, number>();
  let prefix = "";
  for (let number = 0; prefix === ""; number += 1) {
    const text = String(number);
    const short = createHash("sha1").update(`blob ${text.length}\0${text}`).digest("hex").slice(0, 4);
    const twin = seen.get(short);
    seen.set(short, number);
    if (twin === undefined) continue;
    prefix = short;
    for (const content of [twin, number]) {
      const path = join(made.folder(), "blob");
      writeFileSync(path, String(content));
      made.git("hash-object", "-w", path);
    }
  }
  await expect(openGitChange(await open(made.directory), prefix)).rejects.toMatchObject({
    fault: "usage",
    message: expect.stringMatching(/ambiguous/),
  });
});

test("without git, it is said to be missing", async () => {
  vi.stubEnv("PATH", made.folder());
  await expect(openRepository(made.directory)).rejects.toMatchObject({
    fault: "outside",
    message: expect.stringMatching(/git was not found/),
  });
  vi.unstubAllEnvs();
});

test("the subjects are those of the commits between, along first parents", async () => {
  const repository = await open(made.directory);
  const titles = made.git("log", "--first-parent", "--format=%s", "main").split("\n");
  expect((await openGitChange(repository, `${root}..main`)).subjects).toEqual(titles.slice(0, 2));
  expect((await openGitChange(repository, root)).subjects).toEqual(titles.slice(2));
  expect((await openGitChange(repository, "main..main")).subjects).toEqual([]);
});

test("subjects are not known when first parents do not lead to the base", async () => {
  const repository = await open(made.directory);
  expect((await openGitPair(repository, right, left)).subjects).toBeNull();
});
