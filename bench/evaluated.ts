/**
 * Holds what the text of a whole tree says against what evaluation gives:
 * `tsx bench/evaluated.ts TREE [--nix nix-instantiate] [--show]`. TREE is a git work tree of a package set that evaluates
 * without a network; its HEAD is reviewed as if all of it were new, by the built program.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isHashAlgorithm, toSri } from "../src/nix/hash.ts";
import type { Review } from "../src/report/review.ts";

/** Where packages have a folder of their own, and the attribute that they are in. */
const FOLDERS: readonly (readonly [string, readonly string[]])[] = [
  ["pkgs", []],
  ["pkgs-many", []],
  ["python/pkgs", ["python3Packages"]],
];
/** Attributes asked for together; one that ends the evaluator is found by asking for fewer. */
const TOGETHER = 60;
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

interface Package {
  readonly attribute: string;
  readonly version: string | null;
  readonly fetches: readonly {
    readonly slot: string;
    readonly hash: string;
    readonly algorithm: string;
    readonly urls: readonly string[];
  }[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { nix: { type: "string", default: "nix-instantiate" }, show: { type: "boolean", default: false } },
});
const tree = resolve(positionals[0] ?? ".");

function run(
  command: string,
  args: readonly string[],
): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 31 - 1 });
}

function pathsOf(): readonly (readonly string[])[] {
  return FOLDERS.flatMap(([folder, within]) => {
    const there = existsSync(`${tree}/${folder}`) ? readdirSync(`${tree}/${folder}`) : [];
    return there.map((name) => [...within, name]);
  });
}

const nixList = (items: readonly string[]): string => `[ ${items.join(" ")} ]`;

function evaluated(paths: readonly (readonly string[])[]): readonly Package[] {
  const list = nixList(paths.map((path) => nixList(path.map((name) => JSON.stringify(name)))));
  const expression = `import ${fileURLToPath(new URL("evaluated.nix", import.meta.url))} { tree = ${tree}; paths = ${list}; }`;
  const { status, stdout } = run(values.nix, ["--eval", "--strict", "--json", "-E", expression]);
  if (status === 0) return JSON.parse(stdout) as readonly Package[];
  if (paths.length <= 1) {
    console.error(`${paths[0]?.join(".")} cannot be evaluated`);
    return [];
  }
  const half = Math.ceil(paths.length / 2);
  return [...evaluated(paths.slice(0, half)), ...evaluated(paths.slice(half))];
}

function pinsOf(): ReadonlyMap<string, readonly NonNullable<Review["sources"][number]["after"]>[]> {
  const program = fileURLToPath(new URL("../dist/cli.mjs", import.meta.url));
  const args = ["review", `${EMPTY_TREE}..HEAD`, "--repo", tree, "--format", "json"];
  const { sources } = JSON.parse(run(process.execPath, [program, ...args]).stdout) as Review;
  const pins = new Map<string, NonNullable<(typeof sources)[number]["after"]>[]>();
  for (const { after } of sources) {
    if (after?.hash) pins.set(after.hash, [...(pins.get(after.hash) ?? []), after]);
  }
  return pins;
}

const paths = pathsOf();
const pins = pinsOf();
const counts = new Map<string, number>();
function count(what: string, is: string, ...shown: readonly unknown[]): void {
  counts.set(`${what} ${is}`, (counts.get(`${what} ${is}`) ?? 0) + 1);
  if (values.show && is !== "right" && shown.length > 0) console.log(what, is, ...shown);
}
for (let at = 0; at < paths.length; at += TOGETHER) {
  for (const { attribute, version, fetches } of evaluated(paths.slice(at, at + TOGETHER))) {
    count("packages:", "evaluated");
    for (const { slot, hash, algorithm, urls } of fetches) {
      const found = pins.get(toSri(hash, isHashAlgorithm(algorithm) ? algorithm : undefined) ?? hash) ?? [];
      count("hashes:", found.length > 0 ? "right" : "not seen", attribute, slot);
      if (found.length === 0) continue;
      const said = found.flatMap((pin) => (pin.resolved ? pin.urls.slice(0, 1) : []));
      if (urls.length > 0)
        count(
          "urls:",
          said.some((url) => urls.includes(url)) ? "right" : said.length === 0 ? "unknown" : "other",
          attribute,
          urls[0],
          said[0],
        );
      if (slot !== "src") continue;
      const versions = found.flatMap((pin) => pin.version ?? []);
      const isRight = version !== null && versions.includes(version);
      count(
        "versions:",
        isRight ? "right" : versions.length === 0 ? "unknown" : "other",
        attribute,
        version,
        versions[0],
      );
    }
  }
}
for (const [what, number] of [...counts].sort()) console.log(what, number);
