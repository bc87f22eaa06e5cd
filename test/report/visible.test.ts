import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible, visibleJson, visibleLines } from "../../src/report/visible.ts";
import { hostileText } from "../support/reviews.ts";

describe("visible", () => {
  it.each([
    ["plain text stays", "plain text stays"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\x1b[31mred", "\\e[31mred"],
    ["safe\u202egnp.exe", "safe\\u{202e}gnp.exe"],
    ["zero\u200bwidth", "zero\\u{200b}width"],
    ["no\u00a0break", "no\\u{00a0}break"],
    ["tag\u{e0041}", "tag\\u{e0041}"],
    ["half\ud800", "half\\u{d800}"],
    ["filler\u3164", "filler\\u{3164}"],
    ["日本 é 🧨", "日本 é 🧨"],
    [`e${"\u0301".repeat(30)}`, `e${"\u0301".repeat(4)}…`],
  ])("%j becomes %j", (text, expected) => {
    expect(visible(text)).toBe(expected);
  });

  it("cuts the middle out of what is long", () => {
    const hash = `sha256-${"A".repeat(500)}END`;
    const short = visible(hash, 40);
    expect(short).toHaveLength(40);
    expect(short).toMatch(/^sha256-A+…A+END$/);
  });

  it("leaves nothing that hides, reorders or breaks the line", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(visible(text)).not.toMatch(
          /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u,
        );
      }),
    );
  });

  it("takes little time for a value of megabytes", () => {
    const started = performance.now();
    visible("\u202e".repeat(5_000_000));
    visibleLines("\n".repeat(5_000_000), 20);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

it("a text of many lines is cut, and says so", () => {
  expect(visibleLines("a\r\nb", 2)).toEqual(["a", "b"]);
  expect(visibleLines("a\nb\u202e\nc\nd", 2)).toEqual(["a", "b\\u{202e}", "…"]);
});

it("a JSON text made visible is the same JSON", () => {
  expect(visibleJson('{\n  "a": "\u202e\u009b\u{e0041}"\n}')).toBe(
    '{\n  "a": "\\u202e\\u009b\\udb40\\udc41"\n}',
  );
  fc.assert(
    fc.property(hostileText, (text) => {
      const json = visibleJson(JSON.stringify({ [text]: text }, null, 2));
      expect(JSON.parse(json)).toEqual({ [text]: text });
      expect(json.replaceAll("\n", "")).not.toMatch(
        /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u,
      );
    }),
  );
});
