import fc from "fast-check";
import { marked } from "marked";
import { expect, test } from "vitest";
import { checkOutput, conclusionOf } from "../../src/github/check-output.ts";
import { commentBody, parseMarker, solvedBody } from "../../src/github/comment-text.ts";
import { pinTable } from "../../src/github/pin-table.ts";
import { formatMark, parseMark } from "../../src/github/published.ts";
import { compareLink } from "../../src/report/compare-link.ts";
import { helpAddress } from "../../src/report/help.ts";
import { type Pin, type PinChange, SEVERITIES } from "../../src/report/review.ts";
import { isAtLeast, THRESHOLDS } from "../../src/report/status.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { finding, hostileReview, hostileText, pin, reviewOf } from "../support/reviews.ts";

test("a conclusion is green only for a complete review without findings", () => {
  for (const failOn of THRESHOLDS) {
    for (const severity of [...SEVERITIES, null]) {
      for (const complete of [true, false]) {
        const review = reviewOf({ complete, findings: severity === null ? [] : [finding({ severity })] });
        const failing = severity !== null && isAtLeast(severity, failOn);
        const expected = failing
          ? "failure"
          : !complete
            ? "action_required"
            : severity === null
              ? "success"
              : "neutral";
        expect(conclusionOf(review, failOn)).toBe(expected);
      }
    }
  }
});

const live = /@|#\d|:\/\/|www\.|gh-\d|<|\$/i;
const forge = /^https:\/\/(github\.com|gitlab\.com|codeberg\.org)\/[\w./-]+$/;

test("any review renders dead and within all limits", () => {
  fc.assert(
    fc.property(hostileReview, (review) => {
      const { summary, text, title, annotations } = checkOutput(review, "high");
      for (const markdown of [summary, text ?? ""]) {
        expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(65_535);
        const tokens = allTokens(marked.lexer(markdown));
        for (const token of tokens) {
          expect(["html", "image", "code", "blockquote", "hr", "def"]).not.toContain(token.type);
          if (token.type === "link" && token.href !== helpAddress("hash-changed-alone"))
            expect(token.href).toMatch(forge);
        }
        expect(liveText(tokens)).not.toMatch(live);
        expect(markdown).not.toContain("<!--");
      }
      const table = marked.lexer(text ?? "").find((token) => token.type === "table");
      if (text !== null)
        expect(table?.type === "table" && table.rows.every((row: unknown[]) => row.length === 5)).toBe(true);
      expect(title.length).toBeLessThanOrEqual(255);
      for (const each of annotations) {
        expect(each.title.length).toBeLessThanOrEqual(255);
        expect(Buffer.byteLength(each.message)).toBeLessThanOrEqual(65_536);
        expect(each.end_line).toBeGreaterThanOrEqual(each.start_line);
        if (each.start_line !== each.end_line) expect(each.start_column).toBeUndefined();
      }
    }),
  );
});

test("any number of long findings and pins keeps to the limits", () => {
  const long = "é".repeat(3_000);
  for (const count of [0, 1, 49, 50, 51, 1_200]) {
    const findings = Array.from({ length: count }, (_, i) => finding({ message: long, path: `${long}${i}` }));
    const sources = Array.from({ length: count }, (_, i) => pin(`${long}${i}`));
    const output = checkOutput(reviewOf({ findings, sources }), "high");
    expect(Buffer.byteLength(output.summary)).toBeLessThanOrEqual(65_535);
    expect(Buffer.byteLength(output.text ?? "")).toBeLessThanOrEqual(65_535);
    expect(output.annotations.length).toBe(Math.min(count, 1_000));
  }
});

test("a comment is dead too, bounded, known again by its marker, and struck through", () => {
  fc.assert(
    fc.property(
      hostileText,
      hostileText,
      hostileText,
      fc.option(hostileText),
      (title, message, path, after) => {
        const body = commentBody(finding({ title, message, path, after }));
        const solved = solvedBody(body, finding().fingerprint, "c".repeat(40));
        expect(parseMarker(body)).toEqual({ fingerprint: finding().fingerprint, solved: false });
        expect(parseMarker(solved)).toEqual({ fingerprint: finding().fingerprint, solved: true });
        for (const text of [body, solved]) {
          expect(text.length).toBeLessThan(65_536);
          const rest = text.slice(text.indexOf("\n") + 1);
          const tokens = allTokens(marked.lexer(rest));
          for (const token of tokens) {
            expect(["html", "image", "code", "blockquote", "hr", "def", "table"]).not.toContain(token.type);
            if (token.type === "link") expect(token.href).toBe(helpAddress("hash-changed-alone"));
          }
          expect(liveText(tokens)).not.toMatch(live);
          expect(rest).not.toContain("<!--");
        }
      },
    ),
  );
});

const side = (url: string, rev: string | null = null): Pin => ({
  path: "a.nix",
  line: 1,
  version: "1",
  urls: [url],
  rev,
  hash: null,
  resolved: true,
});
const change = (before: Pin, after: Pin): PinChange => ({
  ...pin("a.nix"),
  change: "changed",
  before,
  after,
});

