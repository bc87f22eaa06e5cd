import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Change, Content } from "../../src/change/change.ts";
import { openGitChange } from "../../src/change/git.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";

const made: TestRepository[] = [];
const opened: Repository[] = [];

afterEach(() => {
  for (const repository of opened.splice(0)) repository.close();
});
afterAll(() => {
  for (const repository of made) repository.remove();
});

function make(...commits: Record<string, TestFile>[]): TestRepository {
  const repository = makeRepository(...commits);
  made.push(repository);
  return repository;
}

async function open({ directory }: TestRepository, range?: string): Promise<Change> {
  const repository = await openRepository(directory);
  opened.push(repository);
  return openGitChange(repository, range);
}

async function readHead(change: Change): Promise<Record<string, Content>> {
  const contents: Record<string, Content> = {};
  for (const { head } of change.files) if (head !== null) contents[head.path] = await change.head.read(head);
  return contents;
}

/** Stores a tree object as it is given, without git's checks. */
function storeTree(
  repository: TestRepository,
  items: readonly (readonly [string, Buffer | string, string])[],
): string {
  const data = items.map(([mode, name, oid]) =>
    Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, "hex")]),
  );
  return store(repository, "tree", Buffer.concat(data));
}

function store({ directory }: TestRepository, type: string, input: Buffer): string {
  const args = ["hash-object", "-w", "--literally", "-t", type, "--stdin"];
  return execFileSync("git", args, { cwd: directory, input, encoding: "utf8" }).trim();
}

function commitTree(repository: TestRepository, tree: string): string {
  return repository.git("commit-tree", "-p", "HEAD", "-m", "Hostile", tree);
}

test("hostile names come through as they are", async () => {
  const names = [
    "-rf.nix",
    "--upload-pack=touch pwned.nix",
    "line\nbreak.nix",
    "bell\u0007\u001b[31m.nix",
    "rtl\u202exin.nix",
    'quote".nix',
    " space .nix",
    "tab\t.nix",
    "ü.nix",
    "__proto__",
    "constructor/package.nix",
  ];
  const repository = make({}, Object.fromEntries(names.map((name) => [name, `${JSON.stringify(name)}\n`])));
  const change = await open(repository);
  expect(change.files.map((file) => file.head?.path)).toEqual([...names].sort());
  expect(change.unchecked).toEqual([]);
  for (const { head } of change.files) {
    expect(head && (await change.head.read(head))).toEqual({
      kind: "text",
      text: `${JSON.stringify(head?.path)}\n`,
    });
    expect(head && (await change.head.entry(head.path))).toEqual(head);
  }
});

test("what a file is and what makes it no text is said", async () => {
  const repository = make({ "plain.nix": "1\n" });
  const commit = repository.git("rev-parse", "HEAD");
  const latin = '{ a = "\xe9"; }\n';
  repository.commit({
    "package.nix": { symlink: "../../etc/passwd" },
    "run.sh": { executable: "#!/bin/sh\n" },
    module: { submodule: commit },
    "nul.nix": "{ }\0\n",
    "latin.nix": Buffer.from(latin, "latin1"),
    "bom.nix": "\ufeff{ }\r\n",
    "empty.nix": "",
  });
  const change = await open(repository);
  const kinds = change.files.map((file) => [file.head?.path, file.head?.kind]);
  expect(kinds).toContainEqual(["package.nix", "symlink"]);
  expect(kinds).toContainEqual(["run.sh", "executable"]);
  expect(kinds).toContainEqual(["module", "submodule"]);
  expect(await readHead(change)).toEqual({
    "package.nix": { kind: "text", text: "../../etc/passwd" },
    "run.sh": { kind: "text", text: "#!/bin/sh\n" },
    module: { kind: "unavailable", reason: expect.stringMatching(/submodule/) },
    "nul.nix": { kind: "binary", bytes: 5, because: "NUL byte", first: "{ }\0\n", last: "{ }\0\n" },
    "latin.nix": { kind: "binary", bytes: 13, because: "not UTF-8", first: latin, last: latin },
    "bom.nix": { kind: "text", text: "\ufeff{ }\r\n" },
    "empty.nix": { kind: "text", text: "" },
  });
});

test("a file that becomes a symlink, or a folder, is a change of kind", async () => {
  const repository = make(
    { "a.nix": "1\n", "b.nix": "2\n" },
    { "a.nix": { symlink: "b.nix" }, "b.nix": null, "b.nix/c.nix": "3\n" },
  );
  const change = await open(repository);
  expect(
    change.files.map(({ status, base, head }) => [status, base?.kind, head?.kind, (head ?? base)?.path]),
  ).toEqual([
    ["modified", "file", "symlink", "a.nix"],
    ["removed", "file", undefined, "b.nix"],
    ["added", undefined, "file", "b.nix/c.nix"],
  ]);
});

test("a 50 MB file is unavailable; those asked for beside it are read", async () => {
  const repository = make(
    {},
    { "a.nix": "1\n", "large.nix": `{ }\n${"#".repeat(50_000_000)}\n`, "z.nix": "2\n" },
  );
  const change = await open(repository);
  const contents = await Promise.all(change.files.map(async ({ head }) => head && change.head.read(head)));
  expect(contents).toEqual([
    { kind: "text", text: "1\n" },
    { kind: "unavailable", reason: "its 50 MB are more than the 20 MB that are read" },
    { kind: "text", text: "2\n" },
  ]);
});

