// Parses the blobs of pairs of commits once each, with the raw library in one thread: what the bench compares with.
// node bench/parse.mjs REPOSITORY < pairs; prints what it parsed as JSON.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Language, Parser } from "web-tree-sitter";

const MOST_MILLISECONDS = 2_000;
const repository = process.argv[2];
const git = (args, input) =>
  spawnSync("git", ["-C", repository, ...args], { input, maxBuffer: 2 ** 31 - 1 }).stdout;

const oids = new Set();
for (const pair of readFileSync(0, "utf8").trim().split("\n")) {
  const changes = git(["diff-tree", "-r", "--no-renames", "--raw", "-z", ...pair.split(" ")]).toString();
  const parts = changes.split("\0");
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const [, , before, after] = parts[index].split(" ");
    if (!parts[index + 1].endsWith(".nix")) continue;
    for (const oid of [before, after]) if (!/^0+$/.test(oid)) oids.add(oid);
  }
}

const wasm = (name) => readFileSync(fileURLToPath(new URL(`../dist/wasm/${name}`, import.meta.url)));
await Parser.init({ wasmBinary: wasm("web-tree-sitter.wasm") });
const parser = new Parser();
parser.setLanguage(await Language.load(wasm("tree-sitter-nix.wasm")));

const batch = git(["cat-file", "--batch"], [...oids].join("\n"));
let characters = 0;
let milliseconds = 0;
let processor = 0;
for (let offset = 0; offset < batch.length; ) {
  const end = batch.indexOf(10, offset);
  const size = Number(batch.subarray(offset, end).toString().split(" ")[2]);
  const text = batch.subarray(end + 1, end + 1 + size).toString();
  offset = end + 1 + size + 1;
  const before = process.cpuUsage();
  const started = performance.now();
  const tree = parser.parse(text, undefined, {
    progressCallback: () => performance.now() - started > MOST_MILLISECONDS,
  });
  if (tree) tree.delete();
  else parser.reset();
  milliseconds += performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  processor += (user + system) / 1_000;
  characters += text.length;
}
console.log(JSON.stringify({ blobs: oids.size, characters, milliseconds, processor }));
