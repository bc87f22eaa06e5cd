/** What is read of a change with huge files. */
import { expect, test } from "vitest";
import type { Content, Entry, FileChange, Tree } from "../../src/change/change.ts";
import { readAhead } from "../../src/change/contents.ts";
import { readFile } from "../../src/facts/read-file.ts";
import { createDocuments } from "../../src/nix/documents.ts";
import { createNixSide } from "../../src/nix/side.ts";

const entry = (name: string, side: string): Entry => ({ path: name, kind: "file", oid: `${side} ${name}` });
const modified = (name: string): FileChange => ({
  status: "modified",
  base: entry(name, "base"),
  head: entry(name, "head"),
});
const text = (line: string, characters: number): Content => ({
  kind: "text",
  text: `${line}\n`.padEnd(characters, `${line}\n`),
});

/** A tree of texts of this machine; `asked` gets each that is read. */
function treeOf(characters: number, asked: string[], size?: (entry: Entry) => Promise<number>): Tree {
  return {
    commit: "0".repeat(40),
    entry: async () => null,
    list: async () => [],
    read: async ({ oid }) => {
      asked.push(oid);
      return text(oid, characters);
    },
    ...(size && { size }),
  };
}

test("what differs in huge files is read up to a limit, and the rest is said", async () => {
  const documents = await createDocuments();
  const tree = treeOf(0, []);
  const sides = { base: createNixSide(tree, documents), head: createNixSide(tree, documents) };
  const rewritten = { characters: 0 };
  const read = (name: string, base: string, head: string, characters: number) =>
    readFile(
      modified(name),
      { base: text(base.repeat(1_000), characters), head: text(head.repeat(1_000), characters) },
      sides,
      rewritten,
    );
  // Even when it alone is more.
  const first = await read("first.nix", "a", "b", 11_000_000);
  expect([first.facts.head?.length, first.unchecked]).toEqual([11_000_000, []]);
  const second = await read("second.nix", "c", "d", 1_100_000);
  expect([second.facts.base, second.facts.head, second.regions.head]).toEqual([null, null, []]);
  expect(second.unchecked.map(({ what }) => what)).toEqual(["second.nix", "second.nix"]);
  expect(second.unchecked[0]?.reason).toMatch(/20 million that are read of one change: review its commits/);
  const small = await read("small.nix", "e", "f", 900_000);
  expect([small.facts.head?.length, small.unchecked]).toEqual([900_000, []]);
});

test("files whose known sizes are too much are not read, nor are large ones before their turn", async () => {
  const asked: string[] = [];
  const tree = treeOf(1_000, asked, async ({ path }) =>
    path === "c" ? 60_000_000 : path === "b" ? 600_000 : 1_000,
  );
  const contentsOf = readAhead({
    base: tree,
    head: tree,
    files: ["a", "b", "c", "d"].map(modified),
    unchecked: [],
    subjects: null,
  });
  expect((await contentsOf(0)).head?.kind).toBe("text");
  expect(asked).toEqual(["base a", "head a", "base d", "head d"]);
  expect((await contentsOf(1)).head?.kind).toBe("text");
  expect((await contentsOf(2)).head).toMatchObject({
    kind: "unavailable",
    reason: expect.stringContaining("50 MB"),
  });
  expect((await contentsOf(3)).head?.kind).toBe("text");
  expect(asked).not.toContain("head c");
});
