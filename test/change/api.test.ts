import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openApiChange, type PullChange } from "../../src/change/api.ts";
import type { Change, Entry } from "../../src/change/change.ts";
import { openGitChange } from "../../src/change/git.ts";
import type { GitHubApi } from "../../src/change/github-api.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { actionsBot, type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let repository: Repository;

beforeAll(async () => {
  made = makeRepository({
    "pkgs/a/default.nix": '{ version = "1"; }\n',
    "pkgs/b/package.nix": Array.from({ length: 20 }, (_, line) => `line ${line}\n`).join(""),
    "pkgs/c/old.nix": "gone\n",
    "pkgs/link": { symlink: "a" },
    "run.sh": "echo\n",
  });
  repository = await openRepository(made.directory);
});
beforeEach(async () => {
  made.git("checkout", "--quiet", "--detach", "main");
  fake = await startFakeGitHub({ repository: made });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
});
afterAll(() => {
  repository.close();
  made.remove();
});

function api() {
  const token = fake.token(actionsBot({ contents: "read", pull_requests: "read" }));
  return createGitHubApi({ token, apiUrl: fake.url, pace: 0 });
}

function open(
  pull: Pull,
  changedFiles: number | null = null,
  prefetch: readonly string[] = [],
): Promise<PullChange> {
  const { number, base, head } = pull;
  const range = { number, base: base.sha, head: head.sha, changedFiles };
  return openApiChange(api(), { owner: fake.owner, name: fake.name }, range, prefetch);
}

/** All of a change, contents too. */
async function whole(change: Change): Promise<unknown> {
  const side = async (entry: Entry | null, tree: Change["base"]) =>
    entry && { ...entry, content: await tree.read(entry) };
  const files = change.files.map(async (file) => ({
    status: file.status,
    base: await side(file.base, change.base),
    head: await side(file.head, change.head),
  }));
  return {
    base: change.base.commit,
    head: change.head.commit,
    files: await Promise.all(files),
    subjects: change.subjects,
  };
}

test("the API and git give the same change: every kind of file, from the merge base", async () => {
  const head = made.commit({
    "pkgs/a/default.nix": '{ version = "2"; }\n',
    "pkgs/moved/package.nix": Array.from(
      { length: 20 },
      (_, line) => `line ${line === 3 ? "x" : line}\n`,
    ).join(""),
    "pkgs/b/package.nix": null,
    "pkgs/c/old.nix": null,
    "pkgs/link": "now a file\n",
    "run.sh": { executable: "echo\n" },
    binary: new Uint8Array([0, 1, 2, 255]),
    "latin1.nix": new Uint8Array([0x22, 0xe9, 0x22]),
    "bom.nix": "\ufeff{ }\n",
    "large.nix": `# ${"x".repeat(600_000)}\n`,
    empty: "",
    "a b\n'%`.nix": "{ }\n",
    "-rf": "x\n",
    sub: { submodule: "5".repeat(40) },
  });
  made.git("checkout", "--quiet", "main");
  made.commit({ "elsewhere.nix": "the base moved on\n" });
  const pull = fake.openPull({ head });
  const change = await open(pull);
  const local = await openGitChange(repository, `main...${head}`);
  expect(await whole(change)).toEqual(await whole(local));
  expect(change.unchecked).toEqual([]);
  // The comparison, one query for all files, and a blob for each that is no text or larger than GitHub gives.
  const blobs = fake.requests.filter(({ operation }) => operation?.includes("blobs"));
  expect([blobs.length, fake.requests.length]).toEqual([3, 5]);
});

test("files that the change does not touch are found when they are asked for", async () => {
  const pull = fake.openPull({ head: made.commit({ "pkgs/a/default.nix": '{ version = "3"; }\n' }) });
  const change = await open(pull, null, ["pkgs/c/old.nix"]);
  const before = fake.requests.length;
  const prefetched = await change.tip.entry("pkgs/c/old.nix");
  expect(prefetched && (await change.tip.read(prefetched))).toEqual({ kind: "text", text: "gone\n" });
  expect(fake.requests.length).toBe(before);

  const [entry, none] = await Promise.all([change.head.entry("run.sh"), change.head.entry("no/such")]);
  expect(entry?.kind).toBe("file");
  expect(none).toBeNull();
  expect(fake.requests.length).toBe(before + 1);
  expect((await change.head.list("pkgs/b")).map(({ path }) => path)).toEqual(["pkgs/b/package.nix"]);
  expect((await change.head.list("")).map(({ path }) => path)).toContain("run.sh");
  expect(await change.head.list("no/such")).toEqual([]);
  for (const path of ["", "/etc/passwd", "../x", "pkgs/./a", "pkgs//a", "a\0b"]) {
    expect(await change.head.entry(path)).toBeNull();
  }
});

