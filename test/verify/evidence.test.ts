import { expect, test } from "vitest";
import { type Finding, type PinChange, type Review, SCHEMA } from "../../src/report/review.ts";
import { applyEvaluation, applyVerdicts } from "../../src/verify/evidence.ts";
import { joinVerification } from "../../src/verify/join.ts";
import type { FodVerdict } from "../../src/verify/verdict.ts";

const OLD = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const NEW = "sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";
const PATH = "pkgs/by-name/fr/frob/package.nix";
const URL = "https://example.org/frob-2.tar.gz";

const pin = (urls: readonly string[], hash: string, resolved = true) => ({
  path: PATH,
  line: 7,
  version: "2",
  urls,
  rev: null,
  hash,
  resolved,
});
const source = (after = pin([URL], NEW)): PinChange => ({
  path: PATH,
  binding: "src",
  fetcher: "fetchurl",
  attrs: ["frob"],
  change: "changed",
  before: pin(["https://example.org/frob-1.tar.gz"], OLD),
  after,
});
const verdict = (more: Partial<FodVerdict>): FodVerdict => ({
  name: "frob-2.tar.gz",
  drvPath: "/nix/store/x-frob.drv",
  attrs: ["frob.src"],
  declared: NEW,
  got: null,
  outcome: "match",
  reason: "fetched again from example.org",
  introduced: true,
  urls: [],
  seconds: 1,
  change: "changed",
  neededBy: ["frob"],
  place: { path: PATH, line: 8, startColumn: 12, endColumn: 63 },
  locations: [URL],
  before: OLD,
  authenticated: "yes",
  builder: null,
  opaque: false,
  rev: null,
  flags: {},
  interrupted: false,
  forgedReports: 0,
  command: null,
  ...more,
});
const finding = (rule: string, more: Partial<Finding> = {}): Finding => ({
  rule,
  severity: "high",
  confidence: "medium",
  title: "x",
  message: "As the text has it.",
  path: PATH,
  side: "head",
  startLine: 8,
  endLine: 8,
  startColumn: 1,
  endColumn: 2,
  attrs: ["frob"],
  before: OLD,
  after: NEW,
  evidence: ["static"],
  related: [],
  fingerprint: "f",
  help: "h",
  ...more,
});

test.each([
  ["stale-hash-on-bump", "low", "block"],
  ["url-changed-hash-kept", "low", "block"],
  ["dep-hash-stale", "low", "block"],
  ["dep-hash-changed-alone", "medium", "block"],
  ["hash-changed-alone", "high", "block"],
])("a match makes %s %s, a mismatch makes it %s, and both say so", (rule, cleared, raised) => {
  const [matched] = applyVerdicts([finding(rule)], [source()], [verdict({ got: NEW })]);
  expect(matched).toMatchObject({ severity: cleared, evidence: ["static", "evaluated", "refetched"] });
  expect(matched?.message).toMatch(/^As the text has it\.\n\S/);
  const mismatch = verdict({ outcome: "mismatch", got: OLD, reason: "another hash" });
  const [confirmed, own] = applyVerdicts([finding(rule)], [source()], [mismatch]);
  expect(confirmed).toMatchObject({
    severity: raised,
    confidence: "high",
    message: expect.stringContaining("another hash"),
  });
  expect(own).toMatchObject({
    rule: "fod-refetch-mismatch",
    severity: "block",
    before: NEW,
    after: OLD,
    startLine: 8,
  });
});

test.each(["unavailable", "unsupported", "not-checked"] as const)("%s clears nothing", (outcome) => {
  const [kept] = applyVerdicts(
    [finding("stale-hash-on-bump")],
    [source()],
    [verdict({ outcome, reason: "gone" })],
  );
  expect(kept).toMatchObject({ severity: "high", evidence: ["static", "evaluated"] });
  expect(kept?.message).toContain("Not proven by a fetch: gone.");
});

test("findings of other rules, of other pins and of other files stay as they are", () => {
  const others = [
    finding("lookalike-host-or-owner"),
    finding("hash-changed-alone", { path: "elsewhere.nix" }),
    finding("hash-changed-alone", { startLine: 40, endLine: 40, before: null, after: "https://other" }),
  ];
  const two = [source(), source({ ...pin(["https://other"], OLD), line: 40 })];
  expect(applyVerdicts(others, two, [verdict({ got: NEW })])).toEqual(others);
});

test("of several verdicts about one hash the worst counts", () => {
  const verdicts = [verdict({ got: NEW }), verdict({ outcome: "mismatch", got: OLD, attrs: ["other.src"] })];
  expect(applyVerdicts([finding("url-changed-hash-kept")], [source()], verdicts)[0]?.severity).toBe("block");
});