test.each([
  [
    "https://github.com/a/b/archive/v1.tar.gz",
    "https://github.com/a/b/archive/refs/tags/v2.tar.gz",
    "https://github.com/a/b/compare/v1...v2",
  ],
  [
    "https://gitlab.com/g/s/p/-/archive/v1/p-v1.tar.gz",
    "https://gitlab.com/g/s/p/-/archive/v2/p-v2.tar.gz",
    "https://gitlab.com/g/s/p/-/compare/v1...v2",
  ],
  [
    "https://codeberg.org/a/b/archive/1.tar.gz",
    "https://codeberg.org/a/b/archive/2.tar.gz",
    "https://codeberg.org/a/b/compare/1...2",
  ],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://github.com/evil/b/archive/v2.tar.gz", null],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://github.com.evil.example/a/b/archive/v2.tar.gz", null],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://x@github.com/a/b/archive/v2.tar.gz", null],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://github.com:8443/a/b/archive/v2.tar.gz", null],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://github.com/a/b/archive/v2)%20[x](y.tar.gz", null],
  ["https://github.com/a/b/archive/v1.tar.gz", "https://github.com/a/b/archive/../../c/d/x.tar.gz", null],
  ["https://example.org/b-1.tar.gz", "https://example.org/b-2.tar.gz", null],
])("%s → %s", (from, to, link) => {
  expect(compareLink(change(side(from), side(to)))).toBe(link);
});

test("a clone is compared by its revisions", () => {
  const [from, to] = ["1".repeat(40), "2".repeat(40)];
  const clone = "https://github.com/a/b.git";
  expect(compareLink(change(side(clone, from), side(clone, to)))).toBe(
    `https://github.com/a/b/compare/${from}...${to}`,
  );
  expect(pinTable(reviewOf(), 1_000)).toBeNull();
});

test("what upstream says stands beside the versions, and cannot come to life", () => {
  const said = {
    project: null,
    commit: "4".repeat(40),
    published: "2026-03-01T10:00:00Z",
    publisher: "ada",
    compare: null,
    unknown: [] as string[],
  };
  const tableOf = (upstream: typeof said) => {
    const sources = [{ ...pin("p/a.nix"), upstream }];
    return pinTable(reviewOf({ sources, provenance: { requests: 1, unanswered: [] } }), 5_000) ?? "";
  };
  expect(tableOf(said)).toContain("| `444444444444`, published `2026-03-01` by `ada` |");
  for (const text of ["@acme/team", "| x |", "[a](https://evil.example)", "<img src=x>"]) {
    const table = tableOf({ ...said, commit: text, published: text, publisher: text, unknown: [text] });
    expect(table.match(/(?<!\\)\|/g)).toHaveLength(21);
    expect(liveText(allTokens(marked.lexer(table))), text).not.toMatch(/@acme|evil\.example|<img/);
    expect(table.trimEnd().split("\n")).toHaveLength(5);
  }
});

test("what upstream was not asked, or did not answer, is said and is never green", () => {
  const unanswered = [{ what: "p/a.nix", reason: "the tag or branch: the rate limit of GitHub is reached" }];
  const said = { project: null, commit: null, published: null, publisher: null, compare: null };
  const failed = {
    ...pin("p/a.nix"),
    upstream: { ...said, unknown: unanswered.map(({ reason }) => reason) },
  };
  const review = reviewOf({
    sources: [failed, pin("p/b.nix")],
    provenance: { requests: 1, unanswered },
  });
  const output = checkOutput(review, "high");
  expect(output).toMatchObject({
    conclusion: "neutral",
    title: "No findings; 2 source pins changed; 1 question to upstream not answered",
  });
  const rows = output.text?.split("\n").slice(4);
  expect(rows?.[0]).toMatch(/\| could not ask the tag or branch: the rate limit of GitHub is reached \|$/);
  expect(rows?.[1]).toMatch(/\| not asked \|$/);
  expect(checkOutput(reviewOf({ sources: [pin("p/b.nix")] }), "high").text).not.toContain("Upstream");
});

test("only a mark that we could have written counts", () => {
  const mark = `verifod/1 pull=7 base=${"a".repeat(40)} run=12 result=none`;
  const parsed = { pull: 7, base: "a".repeat(40), run: 12, result: null, acknowledged: 0 };
  expect(parseMark(mark)).toEqual(parsed);
  expect(parseMark(`${mark} acknowledged=3`)).toEqual({ ...parsed, acknowledged: 3 });
  for (const each of [parsed, { ...parsed, result: "0".repeat(16), acknowledged: 12 }])
    expect(parseMark(formatMark(each))).toEqual(each);
  for (const text of [
    "",
    "x",
    `${mark} `,
    mark.replace("=7", "=-7"),
    mark.replace("none", "zz"),
    `${mark} acknowledged=x`,
  ])
    expect(parseMark(text)).toBeNull();
});
