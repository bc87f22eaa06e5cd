/** Reviews for tests of reports: a plain one, and any that an attacker could bring about. */
import fc from "fast-check";
import { helpAddress } from "../../src/report/help.ts";
import {
  type Finding,
  type PinChange,
  type PinUpstream,
  type Review,
  SCHEMA,
  SEVERITIES,
} from "../../src/report/review.ts";

export function finding(values: Partial<Finding> = {}): Finding {
  return {
    rule: "hash-changed-alone",
    severity: "high",
    confidence: "high",
    title: "The hash changed, the version and the location did not",
    message: "The pin of frob 1.2 names other bytes than before.\nAsk upstream why v1.2 changed.",
    path: "pkgs/by-name/fr/frob/package.nix",
    side: "head",
    startLine: 14,
    endLine: 14,
    startColumn: 12,
    endColumn: 66,
    attrs: ["frob"],
    before: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    after: "sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=",
    evidence: ["static"],
    related: [{ path: "pkgs/by-name/fr/frob/package.nix", line: 3, note: "the version stayed 1.2" }],
    fingerprint: "5f".repeat(32),
    help: helpAddress(values.rule ?? "hash-changed-alone"),
    ...values,
  };
}

export function pin(path: string, binding = "src"): PinChange {
  const side = { path, line: 12, version: "1.2", urls: ["https://example.org/frob-1.2.tar.gz"], rev: null };
  return {
    path,
    binding,
    fetcher: "fetchurl",
    attrs: ["frob"],
    change: "changed",
    before: { ...side, hash: "sha256-A", resolved: true },
    after: { ...side, version: "1.3", hash: "sha256-B", resolved: true },
  };
}

export function reviewOf(values: Partial<Review> = {}): Review {
  return {
    schema: SCHEMA,
    tool: { name: "verifod", version: "1.2.3" },
    base: "a".repeat(40),
    head: "b".repeat(40),
    complete: true,
    findings: [],
    sources: [],
    verdicts: [],
    unchecked: [],
    suppressed: [],
    addedSuppressions: [],
    stats: { files: 1, milliseconds: 7 },
    ...values,
  };
}

/** Pieces that mean something to terminals, runners, Markdown, GitHub or SARIF. */
export const PIECES: readonly string[] = [
  ..."\n|\r|\r\n|\t| |::|##[|%|:|,|`|```|~~~|~|\\|\\`|<|>|&|&lt;|&#64;|@|#|*|_|-|=|+|[|]|(|)|!|$|\x1b[31m|\x00|\x85|\u202e|\u200b|\u2028|\u00ad|\ufeff|\ud800|\u{e0041}|e\u0301\u0301\u0301\u0301\u0301\u0301|\u3164".split(
    "|",
  ),
  "|",
  "\n::error file=a::b",
  "::set-output name=a::b",
  "##[group]",
  "@NixOS/security",
  "@root",
  "#123",
  "GH-12",
  "NixOS/nixpkgs#4",
  "NixOS/nixpkgs@0123456789abcdef0123456789abcdef01234567",
  "0123456789abcdef0123456789abcdef01234567",
  "https://evil.example/?a=b&c",
  "www.evil.example",
  "mailto:a@b.example",
  "a@b.example",
  "<script>",
  "<img src=x>",
  "<!--",
  "-->",
  "<!-- verifod:v1 e30= -->",
  "![x](https://evil.example)",
  "[x](https://evil.example)",
  "[x]: https://evil.example",
  "<https://evil.example>",
  "- [ ] x",
  "1. x",
  "# x",
  "> x",
  "| a | b |\n|---|---|",
  "---",
  "***",
  "$$x$$",
  ":tada:",
  "```suggestion\nx\n```",
  "</details>",
  "plain",
  "é",
  "日本",
  "🧨",
];

export const hostileText: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: "binary" })), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(""));

const line = fc.integer({ min: 1, max: 500 });

const hostileFinding: fc.Arbitrary<Finding> = fc
  .record({
    severity: fc.constantFrom(...SEVERITIES),
    title: hostileText,
    message: hostileText,
    path: hostileText.filter((path) => path !== ""),
    side: fc.constantFrom("base" as const, "head" as const),
    startLine: line,
    before: fc.option(hostileText),
    after: fc.option(hostileText),
    attrs: fc.array(hostileText, { maxLength: 2 }),
    related: fc.array(fc.record({ path: hostileText, line, note: hostileText }), { maxLength: 2 }),
  })
  .map((values) => finding({ ...values, endLine: values.startLine }));

const shortText = hostileText.map((text) => text.slice(0, 100));
const hostileUpstream: fc.Arbitrary<PinUpstream> = fc.record({
  project: fc.option(shortText),
  commit: fc.option(shortText),
  published: fc.option(shortText),
  publisher: fc.option(shortText),
  compare: fc.option(shortText),
  unknown: fc.array(shortText, { maxLength: 4 }),
});

const hostilePin: fc.Arbitrary<PinChange> = fc
  .record({
    path: hostileText,
    binding: hostileText,
    version: fc.option(hostileText),
    url: hostileText,
    upstream: fc.option(hostileUpstream),
  })
  .map(({ path, binding, version, url, upstream }) => {
    const change = pin(path, binding);
    if (change.change !== "changed") throw new Error("a changed pin has two sides");
    const hostile = { ...change, after: { ...change.after, version, urls: [url], rev: version } };
    return upstream === null ? hostile : { ...hostile, upstream };
  });

/** A review in which everything that comes from a change is hostile. */
export const hostileReview: fc.Arbitrary<Review> = fc
  .record({
    complete: fc.boolean(),
    findings: fc.array(hostileFinding, { maxLength: 4 }),
    sources: fc.array(hostilePin, { maxLength: 3 }),
    unchecked: fc.array(fc.record({ what: hostileText, reason: hostileText }), { maxLength: 2 }),
    verdicts: fc.array(
      fc.record({ name: hostileText, reason: hostileText, got: fc.option(hostileText) }).map((values) => ({
        ...values,
        drvPath: "/nix/store/x.drv",
        attrs: [],
        declared: "sha256-A",
        outcome: "mismatch" as const,
        introduced: true,
        urls: [],
        seconds: 1,
      })),
      { maxLength: 2 },
    ),
    suppressed: fc.array(
      fc.record({ path: hostileText, reason: hostileText }).map((values) => ({
        ...values,
        rule: "hash-changed-alone",
        line: 3,
        fingerprint: "ab".repeat(32),
      })),
      { maxLength: 2 },
    ),
    addedSuppressions: fc.array(
      fc.record({
        path: hostileText,
        line,
        rules: fc.array(hostileText, { maxLength: 2 }),
        reason: hostileText,
      }),
      { maxLength: 2 },
    ),
  })
  .map(reviewOf);
