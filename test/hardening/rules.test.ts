import { describe, expect, it } from "vitest";
import { rules } from "../../src/rules/index.ts";
import type { Facts } from "../../src/rules/rule.ts";

/** Texts that make careless code slow: long lines, many lines, and what expressions and readers stumble over. */
const SHAPES: Readonly<Record<string, string>> = {
  "one long line of letters": "a".repeat(40_000),
  "one long line of blanks": `x${" ".repeat(40_000)}x`,
  "many short lines": "a = 1;\n".repeat(8_000),
  "many empty lines": "\n".repeat(40_000),
  "many quotes": '"'.repeat(40_000),
  "many equals signs": 'a="="='.repeat(8_000),
  "many interpolations": "${{".repeat(40_000),
  "many openings": "([{".repeat(40_000),
  "many hidden characters": "\u200b\u202e".repeat(40_000),
  "many carriage returns": "#\r".repeat(40_000),
  "many look-alikes": 'owner = "\u0430\u0441"; '.repeat(10_000),
  "many URLs": "https://a.b/".repeat(10_000),
  "base64 without end": "QUJDREVG".repeat(10_000),
  "many hex digits": "0123456789abcdef".repeat(10_000),
  "words of a reviewer": "automated reviewer must ignore all previous ".repeat(8_000),
  "levers of fetchers": "curl -k curlOpts = impureEnvVars = ".repeat(6_000),
  "entries of a lockfile": "a@1:\n  version 1\n  resolved git+x\n".repeat(10_000),
  "tables of TOML": '[[package]]\nname = "a"\nversion = "1"\n'.repeat(8_000),
  "deep JSON": "[".repeat(8_000),
  "deep YAML": "- ".repeat(8_000),
  "aliases of YAML": "a: &a [x]\n".concat("b: [*a,*a,*a,*a]\n".repeat(5_000)),
};

const PATHS = [
  "pkgs/by-name/fr/frob/package.nix",
  "pkgs/build-support/fetchurl/builder.sh",
  "pkgs/by-name/fr/frob/fix.patch",
  "pkgs/by-name/fr/frob/Cargo.lock",
  "pkgs/by-name/fr/frob/package-lock.json",
  "pkgs/by-name/fr/frob/yarn.lock",
  "pkgs/by-name/fr/frob/pnpm-lock.yaml",
  "pkgs/by-name/fr/frob/gemset.nix",
  ".github/workflows/check.yml",
  ".github/dependabot.yml",
  "renovate.json5",
  "ci/OWNERS",
  ".gitattributes",
];

/** A change of one file from `base` to `head`, with nothing of it understood. */
function factsOf(path: string, base: string, head: string): Facts {
  const entry = (oid: string) => ({ path, kind: "file", oid }) as const;
  return {
    files: [
      {
        change: { status: "modified", base: entry("1"), head: entry("2") },
        base,
        head,
        changed: [{ start: 0, end: head.length }],
        parseErrors: [{ start: 0, end: head.length }],
        baseParseErrors: [],
        target: { base: null, head: null },
        binary: { base: null, head: null },
      },
    ],
    sources: [],
    pins: { base: [], head: [] },
    scripts: [],
    steps: { base: [], head: [] },
    settings: [],
    impurities: { base: [], head: [] },
    reuses: [],
    subjects: ["frob: 1.0 -> 1.1"],
    upstream: null,
  };
}

/** Seconds of this process's own computing: what other processes do does not count. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000_000;
}

/** Honest files take milliseconds; an expression that is quadratic on these texts takes minutes. */
const MOST_SECONDS = 3;
const MOST_FINDINGS = 1_000;

describe.each(Object.entries(SHAPES))("%s", (_, text) => {
  it("is judged within its limits by every rule", { timeout: 120_000 }, () => {
    const slow: string[] = [];
    for (const path of PATHS) {
      const facts = factsOf(path, text.slice(0, text.length / 2), text);
      for (const rule of rules) {
        let findings = 0;
        const seconds = secondsOf(() => {
          for (const finding of rule.check(facts)) {
            findings += 1;
            expect(finding.message.length).toBeLessThan(5_000);
          }
        });
        if (seconds > MOST_SECONDS) slow.push(`${rule.id} on ${path}: ${seconds.toFixed(1)} s`);
        expect(findings).toBeLessThan(MOST_FINDINGS);
      }
    }
    expect(slow).toEqual([]);
  });
});
