import { describe, expect, it } from "vitest";
import { exitStatus, THRESHOLDS } from "../../src/report/status.ts";
import { finding, reviewOf } from "../support/reviews.ts";

describe("exitStatus", () => {
  it.each([
    // finding, complete, fail-on, format, status
    [null, true, "high", "text", 0],
    [null, false, "high", "text", 3],
    ["low", true, "high", "text", 0],
    ["low", false, "high", "text", 3],
    ["high", true, "high", "text", 1],
    ["block", true, "high", "json", 1],
    ["high", false, "high", "text", 1],
    ["high", true, "block", "text", 0],
    ["low", true, "low", "github", 1],
    ["block", true, "never", "text", 0],
    ["block", false, "never", "text", 3],
    ["block", false, "low", "sarif", 0],
  ] as const)(
    "of a finding %s, complete %s, --fail-on %s, %s: %i",
    (severity, complete, failOn, format, status) => {
      expect(THRESHOLDS).toContain(failOn);
      const findings = severity === null ? [] : [finding({ severity })];
      expect(exitStatus(reviewOf({ findings, complete }), failOn, format)).toBe(status);
    },
  );
});
