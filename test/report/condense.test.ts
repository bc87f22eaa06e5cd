import { describe, expect, it } from "vitest";
import { condense } from "../../src/report/condense.ts";
import type { Finding } from "../../src/report/review.ts";

function finding(line: number, over: Partial<Finding> = {}): Finding {
  return {
    rule: "hash-changed-alone",
    severity: "high",
    confidence: "high",
    title: `pin ${line}: the hash changed alone`,
    message: "Why.",
    path: "deps.nix",
    side: "head",
    startLine: line,
    endLine: line,
    startColumn: 1,
    endColumn: 2,
    attrs: [],
    before: null,
    after: null,
    evidence: ["static"],
    related: [],
    fingerprint: `print-${line}`,
    help: "",
    ...over,
  };
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => finding(index + 1));

describe("condense", () => {
  it("leaves a few as they are", () => {
    expect(condense(lines(2))).toEqual(lines(2));
  });

  it("makes one of many, which names and links some of the others", () => {
    const [one, ...rest] = condense(lines(40));
    expect(rest).toEqual([]);
    expect(one?.title).toBe("pin 1: the hash changed alone, and 39 more in this file");
    expect(one?.startLine).toBe(1);
    expect(one?.related.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
  });

  it("keeps rules, files, sides, kinds and weights apart, in their order", () => {
    const odd = [
      finding(2, { severity: "low" }),
      finding(3, { rule: "stale-hash-on-bump" }),
      finding(4, { path: "other.nix" }),
      finding(5, { side: "base" }),
      finding(6, { title: "pin 6: the hash is gone" }),
    ];
    const many = lines(4);
    expect(condense([...many.slice(0, 1), ...odd, ...many.slice(1)]).slice(1)).toEqual(odd);
  });

  it("has another fingerprint when any of them is another", () => {
    const [before] = condense(lines(5));
    const [after] = condense([...lines(4), finding(9)]);
    expect(before?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(after?.fingerprint).not.toBe(before?.fingerprint);
  });
});
