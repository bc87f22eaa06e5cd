import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { compareTrees } from "../../src/change/compare.ts";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { lookUp, questionOf } from "../../src/ledger/lookup.ts";
import { formatIndex, openIndex, readIndex, writeIndex } from "../../src/ledger/pin-index.ts";
import { updateIndex } from "../../src/ledger/update-index.ts";
import { parseHash, toNix32 } from "../../src/nix/hash.ts";
import { readOnThreads } from "../../src/threads/index-threads.ts";
import { sri } from "../support/records.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";

function recipe(name: string, version: string, seed = `${name}-${version}`): string {
  return `{ stdenv, fetchFromGitHub }:
stdenv.mkDerivation (finalAttrs: {
  pname = "${name}";
  version = "${version}";
  src = fetchFromGitHub {
    owner = "Acme";
    repo = "${name}";
    tag = "v\${finalAttrs.version}";
    hash = "${sri(seed)}";
  };
})
`;
}

const byName = (name: string) => `pkgs/by-name/${name.slice(0, 2)}/${name}/package.nix`;

let made: TestRepository | undefined;
let opened: Repository | undefined;
afterEach(() => {
  opened?.close();
  made?.remove();
});

async function open(...commits: Readonly<Record<string, TestFile>>[]) {
  made = makeRepository(...commits);
  opened = await openRepository(made.directory);
  return { test: made, repository: opened };
}

