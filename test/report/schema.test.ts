import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reviewSchema } from "../../src/report/schema.ts";
import { finding, hostileReview, pin, reviewOf } from "../support/reviews.ts";

describe("the schema of a review", () => {
  it("takes what a review can hold, and gives it back as it was", () => {
    fc.assert(
      fc.property(hostileReview, (review) => {
        expect(reviewSchema.parse(JSON.parse(JSON.stringify(review)))).toEqual(
          JSON.parse(JSON.stringify(review)),
        );
      }),
    );
  });

  it.each([
    ["another version", { schema: "verifod-review-v2" }],
    ["a member that is not known", { extra: 1 }],
    ["a commit that is none", { head: "main" }],
    ["a severity that is none", { findings: [{ ...finding(), severity: "fatal" }] }],
    ["a line before the first", { findings: [finding({ startLine: 0 })] }],
    ["a rule that could be Markdown", { findings: [finding({ rule: "[x](y)" })] }],
    ["an added pin with two sides", { sources: [{ ...pin("a.nix"), change: "added" }] }],
    ["text without end", { findings: [finding({ message: "x".repeat(100_000) })] }],
  ])("refuses %s", (_, values) => {
    expect(reviewSchema.safeParse({ ...reviewOf(), ...values }).success).toBe(false);
  });
});