test("a fault of the base is told, low; content that varies is high", () => {
  expect(
    applyVerdicts([], [], [verdict({ outcome: "mismatch", got: OLD, introduced: false })]),
  ).toMatchObject([{ severity: "low", message: expect.stringContaining("The base has the same fault") }]);
  expect(applyVerdicts([], [], [verdict({ outcome: "unstable", got: OLD })])).toMatchObject([
    { severity: "high" },
  ]);
});

test("a hash that came unauthenticated is not offered as the right one", () => {
  const mismatch = { outcome: "mismatch", got: OLD } as const;
  const warned = (authenticated: FodVerdict["authenticated"]) =>
    applyVerdicts([], [], [verdict({ ...mismatch, authenticated })])[0]?.message.includes("not to be pasted");
  expect([warned("yes"), warned("no"), warned("mixed")]).toEqual([false, true, true]);
});

test("the cache attack is told without a fetch, once", () => {
  const kept = verdict({
    outcome: "not-checked",
    change: "fetch-spec-changed-hash-kept",
    reason: "not fetched",
  });
  expect(applyVerdicts([], [], [kept])).toMatchObject([
    { rule: "url-changed-hash-kept", severity: "high", evidence: ["evaluated"] },
  ]);
  const renamed = verdict({ outcome: "unavailable", change: "renamed-hash-kept", reason: "gone" });
  expect(applyVerdicts([], [], [renamed])).toMatchObject([{ rule: "stale-hash-on-bump", severity: "high" }]);
  expect(applyVerdicts([finding("url-changed-hash-kept")], [source()], [kept])).toHaveLength(1);
  expect(applyVerdicts([], [], [{ ...kept, outcome: "match" }])).toEqual([]);
});

test("fingerprints do not depend on lines", () => {
  const of = (line: number) =>
    applyVerdicts(
      [],
      [],
      [verdict({ outcome: "mismatch", got: OLD, place: { path: PATH, line, startColumn: 1, endColumn: 2 } })],
    )[0]?.fingerprint;
  expect(of(8)).toBe(of(80));
});

test("evaluated locations stand in for what the text could not tell, and contradictions are named", () => {
  const unknown = source(pin(["https://example.org/${x}"], NEW, false));
  const [known] = applyEvaluation([unknown], [verdict({})]).sources;
  expect(known?.after).toMatchObject({ urls: [URL], resolved: true });
  const lying = applyEvaluation([source(pin(["https://good.org/x"], NEW))], [verdict({})]);
  expect(lying.sources[0]?.after?.urls).toEqual([URL]);
  expect(lying.disagreements).toMatchObject([
    { what: `${PATH}:7`, reason: expect.stringContaining("https://good.org/x") },
  ]);
  expect(applyEvaluation([source()], [verdict({})])).toEqual({ sources: [source()], disagreements: [] });
});

const review = (more: Partial<Review>): Review => ({
  schema: SCHEMA,
  tool: { name: "verifod", version: "0" },
  base: "b",
  head: "h",
  complete: true,
  findings: [],
  sources: [source()],
  verdicts: [],
  unchecked: [],
  suppressed: [],
  addedSuppressions: [],
  stats: { files: 1, milliseconds: 1 },
  ...more,
});
const verification = (
  verdicts: readonly FodVerdict[],
  unchecked: readonly { what: string; reason: string }[] = [],
) => ({
  verdicts,
  unchecked,
  evaluated: [],
  nix: { version: "2.34.5", verifiesTls: true, sandbox: true },
});

test("a joined review is complete only when every source is proven and nothing is open", () => {
  const complete = (outcome: FodVerdict["outcome"], open: readonly { what: string; reason: string }[] = []) =>
    joinVerification(review({}), verification([verdict({ outcome, got: NEW })], open), () => null).complete;
  expect([complete("match"), complete("mismatch"), complete("unstable")]).toEqual([true, true, true]);
  expect([complete("unavailable"), complete("unsupported"), complete("not-checked")]).toEqual([
    false,
    false,
    false,
  ]);
  expect(complete("match", [{ what: "x", reason: "unmapped" }])).toBe(false);
});

test("what both could not check is told once; the configuration has its word on what verdicts bring", () => {
  const open = { what: "x", reason: "too large" };
  const mismatch = verification([verdict({ outcome: "mismatch", got: OLD })], [open]);
  const joined = joinVerification(review({ unchecked: [open] }), mismatch, () => "medium");
  expect(joined.unchecked).toEqual([open]);
  expect(joined.findings).toMatchObject([{ rule: "fod-refetch-mismatch", severity: "medium" }]);
  expect(joinVerification(review({}), mismatch, () => "off").findings).toEqual([]);
});
