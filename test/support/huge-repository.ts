/** Repositories with changes of a size that no people make. */
import { createHash } from "node:crypto";
import { commitPairs, type TreeFile, textFile } from "./trees.ts";

export const SHAPES = ["wide", "deep", "blobs", "texts", "rewritten", "pins"] as const;
export type Shape = (typeof SHAPES)[number];

/** How large: 1 is what `npm run bench:nasty` measures, tests take a part of it. */
export type Scale = number;

/** Where a swapped hash stands, the last file in the order of a change. */
export const NEEDLE = "zz/needle/package.nix";

/** Makes a bare repository at `directory`, and gives the two commits of the shape's change. */
export function makeHuge(
  directory: string,
  shape: Shape,
  scale: Scale,
): { readonly base: string; readonly head: string } {
  const files: Record<"base" | "head", Map<string, TreeFile>> = { base: new Map(), head: new Map() };
  for (const side of ["base", "head"] as const) {
    for (const [path, file] of SHAPE[shape](side, scale)) files[side].set(path, file);
    files[side].set(NEEDLE, textFile(recipe("needle", side)));
  }
  const [pair] = commitPairs(directory, [{ base: files.base, head: files.head }]);
  if (!pair) throw new Error("no commits were made");
  return pair;
}

type Files = Iterable<readonly [string, TreeFile]>;

const SHAPE: Record<Shape, (side: "base" | "head", scale: Scale) => Files> = {
  // 100,000 new files, each with a pin.
  *wide(side, scale) {
    if (side === "base") return;
    for (let n = 0; n < 100_000 * scale; n++) {
      yield [`pkgs/${n % 300}/${n}/package.nix`, textFile(recipe(`p${n}`, side))];
    }
  },
  // 60 folders in each other, with a file in each.
  *deep(side) {
    for (let n = 1; n <= 60; n++) yield [`${"d/".repeat(n)}package.nix`, textFile(recipe(`d${n}`, side))];
  },
  // 200 MB each, as everything that a file can be.
  *blobs(side, scale) {
    const bytes = Buffer.alloc(200_000_000 * scale, `# ${side} ${"x".repeat(100)}\n`);
    yield ["big/package.nix", { mode: "100644", bytes }];
    yield ["big/flake.lock", { mode: "100644", bytes }];
    yield ["big/data.json", { mode: "100644", bytes }];
    yield ["big/link.nix", { mode: "120000", bytes }];
    yield [".github/workflows/big.yml", { mode: "100644", bytes }];
    yield ["ci/OWNERS", { mode: "100755", bytes }];
  },
  // 800 MB of texts below the limit of one file; a character that is not of Latin-1 makes them twice as large in memory.
  *texts(side, scale) {
    const size = 19_000_000 * Math.sqrt(scale);
    for (let n = 0; n < 20 * Math.sqrt(scale); n++) {
      yield [
        `texts/${n}.txt`,
        textFile(
          `→ ${side} ${n}\n`.padEnd(
            size,
            `line of ${n % 2 ? side : `a file whose lines are not so short, in ${side}`}\n`,
          ),
        ),
      ];
    }
  },
  // 40 recipes of 5 MB whose lines are all others.
  *rewritten(side, scale) {
    for (let n = 0; n < 40 * Math.sqrt(scale); n++) {
      const lines = Array.from(
        { length: 100_000 * Math.sqrt(scale) },
        (_, line) => `  a${line} = "${digest(`${side} ${n} ${line}`).slice(0, 30)}";`,
      );
      yield [`generated/${n}.nix`, textFile(`{\n${lines.join("\n")}\n}\n`)];
    }
  },
  // 100,000 pins of one file, each changed.
  *pins(side, scale) {
    const pins = Array.from(
      { length: 100_000 * scale },
      (_, n) =>
        `  p${n} = fetchurl { url = "https://example.org/${n}"; hash = "sha256-${digest(`${side} ${n}`)}"; };`,
    );
    yield ["pkgs/generated.nix", textFile(`{ fetchurl }:\n{\n${pins.join("\n")}\n}\n`)];
  },
};

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

function recipe(name: string, side: "base" | "head"): string {
  return `{ stdenv, fetchurl }:
stdenv.mkDerivation {
  pname = "${name}";
  version = "1.0";
  src = fetchurl {
    url = "https://example.org/${name}-1.0.tar.gz";
    hash = "sha256-${digest(`${side} ${name}`)}";
  };
}
`;
}