describe("the index", () => {
  it("says what of a tree it did not look at, and keeps the rest", async () => {
    const { repository } = await open(
      { [byName("frob")]: recipe("frob", "1.0"), [`${"d/".repeat(70)}deep.nix`]: recipe("deep", "1.0") },
      { [byName("grep")]: recipe("grep", "3") },
    );
    const [before, head] = [await repository.resolve("HEAD~1"), await repository.resolve("HEAD")];
    const first = await updateIndex(repository, before, null);
    for (const [index, pins] of [
      [first, 1],
      [await updateIndex(repository, head, first), 2],
    ] as const) {
      expect(index.header).toMatchObject({ pins, unread: 1 });
      const lost = [...index.files.values()].filter(({ reason }) => reason !== null);
      expect(lost).toMatchObject([{ reason: "nested deeper than 64 folders" }]);
    }
  });

  it("has the pins of a file whose places lie deeper than is looked", async () => {
    const names = Array.from({ length: 400 }, (_, n) => `v${n} = v${n + 1};`).join(" ");
    const deep = `{ fetchurl }: let ${names} v400 = "https://example.org"; in fetchurl { url = v0; hash = "sha256-${"A".repeat(43)}="; }`;
    const { repository } = await open({ [byName("frob")]: deep });
    const { header, files } = await updateIndex(repository, await repository.resolve("HEAD"), null);
    expect(header).toMatchObject({ pins: 1, unread: 0 });
    expect(files.get(byName("frob"))?.pins[0]?.hash).toMatch(/^sha256-/);
  });

  it("is the same whether it is made at once or commit by commit", async () => {
    const { repository } = await open(
      {
        [byName("frob")]: recipe("frob", "1.0"),
        "pkgs/tool/default.nix":
          "{ fetchurl }: let s = import ./source.nix; in { src = fetchurl { inherit (s) url hash; }; }",
        "pkgs/tool/source.nix": `{ url = "https://tool.example/1.tar.gz"; hash = "${sri("tool-1")}"; }`,
        "README.md": "hash",
      },
      { [byName("frob")]: recipe("frob", "1.1"), [byName("grep")]: recipe("grep", "3") },
      // The file with the pin stays as it is: what it imports changes.
      { "pkgs/tool/source.nix": `{ url = "https://tool.example/2.tar.gz"; hash = "${sri("tool-2")}"; }` },
      { [byName("grep")]: null, "pkgs/moved/default.nix": recipe("grep", "3") },
      { "pkgs/tool/source.nix": null },
      { "pkgs/broken/default.nix": `{ a. = "${sri("x")}` },
    );
    let index: Awaited<ReturnType<typeof updateIndex>> | null = null;
    for (let back = 5; back >= 0; back--) {
      const commit = await repository.resolve(`HEAD~${back}`);
      index = await updateIndex(repository, commit, index);
      const fresh = await updateIndex(repository, commit, null);
      expect(formatIndex({ ...index, past: [] })).toBe(formatIndex(fresh));
      expect(fresh.past).toEqual([]);
    }
    const gone = index?.past.flatMap(({ pins }) => pins.map(({ pname, version }) => `${pname} ${version}`));
    expect(gone).toContain("frob 1.0");
  });

  it("answers by hash in any spelling, URL, project and attribute, also of what is gone", async () => {
    const { test, repository } = await open(
      { [byName("frob")]: recipe("frob", "1.0"), [byName("other")]: recipe("other", "2") },
      { [byName("frob")]: recipe("frob", "1.1") },
    );
    const file = join(test.folder(), "index");
    expect(await openIndex(file)).toBeNull();
    for (const revision of ["HEAD~1", "HEAD"]) {
      const commit = await repository.resolve(revision);
      await writeIndex(file, await updateIndex(repository, commit, await readIndex(file)));
    }
    const index = await openIndex(file);
    if (index === null) throw new Error("no index");
    const names = (text: string) =>
      lookUp(index, questionOf(text)).map(
        ({ pin, standing }) => `${pin.pname} ${pin.version} ${pin.path}:${pin.line} ${standing.in}`,
      );
    const now = `frob 1.1 ${byName("frob")}:9 tree`;
    const before = `frob 1.0 ${byName("frob")}:9 history`;
    const hash = sri("frob-1.1");
    const digest = parseHash(hash)?.bytes ?? Buffer.alloc(0);
    for (const spelling of [hash, digest.toString("hex"), toNix32(digest), `sha256:${toNix32(digest)}`]) {
      expect(names(spelling)).toEqual([now]);
    }
    expect(names(sri("frob-1.0"))).toEqual([before]);
    expect(names("https://github.com/Acme/frob/")).toEqual([now, before]);
    expect(names("acme/FROB")).toEqual([now, before]);
    expect(names("acme/fro")).toEqual([]);
    expect(names("frob")).toEqual([now, before]);
    expect(names(sri("nothing"))).toEqual([]);
  });

  it("is made anew when it is damaged, of another version, or of another repository", async () => {
    const { test, repository } = await open({ [byName("frob")]: recipe("frob", "1.0") });
    const file = join(test.folder(), "index");
    const commit = await repository.resolve("HEAD");
    const fresh = await updateIndex(repository, commit, null);
    await writeIndex(file, fresh);
    const text = readFileSync(file, "utf8");
    const damages = [
      "",
      "{}\n",
      "[]\n",
      text.slice(0, -30),
      // Cut between two lines, and one character that is another.
      text.slice(0, text.indexOf("\n") + 1),
      text.replace("frob", "frab"),
      text.replace(/\n.*\n$/, "\n!\n"),
      text.replace(/"tool":"[^"]*"/, '"tool":"0"'),
      text.replace("verifod-index-v3", "verifod-index-v2"),
    ];
    for (const damaged of damages) {
      expect(damaged).not.toBe(text);
      writeFileSync(file, damaged);
      expect([await readIndex(file), await openIndex(file)]).toEqual([null, null]);
    }
    writeFileSync(file, text);
    expect((await openIndex(file))?.header).toEqual(fresh.header);
    const elsewhere = { ...fresh, header: { ...fresh.header, tree: "0".repeat(40) }, files: new Map() };
    expect((await updateIndex(repository, commit, elsewhere)).header.pins).toBe(1);
  });

  it("reads again only what differs when the indexed tree is not there any more", async () => {
    const { test, repository } = await open(
      {
        [byName("frob")]: recipe("frob", "1.0"),
        [byName("grep")]: recipe("grep", "3"),
        "pkgs/tool/default.nix": `{ fetchurl }: { src = fetchurl { url = (import ./source.nix).url; hash = "${sri("tool")}"; }; }`,
        "pkgs/tool/source.nix": '{ url = "https://tool.example/1.tar.gz"; }',
      },
      {
        [byName("frob")]: recipe("frob", "1.1"),
        "pkgs/tool/source.nix": '{ url = "https://tool.example/2.tar.gz"; }',
        "pkgs/other/default.nix": recipe("other", "2"),
      },
    );
    const first = await updateIndex(repository, await repository.resolve("HEAD^"), null);
    // A clone of the last commit alone, as a runner makes it.
    const clone = test.folder();
    test.git("clone", "--quiet", "--bare", "--depth=1", `file://${test.directory}`, clone);
    const shallow = await openRepository(clone);
    try {
      const head = await shallow.resolve("HEAD");
      const read: number[] = [];
      const onProgress = (_: number, total: number) => read.push(total);
      const index = await updateIndex(shallow, head, first, { onProgress });
      expect(formatIndex({ ...index, past: [] })).toBe(formatIndex(await updateIndex(shallow, head, null)));
      // frob, other, both files of tool; grep is as it was.
      expect(read[0]).toBe(4);
      expect(index.past.flatMap(({ pins }) => pins.map(({ urls }) => urls[0]))).toContain(
        "https://tool.example/1.tar.gz",
      );
    } finally {
      shallow.close();
    }
  });

  it("has pins of JSON files, and none of lockfiles", async () => {
    const pin = JSON.stringify({ url: "https://a.example/a.tar.gz", hash: sri("json") });
    const { repository } = await open({
      "pkgs/json/pin.json": pin,
      "pkgs/json/package-lock.json": pin,
    });
    const { files } = await updateIndex(repository, await repository.resolve("HEAD"), null);
    expect([...files.keys()]).toEqual(["pkgs/json/pin.json"]);
  });

  it("keeps every spelling of a hash, and what stands for one", async () => {
    const hex = Buffer.alloc(32, 7).toString("hex");
    const base64 = Buffer.alloc(32, 7).toString("base64");
    const nix32 = toNix32(Buffer.alloc(32, 7));
    const spellings = [
      `hash = "sha256-${base64}"`,
      `sha256 = "${base64}"`,
      `sha256 = "${hex}"`,
      `sha256 = "${nix32}"`,
      `outputHash = "sha256:${nix32}"`,
      `sha1 = "${Buffer.alloc(20, 7).toString("hex")}"`,
      `md5 = "${Buffer.alloc(16, 7).toString("hex")}"`,
      `sha512 = "${Buffer.alloc(64, 7).toString("base64")}"`,
      'hash = ""',
      'vendorHash = ""',
    ];
    const files = Object.fromEntries(
      spellings.map((spelling, n) => [
        `pkgs/p${n}/default.nix`,
        `{ lib, fetchurl }: { src = fetchurl { url = "https://a.example/${n}"; ${spelling}; }; }`,
      ]),
    );
    const { repository } = await open(files);
    const index = await updateIndex(repository, await repository.resolve("HEAD"), null);
    const found = new Set(index.files.keys());
    expect(spellings.filter((_, n) => !found.has(`pkgs/p${n}/default.nix`))).toEqual([]);
  });
});

