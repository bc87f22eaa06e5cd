/** What one file, and one change, may take of a review: the rest is left out, on both sides, and said. */
import { afterEach, expect, test } from "vitest";
import type { Change, FileChange, Tree } from "../src/change/change.ts";
import { readAhead } from "../src/change/contents.ts";
import { openGitChange } from "../src/change/git.ts";
import { openRepository } from "../src/change/repository.ts";
import { gatherFacts } from "../src/facts/gather.ts";
import { createParser } from "../src/nix/parser.ts";
import { createTools } from "../src/tools.ts";
import { makeRepository, type TestRepository } from "./support/repository.ts";

let made: TestRepository | undefined;
afterEach(() => made?.remove());

const sri = (n: number) => `sha256-${String(n).padStart(42, "A")}A=`;
const pin = (n: number) =>
  `{ fetchurl }: fetchurl { url = "https://example.org/x.tgz"; hash = "${sri(n)}"; }\n`;
/** Read beside the file that is too much. */
const beside = { base: { "z/package.nix": pin(1) }, head: { "z/package.nix": pin(2) } };

async function factsOf(base: Readonly<Record<string, string>>, head: Readonly<Record<string, string>>) {
  made = makeRepository({ ...base, ...beside.base }, { ...head, ...beside.head });
  const repository = await openRepository(made.directory);
  try {
    const { facts, unchecked } = await gatherFacts(
      await openGitChange(repository),
      await createTools(),
      null,
    );
    return { pins: facts.sources.map(({ before, after }) => (after ?? before).path), unchecked };
  } finally {
    repository.close();
  }
}

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join("");
/** A function of some 400 steps. */
const long = `x: x${' + "1"'.repeat(200)}`;

test.each([
  {
    what: "names of hashes and fetchers",
    path: "many.nix",
    text: (side: string) => `{ fetchurl }: {\n${times(60_001, (n) => `a${n}.hash = ${side};\n`)}}`,
    reasons: ["it has more than 60 thousand names of hashes and fetchers"],
  },
  {
    what: "steps",
    path: "steps.nix",
    text: (side: string) =>
      `{ fetchurl }: let f = ${long}; in {\n${times(600, (n) => `p${n} = fetchurl { url = f "${side}"; hash = "${sri(n)}"; };\n`)}}`,
    reasons: ["its pins take more steps to work out than there is time for"],
  },
  {
    what: "code",
    path: "code.nix",
    text: (side: string) =>
      `{ ${side} = [ ${"[]".repeat(350_000)} ]; hash = "${sri(4)}"; }\n#${"time for the parser ".repeat(200_000)}\n`,
    reasons: [
      "it holds more code than fits into memory",
      "what its pins are made of lies deeper than is looked",
    ],
  },
  {
    what: "settings",
    path: "settings.nix",
    text: (side: string) => `{\n${times(20_001, (n) => `a${n} = "${side}";\n`)}}`,
    reasons: ["it holds more settings than are looked at"],
  },
  {
    what: "pins of JSON",
    path: "pins.json",
    text: (side: string) => `[\n${times(20_002, (n) => `{"sha256":"${sri(n)}","v":"${side}"},\n`)}0]`,
    reasons: ["it has more than 20 thousand pins"],
  },
  {
    what: "values of JSON",
    path: "values.json",
    text: (side: string) => `["${side}",${"1,".repeat(500_000)}1]`,
    reasons: ["it holds more values than fit into memory"],
  },
])(
  "too many $what: it is said, and what stands beside is read",
  { timeout: 30_000 },
  async ({ path, text, reasons }) => {
    const { pins, unchecked } = await factsOf({ [path]: text("one") }, { [path]: text("two") });
    expect(unchecked).toEqual(reasons.map((reason) => ({ what: path, reason })));
    expect(pins).toEqual(["z/package.nix"]);
  },
);

test("what is too much on one side is left out on both: else all pins of the other would seem to be new", async () => {
  const some = `{ fetchurl }: { p = fetchurl { url = "https://example.org/p"; hash = "${sri(5)}"; };\n`;
  const { pins, unchecked } = await factsOf(
    { "many.nix": `${some}}` },
    { "many.nix": `${some}${times(60_001, (n) => `a${n}.hash = 1;\n`)}}` },
  );
  expect(unchecked.map(({ what }) => what)).toEqual(["many.nix"]);
  expect(pins).toEqual(["z/package.nix"]);
});

