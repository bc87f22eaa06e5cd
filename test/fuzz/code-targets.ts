/** Changes of mutated files, from the parsers to the report. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { Content, Entry, Tree } from "../../src/change/change.ts";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import { parseConfig } from "../../src/config-schema.ts";
import { VerifodError } from "../../src/errors.ts";
import { formatSri, parseHash, toNix32, toSri } from "../../src/nix/hash.ts";
import { readNix, rereadNix } from "../../src/nix/nix-reader.ts";
import { withLines } from "../../src/nix/parser.ts";
import { reviewSchema } from "../../src/report/schema.ts";
import { formatText } from "../../src/report/text.ts";
import { review } from "../../src/review.ts";
import { createTools, type Tools } from "../../src/tools.ts";
import { createTreePairs } from "../support/nix-trees.ts";
import { joined, mutated, type Random } from "./random.ts";
import { demand, type Target } from "./target.ts";

const NIX_PIECES = [
  "{",
  "}",
  "[",
  "]",
  "(",
  ")",
  '"',
  "''",
  "${",
  "''${",
  "$${",
  ";",
  "=",
  ":",
  "@",
  "?",
  ".",
  "...",
  "//",
  "++",
  "==",
  "->",
  "!",
  "-",
  "+",
  "<nixpkgs>",
  "./a.nix",
  "~/x",
  "/*",
  "*/",
  "#",
  "\n",
  "\r",
  "\r\n",
  "\t",
  "\0",
  "\ufeff",
  "\u202e",
  "\ud800",
  "\\",
  "\\$",
  "'''",
  " let ",
  " in ",
  " rec ",
  " with ",
  " inherit ",
  " if ",
  " then ",
  " else ",
  " assert ",
  " or ",
  " null ",
  " true ",
  " throw ",
  " import ",
  " builtins.",
  " lib.",
  " self.",
  " finalAttrs: ",
  " x: ",
  " { x ? y, ... }@args: ",
  "__overrides = { };",
  "__proto__ = 1;",
  "constructor",
  "toString",
  "hasOwnProperty",
  " src = fetchurl { url = ",
  ' hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";',
  ' version = "1.0";',
  "fetchFromGitHub",
  "callPackage ",
  "overrideAttrs (old: { ",
  "stdenv.mkDerivation ",
  "rec { a = b; b = a; }",
  "let x = x; in x",
  "1e400",
  "99999999999999999999",
  "replaceStrings",
  "concatStringsSep",
  "genList",
  "<<EOF\n",
  "$(",
  "`",
  "| sh",
  "curl ",
  "base64 -d",
  "eval ",
].concat(["postInstall = ''\n"]);

const root = new URL("../../", import.meta.url);

interface Sample {
  readonly path: string;
  readonly text: string;
}

/** The text files of the fixtures and examples. */
function samples(): readonly Sample[] {
  return ["fixtures", "examples"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(?:nix|json|lock|yml|yaml|sh|py|patch|toml|gitattributes)$|OWNERS$/.test(path))
      .filter((path) => !/(?:expected|special)\.json$/.test(path))
      .sort()
      .map((path) => ({
        path: path.replace(/^.*?\/(?:base|head)\//, ""),
        text: readFileSync(new URL(`${folder}/${path}`, root), "utf8"),
      }))
      .filter(({ text }) => text.length < 20_000),
  );
}

let known: readonly Sample[] | undefined;
let tools: Promise<Tools> | undefined;

/** A side of a change that holds one file. */
function treeOf(commit: string, path: string, text: string): Tree {
  const entry: Entry = { path, kind: "file", oid: createHash("sha1").update(text).digest("hex") };
  return {
    commit: commit.repeat(40),
    entry: async (wanted) => (wanted === path ? entry : null),
    list: async () => [],
    read: async (): Promise<Content> => ({ kind: "text", text }),
  };
}

const SEPARATOR = "\n\u0001\n";

/** A whole review of a change from a file as it is to a mutated one, or between two mutated ones. */
const reviewTarget: Target = {
  name: "review",
  share: 60_000,
  generate(random) {
    known ??= samples();
    const { path, text } = random.pick(known);
    const other = random.pick(known).text;
    const base = random.below(3) === 0 ? mutated(random, text, NIX_PIECES, other) : text;
    const head = mutated(random, text, NIX_PIECES, other);
    return [path, base, head].join(SEPARATOR);
  },
  async check(input) {
    const [path = "", base = "", head = ""] = input.split(SEPARATOR);
    const trees = {
      base: treeOf("a", path, Buffer.from(base).toString()),
      head: treeOf("b", path, Buffer.from(head).toString()),
    };
    const [before, after] = await Promise.all([trees.base.entry(path), trees.head.entry(path)]);
    demand(before !== null && after !== null, "both sides have the file");
    const change = {
      ...trees,
      files: [{ status: "modified", base: before, head: after } as const],
      unchecked: [],
      subjects: ["frob: 1.0 -> 1.1"],
    };
    tools ??= createTools();
    const result = await review(change, await tools, { config: DEFAULT_CONFIG });
    reviewSchema.parse(result);
    for (const { reason } of result.unchecked) demand(!reason.includes("the rule failed"), reason);
    const lines = head.split("\n").length + base.split("\n").length;
    for (const finding of result.findings) {
      demand(
        finding.startLine >= 1 && finding.endLine >= finding.startLine,
        `a finding ends before it starts: ${finding.rule}`,
      );
      demand(finding.endLine <= lines, `a finding is beyond the file: ${finding.rule}`);
      demand(
        finding.message.length < 10_000 && finding.title.length < 1_000,
        `a long finding: ${finding.rule}`,
      );
    }
    demand(
      !/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(formatText(result, { color: false })),
      "a control character is printed",
    );
  },
};