describe("reading on threads", () => {
  const many = Object.fromEntries(
    Array.from({ length: 400 }, (_, n) => [byName(`p${n}`), recipe(`p${n}`, "1")]),
  );
  const program = new URL("../../dist/index-thread.mjs", import.meta.url);

  it("gives what one thread gives", async () => {
    const { repository } = await open(many);
    const head = await repository.resolve("HEAD");
    const index = await updateIndex(repository, head, null, {
      readMany: readOnThreads(repository.directory, { program, workers: 2 }),
    });
    expect(index.header.pins).toBe(400);
    expect(formatIndex(index)).toBe(formatIndex(await updateIndex(repository, head, null)));
  });

  it("begins with the largest files", async () => {
    const large = `${recipe("zlib", "1.0")}# ${"x".repeat(200_000)}\n`;
    const { repository } = await open({ ...many, [byName("zlib")]: large });
    const head = await repository.resolve("HEAD");
    const entries = (await compareTrees(repository, repository.emptyTree, head.tree)).files.flatMap(
      ({ head: entry }) => entry ?? [],
    );
    const read: string[] = [];
    const readMany = readOnThreads(repository.directory, { program, workers: 1 });
    await readMany(entries, head, (file) => read.push(file?.path ?? ""));
    expect(read).toHaveLength(entries.length);
    expect(read[0]).toBe(byName("zlib"));
  });

  it("tells the file that takes its thread down, and reads the others", async () => {
    const { test, repository } = await open(many);
    const head = await repository.resolve("HEAD");
    // A worker that ends at one file, and hangs at another.
    const worker = join(test.folder(), "worker.mjs");
    writeFileSync(
      worker,
      `import { parentPort } from "node:worker_threads";
       parentPort.on("message", (job) => {
         for (const { path } of job) {
           if (path.endsWith("/p7/package.nix")) process.exit(3);
           if (path.endsWith("/p8/package.nix")) for (;;);
           parentPort.postMessage({ path, blob: "", needed: [], neededBlobs: "", pins: [], reason: null });
         }
       });`,
    );
    const limits = { program: pathToFileURL(worker), workers: 2, limitMs: 1_000 };
    const readMany = readOnThreads(repository.directory, limits);
    const { files, header } = await updateIndex(repository, head, null, { readMany });
    expect(files.size).toBe(400);
    expect(header.unread).toBe(2);
    expect(files.get(byName("p7"))?.reason).toBe("reading it ended early, with status 3");
    expect(files.get(byName("p8"))?.reason).toBe("reading it took longer than 1 s");
  });
});
