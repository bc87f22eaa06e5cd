import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import fc from "fast-check";
import type { Log } from "sarif";
import { describe, expect, it } from "vitest";
import { formatSarif } from "../../src/report/sarif.ts";
import { rules } from "../../src/rules/index.ts";
import { finding, hostileReview, reviewOf } from "../support/reviews.ts";

/** The published schema, which is of draft 4: `id` is today's `$id`. */
function schemaValidator(): ValidateFunction {
  const folder = createRequire(import.meta.url)
    .resolve("@microsoft/jest-sarif/package.json")
    .replace("package.json", "");
  const { $schema, id, ...schema } = JSON.parse(
    readFileSync(`${folder}lib/schemas/sarif-2.1.0-rtm.5.json`, "utf8"),
  );
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  formats.default(ajv);
  return ajv.compile(schema);
}
const validate = schemaValidator();

function runOf(text: string) {
  const log: Log = JSON.parse(text);
  expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
  const [run] = log.runs;
  if (run === undefined) throw new Error("no run");
  return run;
}

describe("formatSarif", () => {
  it("has a result with place and fingerprint, and its rule", () => {
    const run = runOf(formatSarif(reviewOf({ findings: [finding()] }), rules));
    expect(run.results).toEqual([
      expect.objectContaining({
        ruleId: "hash-changed-alone",
        ruleIndex: 0,
        level: "error",
        partialFingerprints: { "verifod/v1": "5f".repeat(32) },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "pkgs/by-name/fr/frob/package.nix", uriBaseId: "SRCROOT" },
              region: { startLine: 14, endLine: 14, startColumn: 12, endColumn: 66 },
            },
          },
        ],
      }),
    ]);
    expect(run.tool.driver.rules?.[0]).toMatchObject({
      id: "hash-changed-alone",
      helpUri: expect.stringMatching(/\/docs\/rules\/hash-changed-alone\.md$/),
    });
  });

  it("is valid without findings, and tells what was not checked", () => {
    const unchecked = [{ what: "big.nix", reason: "too large" }];
    const run = runOf(formatSarif(reviewOf({ complete: false, unchecked }), rules));
    expect(run.results).toEqual([]);
    expect(run.invocations?.[0]?.toolExecutionNotifications?.[0]?.message.text).toBe(
      "Not checked: big.nix: too large",
    );
  });

  it("makes no link of a value", () => {
    const text = formatSarif(
      reviewOf({ findings: [finding({ title: "[x](https://evil.example)" })] }),
      rules,
    );
    expect(runOf(text).results?.[0]?.message.text).toMatch(/^\\\[x\\\]\(/);
  });

  it("is valid, whatever the change holds", () => {
    fc.assert(
      fc.property(hostileReview, (review) => {
        const { results = [] } = runOf(formatSarif(review, rules));
        expect(results).toHaveLength(review.findings.length);
      }),
    );
  });
});