test("a file of 2 MB tells its size, and what is asked for beside it is read", async () => {
  const large = `${"#".repeat(2_000_000)}\n`;
  const repository = make({}, { "a.nix": "1\n", "large.nix": large, "y.nix": large, "z.nix": "22\n" });
  const change = await open(repository);
  const heads = change.files.flatMap(({ head }) => head ?? []);
  const sizes = () => Promise.all(heads.map(async (head) => change.head.size?.(head)));
  expect(await sizes()).toEqual([2, 2_000_001, 2_000_001, 3]);
  // The small ones are at hand by now.
  expect(await sizes()).toEqual([null, 2_000_001, 2_000_001, null]);
  expect(Object.values(await readHead(change))).toEqual([
    { kind: "text", text: "1\n" },
    { kind: "text", text: large },
    { kind: "text", text: large },
    { kind: "text", text: "22\n" },
  ]);
});

test("what is no file of a size that is read tells none", async () => {
  const repository = make({ "a.nix": "1\n" }, { "a.nix": `${"#".repeat(20_000_001)}\n` });
  const [file] = (await open(repository)).files;
  const [opening] = opened;
  expect(await opening?.size(file?.head?.oid ?? "")).toBeNull();
  expect(await opening?.size(repository.git("rev-parse", "HEAD^{tree}"))).toBeNull();
  expect(await opening?.size("1".repeat(40))).toBeNull();
});

test("names that are not UTF-8 are unchecked, each by its own bytes", async () => {
  const repository = make({ "a.nix": "1\n" });
  const blob = repository.git("rev-parse", "HEAD:a.nix");
  const tree = storeTree(repository, [
    ["100644", Buffer.from([0x61, 0xfe, 0x2e]), blob],
    ["100644", Buffer.from([0x61, 0xff, 0x2e]), blob],
    ["100644", "fine.nix", blob],
  ]);
  const change = await open(repository, commitTree(repository, tree));
  expect(change.files.map((file) => [file.status, file.head?.path])).toEqual([["renamed", "fine.nix"]]);
  expect(change.unchecked).toEqual([
    { what: "a\\376.", reason: expect.stringMatching(/not UTF-8/) },
    { what: "a\\377.", reason: expect.stringMatching(/not UTF-8/) },
  ]);
});

test("malformed folders are unchecked, never read as something else", async () => {
  const repository = make({ "a.nix": "1\n" });
  const blob = repository.git("rev-parse", "HEAD:a.nix");
  const tree = storeTree(repository, [
    ["100644", "..", blob],
    ["100644", "../escape.nix", blob],
    ["100644", "a.nix", blob],
    ["100644", "a.nix", store(repository, "blob", Buffer.from("hidden\n"))],
  ]);
  const change = await open(repository, commitTree(repository, tree));
  expect(change.files).toEqual([]);
  expect(change.unchecked.map(({ what }) => what)).toEqual(["..", "../escape.nix", "a.nix"]);
  const cut = store(repository, "tree", Buffer.from("100644 a.nix\0short"));
  expect((await open(repository, commitTree(repository, cut))).unchecked).toHaveLength(1);
});

test("a tree that repeats itself without end is cut, and said to be", async () => {
  const repository = make({ "a.nix": "1\n" });
  let tree = storeTree(repository, [["100644", "z.nix", repository.git("rev-parse", "HEAD:a.nix")]]);
  for (let level = 0; level < 8; level += 1) {
    tree = storeTree(
      repository,
      Array.from({ length: 10 }, (_, index) => ["40000", `d${index}`, tree] as const),
    );
  }
  const change = await open(repository, commitTree(repository, tree));
  expect(change.unchecked).toEqual([
    { what: "the rest of the change", reason: expect.stringMatching(/more files/) },
  ]);
});

test("a tree nested without end is cut, and said to be", async () => {
  const repository = make({ "a.nix": "1\n" });
  let tree = storeTree(repository, [["100644", "z.nix", repository.git("rev-parse", "HEAD:a.nix")]]);
  for (let level = 0; level < 100; level += 1) tree = storeTree(repository, [["40000", "d", tree]]);
  const change = await open(repository, commitTree(repository, tree));
  expect(change.unchecked).toMatchObject([{ reason: expect.stringMatching(/nested deeper/) }]);
});

test("nothing that the repository's configuration names is run", async () => {
  const repository = make(
    { "a.nix": "1\n", ".gitattributes": "*.nix diff=evil filter=evil\n" },
    { "a.nix": "2\n" },
  );
  const mark = join(repository.folder(), "ran");
  for (const key of [
    "core.fsmonitor",
    "diff.evil.textconv",
    "diff.evil.command",
    "diff.external",
    "filter.evil.smudge",
    "core.pager",
    "core.sshCommand",
    "alias.rev-parse",
  ]) {
    repository.git("config", key, `touch '${mark}'; true`);
  }
  const hooks = join(repository.directory, ".git/hooks");
  mkdirSync(hooks, { recursive: true });
  writeFileSync(join(hooks, "post-checkout"), `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 });
  const change = await open(repository, "HEAD^...HEAD");
  expect(await readHead(change)).toEqual({ "a.nix": { kind: "text", text: "2\n" } });
  expect(() => writeFileSync(mark, "", { flag: "wx" })).not.toThrow();
});