test("more files than one comparison holds are listed page by page, to the last", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 750 }, (_, index) => [`many/${index}.nix`, `${index}\n`]),
  );
  const pull = fake.openPull({ head: made.commit(files) });
  const change = await open(pull, 750);
  expect(change.files.length).toBe(750);
  expect(change.unchecked).toEqual([]);
  const local = await openGitChange(repository, `main...${pull.head.sha}`);
  expect(change.files).toEqual(local.files);
});

test("files beyond those that GitHub lists are said to be unchecked", async () => {
  const files = Object.fromEntries(Array.from({ length: 3_001 }, (_, index) => [`m/${index}`, `${index}`]));
  const pull = fake.openPull({ head: made.commit(files) });
  const change = await open(pull, 3_001);
  expect(change.files.length).toBe(3_000);
  expect(change.unchecked).toEqual([
    { what: "files beyond the first 3000", reason: expect.stringContaining("(3001 differ)") },
  ]);
}, 120_000);

test("a list of another head than asked for is noticed", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 301 }, (_, index) => [`many/${index}.nix`, `${index}\n`]),
  );
  const head = made.commit(many);
  const pull = fake.openPull({ head });
  const asked = structuredClone(pull);
  fake.before = ({ operation }) => {
    if (operation?.endsWith("/files")) pull.head.sha = made.commit({ "many/7.nix": "other\n" });
  };
  const change = await open(asked, 301);
  expect(change.unchecked).toEqual([{ what: "many/7.nix", reason: expect.stringContaining("otherwise") }]);
});

test("a blob that is not what its id says is not read", async () => {
  const pull = fake.openPull({ head: made.commit({ "x.nix": new Uint8Array([0xff, 0x22]) }) });
  const change = await open(pull);
  const entry = change.files[0]?.head;
  const lying = { ...entry, oid: "0".repeat(40) } as Entry;
  expect(await change.head.read(lying)).toEqual({
    kind: "unavailable",
    reason: expect.stringContaining("(404)"),
  });
});

test("what a query cuts is read as a blob; too many are said to be unread", async () => {
  const long = `${"x".repeat(600_000)}\n`;
  const binary = new Uint8Array([0xff, 0x00]);
  const pull = fake.openPull({
    head: made.commit({ "a.bin": binary, "long.nix": long }),
  });
  const client = api();
  let blobs = 0;
  // Blobs that are none are refused without a look: there are many.
  const request: GitHubApi["request"] = async (route, parameters) => {
    if (route.includes("/git/blobs/") && ++blobs > 1) throw new Error("Not Found");
    return client.request(route, parameters);
  };
  const range = { number: pull.number, base: pull.base.sha, head: pull.head.sha, changedFiles: null };
  const name = { owner: fake.owner, name: fake.name };
  const { head, files } = await openApiChange({ ...client, request }, name, range);
  const [last, text] = files.map((file) => file.head);
  if (!last || !text) throw new Error("files are missing");
  expect(await head.read(text)).toEqual({ kind: "text", text: long });
  const others = Array.from({ length: 299 }, (_, index) => ({
    ...last,
    oid: index.toString(16).padStart(40, "0"),
  }));
  await Promise.all(others.map((each) => head.read(each)));
  expect(await head.read(last)).toMatchObject({
    kind: "unavailable",
    reason: expect.stringContaining("more than 300 large or binary files"),
  });
  expect(blobs).toBe(300);
});

test("commits that GitHub does not know, and a GitHub that fails, are said plainly", async () => {
  const pull = fake.openPull({ head: made.commit({ "y.nix": "y\n" }) });
  const unknown = { ...pull, head: { ...pull.head, sha: "0".repeat(40) } };
  await expect(open(unknown)).rejects.toThrow(/cannot compare .* no common history/);
  fake.failWhen = ({ operation }) => (operation === "graphql" ? { status: 502, applied: false } : null);
  await expect(open(pull)).rejects.toMatchObject({
    fault: "outside",
    message: expect.stringContaining("(502)"),
  });
});