test("a list with more entries than are read at a time is read as a whole", { timeout: 30_000 }, async () => {
  const list = (side: number) =>
    `{ fetchurl }:\n{\n${times(1_500, (n) => `  p${n} = fetchurl { url = "https://example.org/${n}"; hash = "${sri(2 * n + side)}"; };\n`)}}\n`;
  const { pins, unchecked } = await factsOf({ "list.nix": list(0) }, { "list.nix": list(1) });
  expect(unchecked).toEqual([]);
  expect(pins).toHaveLength(1_501);
});

test("a text that does not fit into the rest of the memory is not read", async () => {
  const large = (name: string) => `${name.repeat(19_000_000)}\n`;
  const small = { "needle.nix": "1\n" };
  made = makeRepository({}, { "a.nix": large("a"), "b.nix": large("b"), "c.nix": large("c"), ...small });
  const repository = await openRepository(made.directory);
  try {
    const change = await openGitChange(repository);
    const read: string[] = [];
    const head: Tree = {
      ...change.head,
      read: (entry) => {
        read.push(entry.path);
        return change.head.read(entry);
      },
    };
    const contentsOf = readAhead({ ...change, head });
    const kinds: (string | undefined)[] = [];
    for (const index of change.files.keys()) kinds.push((await contentsOf(index)).head?.kind);
    expect(kinds).toEqual(["text", "text", "unavailable", "text"]);
    expect(read.sort()).toEqual(["a.nix", "b.nix", "needle.nix"]);
  } finally {
    repository.close();
  }
});

test("of more than 25,000 files the rest is not read", async () => {
  const files = Array.from({ length: 25_001 }, (_, n): FileChange => {
    const head = { path: `${n}`, kind: "file", oid: "a".repeat(40) } as const;
    return { status: "added", base: null, head };
  });
  const tree = {
    commit: "b".repeat(40),
    entry: async () => null,
    list: async () => [],
    read: async () => ({ kind: "text", text: "1" }) as const,
  };
  const change: Change = { base: tree, head: tree, files, unchecked: [], subjects: null };
  const contentsOf = readAhead(change);
  expect((await contentsOf(0)).head).toEqual({ kind: "text", text: "1" });
  expect((await contentsOf(25_000)).head).toEqual({
    kind: "unavailable",
    reason: "the change has more files than the 25 thousand that are read of one change",
  });
});

test("the pins of a change are bounded: those of files that do not fit are left out", {
  timeout: 60_000,
}, async () => {
  const list = (side: number) => `[\n${times(13_000, (n) => `{"sha256":"${sri(2 * n + side)}"},\n`)}0]`;
  const { pins, unchecked } = await factsOf(
    { "a.json": list(0), "b.json": list(0) },
    { "a.json": list(1), "b.json": list(1) },
  );
  expect(unchecked).toEqual([
    { what: "b.json", reason: "the change has more than the 50 thousand pins that are read of one change" },
  ]);
  expect([new Set(pins), pins.length]).toEqual([new Set(["a.json", "z/package.nix"]), 13_001]);
});

test("a tree that does not fit into memory is said not to, and the next text is read", {
  timeout: 60_000,
}, async () => {
  const parser = await createParser("bash");
  const result = parser.parse("a\n".repeat(2_500_000));
  expect(result).toEqual({ kind: "too-large", reason: "its syntax tree does not fit into memory" });
  expect(parser.parse("echo a").kind).toBe("document");
});

test("of a reason that many files share, some are named and the others counted", async () => {
  const binary = (side: string) =>
    Object.fromEntries(Array.from({ length: 203 }, (_, n) => [`b/${n}.nix`, `${side}\0`]));
  const { unchecked } = await factsOf(binary("one"), binary("two"));
  expect(unchecked).toHaveLength(201);
  expect(unchecked.at(-1)).toEqual({ what: "3 more files", reason: "not a text (NUL byte)" });
});
