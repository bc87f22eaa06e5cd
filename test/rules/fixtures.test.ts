import { beforeAll, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { fixtures } from "../support/fixtures.ts";
import { reviewPairs } from "../support/review-pairs.ts";

const cases = fixtures();
let reviews: Review[] = [];

beforeAll(async () => {
  reviews = await reviewPairs(cases.map(({ trees }) => trees));
}, 120_000);

describe("every fixture has the findings that it expects, of all rules", () => {
  it.each(cases.map((fixture, index) => ({ ...fixture, index })))(
    "$rule/$name",
    async ({ directory, index }) => {
      const findings = (reviews[index]?.findings ?? []).map(
        ({ rule, severity, confidence, path, side, startLine, title }) => ({
          rule,
          severity,
          confidence,
          path,
          side,
          startLine,
          title,
        }),
      );
      await expect(`${JSON.stringify(findings, null, 2)}\n`).toMatchFileSnapshot(
        `${directory}/expected.json`,
      );
    },
  );
});
