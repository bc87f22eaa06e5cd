import fc from "fast-check";
import { type DefaultTreeAdapterMap, parse } from "parse5";
import { describe, expect, test } from "vitest";
import type { Comparison } from "../../src/asset/compare.ts";
import { formatRelease, releaseStatus } from "../../src/report/release.ts";
import type { ReleaseReport } from "../../src/report/release-words.ts";
import { visible } from "../../src/report/visible.ts";

type Node = DefaultTreeAdapterMap["node"];
type Element = DefaultTreeAdapterMap["element"];

/** A report in which each value of others is `evil`. */
function reportOf(evil: string): ReleaseReport {
  const comparison: Comparison = {
    entries: [
      {
        path: evil,
        danger: "build-added",
        change: "added",
        why: evil,
        traits: [evil],
        size: 3,
        difference: {
          kind: "text",
          lines: 2,
          cut: false,
          hunks: [{ oldStart: 0, newStart: 1, lines: [`+${evil}`, `-${evil}`] }],
        },
      },
      {
        path: `${evil}.bin`,
        danger: "binary",
        change: "changed",
        why: evil,
        traits: [],
        size: 9,
        difference: { kind: "not-shown", reason: evil, lines: null },
      },
    ],
    folded: [{ fold: "generated", by: evil, paths: [evil] }],
    identical: 1,
    unchecked: [{ what: evil, reason: evil }],
  };
  return {
    release: { asset: evil, repository: evil, tag: evil },
    result: { kind: "compared", commit: "a".repeat(40), comparison },
  };
}

function elements(node: Node): Element[] {
  const children = "childNodes" in node ? node.childNodes.flatMap(elements) : [];
  return "tagName" in node ? [node, ...children] : children;
}

function textOf(node: Node): string {
  if ("value" in node) return node.value;
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

/** Elements with their attributes, in order: what a browser makes of the page, without its texts. */
function skeleton(html: string): string[] {
  return elements(parse(html)).map(
    ({ tagName, attrs }) => `${tagName} ${attrs.map(({ name, value }) => `${name}=${value}`).join(" ")}`,
  );
}

const ATTACKS = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</style><script>alert(1)</script>",
  "</title></head><body onload=alert(1)>",
  "</pre></details><iframe src=https://evil.example></iframe>",
  "<!-- --><svg/onload=alert(1)>",
  "&lt;script&gt;&#60;script&#62;",
  "javascript:alert(1)",
  "' onmouseover='alert(1)",
  "`${alert(1)}`",
  "<meta http-equiv=refresh content=0;url=https://evil.example>",
  "\u202e<b>\u2066\u0000",
];

describe("the page", () => {
  const plain = skeleton(formatRelease(reportOf("plain"), "html"));

  test.each(ATTACKS)("%j stays text", (evil) => {
    const html = formatRelease(reportOf(evil), "html");
    expect(skeleton(html)).toEqual(plain);
    const codes = elements(parse(html)).filter(({ tagName }) => tagName === "code");
    expect(codes.map(textOf)).toContain(visible(evil, 500));
  });

  test("any text stays text", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .array(fc.constantFrom(...ATTACKS, "<", ">", '"', "'", "&", "a", " ", "/", "=", "`"))
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(texts, (evil) => {
        expect(skeleton(formatRelease(reportOf(evil), "html"))).toEqual(plain);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test("has no script, link, image or event, and a policy that allows none", () => {
    const page = elements(parse(formatRelease(reportOf(ATTACKS.join("")), "html")));
    const names = new Set(page.map(({ tagName }) => tagName));
    for (const live of ["script", "a", "img", "iframe", "object", "embed", "svg", "form", "link", "base"]) {
      expect(names.has(live), live).toBe(false);
    }
    expect(
      page.flatMap(({ attrs }) => attrs).filter(({ name }) => /^on|^style$|^src$|^href$/.test(name)),
    ).toEqual([]);
    const policy = page.find(({ attrs }) => attrs.some(({ value }) => value === "Content-Security-Policy"));
    const content = policy?.attrs.find(({ name }) => name === "content")?.value;
    expect(content).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='$/);
  });

  test("the policy's hash is that of the style", async () => {
    const { createHash } = await import("node:crypto");
    const page = elements(parse(formatRelease(reportOf("x"), "html")));
    const style = page.find(({ tagName }) => tagName === "style");
    const hash = createHash("sha256")
      .update(style ? textOf(style) : "")
      .digest("base64");
    expect(formatRelease(reportOf("x"), "html")).toContain(`style-src 'sha256-${hash}'`);
  });
});

describe("the other forms", () => {
  const evil = reportOf("a\n::error::x\n##[command]\n@evil #1 <!-- x");

  test("text holds no command of a runner", () => {
    expect(formatRelease(evil, "text")).not.toMatch(/^ *::|##\[/m);
  });

  test("Markdown holds nothing live outside of code", () => {
    const report = formatRelease(evil, "markdown");
    expect(report).not.toContain("<!--");
    expect(report.replace(/^```[\s\S]*?^```$/gm, "").replace(/(`+)[^`][\s\S]*?\1/g, "")).not.toMatch(
      /[@#]\w|::/,
    );
  });

  test("JSON says what was compared, and what came of it", () => {
    expect(JSON.parse(formatRelease(reportOf("x"), "json"))).toMatchObject({
      schema: "verifod-compare-v1",
      asset: "x",
      commit: "a".repeat(40),
      reason: null,
      suspicious: 2,
      entries: [{ path: "x", danger: "build-added" }, { path: "x.bin" }],
    });
  });

  test("what could not be compared is said", () => {
    const report: ReleaseReport = {
      release: { asset: "a", repository: "b", tag: "c" },
      result: { kind: "failed", reason: "it is packed twice" },
    };
    expect(formatRelease(report, "text")).toContain("could not compare: it is packed twice");
    expect(formatRelease(report, "html")).toContain("could not compare: it is packed twice");
    expect(JSON.parse(formatRelease(report, "json"))).toMatchObject({
      reason: "it is packed twice",
      suspicious: null,
    });
  });
});

test("the exit status", () => {
  const { result } = reportOf("x");
  if (result.kind === "failed") throw new Error();
  const { comparison } = result;
  const status = (changes: Partial<Comparison>) =>
    releaseStatus({ ...result, comparison: { ...comparison, ...changes } });
  expect(status({})).toBe(1);
  expect(status({ entries: [] })).toBe(3);
  expect(status({ entries: [], unchecked: [] })).toBe(0);
  expect(
    status({ entries: comparison.entries.map((entry) => ({ ...entry, danger: "other" })), unchecked: [] }),
  ).toBe(0);
  expect(releaseStatus({ kind: "failed", reason: "x" })).toBe(3);
});
