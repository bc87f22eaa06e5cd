import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readReport, withReport } from "../../src/action/report-file.ts";
import { conclusionOf } from "../../src/github/check-output.ts";
import { formatJson } from "../../src/report/json.ts";
import type { Verdict } from "../../src/report/review.ts";
import { finding, pin, reviewOf } from "../support/reviews.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verifod-report-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const path = "pkgs/by-name/fr/frob/package.nix";
const head = "b".repeat(40);
const verdict = (values: Partial<Verdict> = {}): Verdict => ({
  name: "source",
  drvPath: `/nix/store/${"a".repeat(32)}-source.drv`,
  attrs: ["frob"],
  declared: "sha256-B",
  got: null,
  outcome: "match",
  reason: "the fetch gave the declared content",
  introduced: true,
  urls: [],
  seconds: 1,
  ...values,
});

function write(content: string | Uint8Array): string {
  const file = join(folder, "report.json");
  writeFileSync(file, content);
  return file;
}

const honest = () => formatJson(reviewOf({ verdicts: [verdict()] }));

test("an honest report gives its verdicts, and nothing else of it", async () => {
  expect(await readReport(write(honest()), head)).toEqual({ kind: "verdicts", verdicts: [verdict()] });
});

test.each<[string, () => string | Uint8Array]>([
  ["empty", () => ""],
  ["not JSON", () => "{"],
  ["NaN", () => honest().replace(/"seconds": ?1\b/, '"seconds": NaN')],
  ["a byte order mark", () => `\ufeff${honest()}`],
  ["an unknown key", () => honest().replace('"schema"', '"comment": "x", "schema"')],
  ["__proto__", () => honest().replace('"schema"', '"__proto__": { "complete": true }, "schema"')],
  ["an unknown outcome", () => honest().replace('"match"', '"fine"')],
  ["another head", () => honest().replaceAll(head, "c".repeat(40))],
  ["nested without end", () => "[".repeat(4_000_000)],
  ["too large", () => honest() + " ".repeat(10_000_000)],
  [
    "too many verdicts",
    () => formatJson(reviewOf({ verdicts: Array.from({ length: 2_001 }, () => verdict()) })),
  ],
])("a report that is %s gives none", async (_what, content) => {
  expect(await readReport(write(content()), head)).toMatchObject({ kind: "none" });
});

test("a report that is missing, a link or a folder gives none", async () => {
  const link = join(folder, "link.json");
  writeFileSync(join(folder, "target.json"), honest());
  symlinkSync(join(folder, "target.json"), link);
  for (const file of [link, folder, join(folder, "none.json")]) {
    expect(await readReport(file, head)).toMatchObject({
      kind: "none",
      reason: expect.stringContaining("cannot be read"),
    });
  }
});

test("a report that is a device is not read without end", { timeout: 5_000 }, async () => {
  const reason = expect.stringContaining("it is not a file");
  for (const file of ["/dev/zero", folder])
    expect(await readReport(file, head)).toEqual({ kind: "none", reason });
});

const changed = () => reviewOf({ sources: [pin(path)] });

test("a verdict for each changed pin completes the review; a forged match clears no finding", () => {
  const review = withReport(changed(), { kind: "verdicts", verdicts: [verdict()] });
  expect(conclusionOf(review, "high")).toBe("success");
  const bad = { ...changed(), findings: [finding()] };
  const forged = withReport(bad, { kind: "verdicts", verdicts: [verdict()] });
  expect(forged.findings).toEqual(bad.findings);
  expect(conclusionOf(forged, "high")).toBe("failure");
});

test("no report, an empty one and an unproven pin are not green", () => {
  const none = withReport(changed(), { kind: "none", reason: "the report cannot be read" });
  const empty = withReport(changed(), { kind: "verdicts", verdicts: [] });
  const unavailable = withReport(changed(), {
    kind: "verdicts",
    verdicts: [verdict({ outcome: "unavailable", reason: "404" })],
  });
  for (const review of [none, empty, unavailable])
    expect(conclusionOf(review, "high")).toBe("action_required");
  expect(empty.unchecked).toEqual([
    { what: `${path}:12`, reason: "no verdict about this source pin was reported" },
  ]);
});

test("a mismatch is a finding on its pin; an old one is none", () => {
  const verdicts = [
    verdict({ outcome: "mismatch", got: "sha256-C" }),
    verdict({ outcome: "mismatch", introduced: false, declared: "sha256-Z" }),
  ];
  const review = withReport(changed(), { kind: "verdicts", verdicts });
  expect(review.findings).toMatchObject([
    {
      rule: "fod-refetch-mismatch",
      severity: "block",
      path,
      startLine: 12,
      before: "sha256-B",
      after: "sha256-C",
    },
  ]);
  expect(conclusionOf(review, "high")).toBe("failure");
});
