import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openRepository, type Repository } from "../../src/change/repository.ts";
import { lookUp, questionOf } from "../../src/ledger/lookup.ts";
import { formatIndex, openIndex, readIndex, writeIndex } from "../../src/ledger/pin-index.ts";
import { updateIndex } from "../../src/ledger/update-index.ts";
import { parseHash, toNix32 } from "../../src/nix/hash.ts";
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
    for (const damaged of ["", "{}\n", text.slice(0, -30), text.replace(/"tool":"[^"]*"/, '"tool":"0"')]) {
      writeFileSync(file, damaged);
      expect(await readIndex(file)).toBeNull();
    }
    const elsewhere = { ...fresh, header: { ...fresh.header, tree: "0".repeat(40) }, files: new Map() };
    expect((await updateIndex(repository, commit, elsewhere)).header.pins).toBe(1);
  });
});
