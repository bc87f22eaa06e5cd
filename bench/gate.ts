// The gate held against `git diff`, which knows nothing of Nix: `npx tsx bench/gate.ts REPOSITORY OLD NEW` (built before).
// A hash in a line that the diff adds to a Nix or JSON file (lock files of other tools hold no pins) must be of a pin that the
// gate lists, unless a removed line has it too. What the gate has beyond those (an unchanged hash whose version or location changed) is listed, for a person to look at, and so is
// every eighth pin. Exits with 1 when a hash is missing.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Gate } from "../src/ledger/gate.ts";
import { toSri } from "../src/nix/hash.ts";

const HASHES =
  /sha(?:1|256|512)-[A-Za-z0-9+/]{27,}=*|(?<![A-Za-z0-9+/=_.-])[0-9a-z]{52,128}(?![A-Za-z0-9+/=_-])/g;
const FILES = /(?<!package-lock)\.(?:nix|json)$/;
const EVERY = 8;

const [repository = ".", old = "", head = "HEAD"] = process.argv.slice(2);
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 30 });

const added = new Map<string, string>();
const removed = new Set<string>();
let path = "";
for (const line of run("git", "-C", repository, "diff", "-M", "-U0", old, head).split("\n")) {
  if (line.startsWith("+++ ")) path = line.slice("+++ b/".length);
  if (!FILES.test(path)) continue;
  const hashes = (line.match(HASHES) ?? []).flatMap((text) => toSri(text) ?? []);
  for (const hash of hashes) {
    if (line.startsWith("+")) added.set(hash, `${path}: ${line.slice(1).trim()}`);
    else if (line.startsWith("-")) removed.add(hash);
  }
}

const cli = fileURLToPath(new URL("../dist/cli.mjs", import.meta.url));
const args = [cli, "gate", "--repo", repository, "--since", old, head, "--format", "json"];
const { stdout, stderr, status } = spawnSync(process.execPath, args, {
  encoding: "utf8",
  maxBuffer: 2 ** 30,
});
if (status !== 0) throw new Error(`verifod gate ended with ${status}: ${stderr}`);
const { pins, unchecked } = JSON.parse(stdout) as Gate;

const listed = new Set(pins.flatMap(({ pin }) => pin.hash ?? []));
const missing = [...added].filter(([hash]) => !listed.has(hash) && !removed.has(hash));
const beyond = pins.filter(({ pin }) => pin.hash !== null && !added.has(pin.hash));

const show = ({ pin, binding, attrs }: Gate["pins"][number]): string =>
  `  ${pin.path}:${pin.line} ${binding} of ${attrs.join(", ") || "?"}: ${pin.version ?? "?"}, ${pin.urls[0] ?? "?"}, ${pin.hash}\n`;
const all = run("git", "-C", repository, "rev-list", "--count", `${old}..${head}`).trim();
process.stdout.write(
  `${all} commits: ${pins.length} pins listed, ${unchecked.length} files not checked; ${added.size} hashes in added lines\n` +
    `missing: ${missing.length}\n${missing.map(([, where]) => `  ${where}\n`).join("")}` +
    `beyond the diff's hashes: ${beyond.length}\n${beyond.map(show).join("")}` +
    `every ${EVERY}th:\n${pins
      .filter((_, n) => n % EVERY === 3)
      .map(show)
      .join("")}`,
);
process.exitCode = missing.length > 0 ? 1 : 0;