/** Hashes: what is read is what was meant, and what is slightly wrong is not the same. */
const hashTarget: Target = {
  name: "hash",
  share: 300_000,
  generate(random) {
    const algorithm = random.pick(["md5", "sha1", "sha256", "sha512"] as const);
    const size = { md5: 16, sha1: 20, sha256: 32, sha512: 64 }[algorithm];
    const bytes = Buffer.from(Array.from({ length: size }, () => random.below(256)));
    const digest = random.pick([
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      bytes.toString("base64"),
      bytes.toString("base64").replace(/=+$/, ""),
      toNix32(bytes),
    ]);
    const text = random.pick(["", `${algorithm}-`, `${algorithm}:`]) + digest;
    return random.below(3) === 0
      ? text
      : mutated(random, text, ["=", "-", ":", "+", "/", "sha256-", "e", "z", " ", "\n", "\0"]);
  },
  check(input) {
    const hash = parseHash(input);
    if (hash === null) return;
    const sri = formatSri(hash);
    demand(toSri(sri) === sri, "an SRI hash that is not read as itself");
    for (const spelling of [hash.bytes.toString("hex"), toNix32(hash.bytes), hash.bytes.toString("base64")]) {
      demand(toSri(spelling, hash.algorithm) === sri, `a spelling that is read as another hash: ${spelling}`);
    }
    // Of each spelling there is one, but for case, padding, blanks around, and bits of base64 beyond the digest.
    const bare = input
      .trim()
      .replace(/^(?:md5|sha1|sha256|sha512)[:-]/, "")
      .replace(/=+$/, "");
    const bits = Buffer.from(bare, "base64").equals(hash.bytes) && /^[A-Za-z0-9+/]+$/.test(bare);
    const spellings = [hash.bytes.toString("hex"), toNix32(hash.bytes)];
    demand(
      bits || spellings.includes(bare) || spellings.includes(bare.toLowerCase()),
      "a hash in a spelling that nobody writes",
    );
  },
};

const CONFIG = `fail-on: high
verify: auto
rules:
  tests-disabled: off
  hash-changed-alone: { severity: low, exclude: ["pkgs/**"] }
trusted-hosts: [github.com, gitlab.com]
subsystems:
  - name: boot chain
    paths: ["nixos/modules/system/boot/**"]
    alert: ["@NixOS/systemd"]
    from: medium
    acknowledgements: 1
owners: ci/OWNERS
`;
const YAML_PIECES = [
  "&a ",
  "*a",
  "<<: *a",
  "- ",
  ": ",
  "\n  ",
  "\n",
  "|\n",
  ">\n",
  "!!js/function ",
  "!!binary ",
  "{",
  "}",
  "[",
  "]",
  "%YAML 1.1\n",
  "---\n",
  "...\n",
  "__proto__: ",
  "constructor: ",
  "? ",
  "~",
  "1e999",
  "0x",
  "\t",
  "\u2028",
  "'",
  '"',
  "**/",
  "!(",
  "@(a|b)",
  "{1..99999}",
  "\\",
];

const configTarget: Target = {
  name: "configuration",
  share: 60_000,
  generate: (random) => mutated(random, CONFIG, YAML_PIECES),
  check(input) {
    try {
      const config = parseConfig(input, "verifod.yml");
      for (const { excludes } of config.rules.values()) excludes("pkgs/by-name/fr/frob/package.nix");
    } catch (error) {
      demand(
        error instanceof VerifodError && error.fault === "configuration",
        `not a fault of the configuration: ${String(error)}`,
      );
    }
  },
};

/** A text of the words of Nix alone. */
export function nixWords(random: Random): string {
  return joined(random, NIX_PIECES, 60);
}

/** Texts that are nothing but pieces of Nix. */
const wordsTarget: Target = {
  name: "nix",
  share: 40_000,
  generate: (random) => ["default.nix", nixWords(random), nixWords(random)].join(SEPARATOR),
  check: reviewTarget.check,
};

let pairs: ReturnType<typeof createTreePairs> | undefined;

/**
 * Nix that is read without the library: into the tree that the library makes of it, or not at all; and from the tree of what
 * it was before a stretch of it went away, into the same.
 */
const readerTarget: Target = {
  name: "reader",
  share: 200_000,
  generate(random) {
    if (random.below(8) === 0) return nixWords(random);
    known ??= samples();
    const recipes = known.filter(({ path }) => path.endsWith(".nix"));
    return mutated(random, random.pick(recipes).text, NIX_PIECES, random.pick(recipes).text);
  },
  async check(input) {
    pairs ??= createTreePairs();
    const text = withLines(Buffer.from(input).toString());
    const { own, library } = (await pairs)(text);
    demand(own === library, `not the tree of the library: ${own}`);
    const old = readNix(text);
    if (!old) return;
    // Each input has a stretch of its own.
    const digest = createHash("sha256").update(text).digest();
    const start = digest.readUInt32LE(0) % (text.length + 1);
    const oldEnd = Math.min(text.length, start + (digest.readUInt8(4) % 12));
    const put = NIX_PIECES[digest.readUInt8(5) % NIX_PIECES.length] ?? "";
    const changed = text.slice(0, start) + put + text.slice(oldEnd);
    const near = rereadNix(old, { start, oldEnd, newEnd: start + put.length }, changed);
    if (near) demand(isDeepStrictEqual(near, readNix(changed)), `not as if read anew: ${changed}`);
  },
};

export const codeTargets: readonly Target[] = [
  reviewTarget,
  wordsTarget,
  hashTarget,
  configTarget,
  readerTarget,
];
