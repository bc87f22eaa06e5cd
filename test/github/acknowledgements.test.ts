import fc from "fast-check";
import { marked } from "marked";
import { expect, test } from "vitest";
import {
  type Acknowledged,
  type Acknowledgement,
  acknowledgedIn,
  contentOf,
  NOTHING,
  parseState,
} from "../../src/github/acknowledgements.ts";
import { checkOutput, conclusionOf } from "../../src/github/check-output.ts";
import { helpAddress } from "../../src/report/help.ts";
import type { Finding, Review } from "../../src/report/review.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { finding, hostileReview, hostileText, reviewOf } from "../support/reviews.ts";

const pull = { repository: { owner: "NixOS", name: "nixpkgs" }, number: 7, head: "b".repeat(40) };
const at = (n: number, values: Partial<Finding> = {}): Finding =>
  finding({ fingerprint: n.toString(16).padStart(64, "0"), ...values });
const by = (id: number, about: Finding, reason = "upstream re-tagged"): Acknowledgement => ({
  finding: about.fingerprint,
  content: contentOf(about),
  by: { id, login: `person-${id}` },
  reason,
  from: `IC_${id}`,
});

function stand(review: Review, given: readonly Acknowledgement[], needed = 1): Acknowledged {
  const stands = acknowledgedIn(review, pull, given, () => needed);
  if (stands === null) throw new Error("does not fit");
  return stands;
}

const one = at(1);
const two = at(2);
const low = at(3, { severity: "low" });
const some = (values: Partial<Review> = {}) => reviewOf({ findings: [one, two, low], ...values });

test.each([
  ["nothing", some(), [], 1, "failure"],
  ["one of two", some(), [by(1, one)], 1, "failure"],
  ["both, and one below the threshold stays", some(), [by(1, one), by(1, two)], 1, "neutral"],
  ["all", some(), [by(1, one), by(1, two), by(2, low)], 1, "success"],
  ["one person where two are needed", some(), [by(1, one), by(1, two), by(1, low)], 2, "failure"],
  [
    "one person twice where two are needed",
    some({ findings: [one] }),
    [by(1, one), { ...by(1, one), from: "IC_9" }],
    2,
    "failure",
  ],
  ["two people", some({ findings: [one] }), [by(1, one), by(2, one)], 2, "success"],
  ["more people than needed", some({ findings: [one] }), [by(1, one), by(2, one), by(3, one)], 2, "success"],
  [
    "all of an incomplete review",
    some({ findings: [one], complete: false }),
    [by(1, one)],
    1,
    "action_required",
  ],
  ["another finding", some({ findings: [one] }), [by(1, at(9))], 1, "failure"],
  ["another content", some({ findings: [one] }), [by(1, { ...one, after: "sha256-other" })], 1, "failure"],
  [
    "another message",
    some({ findings: [one] }),
    [by(1, { ...one, message: "Something else." })],
    1,
    "failure",
  ],
  ["a lower severity", some({ findings: [one] }), [by(1, { ...one, severity: "medium" })], 1, "failure"],
  [
    "the same, elsewhere in its file",
    some({ findings: [{ ...one, startLine: 99, endLine: 99 }] }),
    [by(1, one)],
    1,
    "success",
  ],
] as const)("acknowledged: %s", (_what, review, given, needed, expected) => {
  expect(conclusionOf(review, "high", stand(review, given, needed))).toBe(expected);
});

test("what is acknowledged is still told, with who and why, and the title counts it", () => {
  const review = some();
  const { summary, title, annotations, conclusion } = checkOutput(
    review,
    "high",
    [],
    stand(review, [by(1, one)]),
  );
  expect(conclusion).toBe("failure");
  expect(title).toBe("3 findings (2 high, 1 low); no source pins changed; 1 acknowledged");
  expect(summary).toContain("Acknowledged by `person-1`: upstream re-tagged");
  expect(annotations.map((each) => [each.annotation_level, each.title])).toEqual([
    ["notice", "hash-changed-alone (high, acknowledged)"],
    ["failure", "hash-changed-alone (high)"],
    ["notice", "hash-changed-alone (low)"],
  ]);
  const half = checkOutput(review, "high", [], stand(review, [by(1, one)], 2));
  expect(half.summary).toContain("1 of 2 acknowledgements: it still counts.");
  expect(half.title).not.toContain("acknowledged");
  expect(half.annotations[0]?.annotation_level).toBe("failure");
});

test("the state of a check run gives back what was given, for that head and pull request only", () => {
  const given = [by(1, one), by(2, one, "détail — 確認"), by(1, two)];
  const { text, acknowledged } = checkOutput(some(), "high", [], stand(some(), given));
  expect(acknowledged).toBe(3);
  expect(parseState(text ?? "", pull)).toEqual(given);
  // GitHub gives text back with its own line ends, and without white space at the end.
  expect(parseState((text ?? "").trimEnd().replaceAll("\n", "\r\n"), pull)).toEqual(given);
  expect(parseState(text ?? "", { ...pull, head: "c".repeat(40) })).toEqual([]);
  expect(parseState(text ?? "", { ...pull, number: 8 })).toEqual([]);
});

test("what we cannot have written is nothing", () => {
  const { state } = stand(some(), [by(1, one)]);
  const encode = (value: unknown) =>
    `\n<!-- verifod:acknowledgements:v1 ${Buffer.from(JSON.stringify(value)).toString("base64url")} -->\n`;
  const good = { head: pull.head, pull: 7, given: [by(1, one)] };
  expect(parseState(encode(good), pull)).toEqual([by(1, one)]);
  for (const text of [
    "",
    "text",
    `${state}more`,
    state.replace("v1", "v2"),
    state.replace(/v1 .{9}/, "v1 "),
    encode({ ...good, more: 1 }),
    encode({ ...good, given: [{ ...by(1, one), by: { id: 0, login: "x" } }] }),
    encode({ ...good, given: [{ ...by(1, one), finding: "*" }] }),
    encode({ ...good, given: Array(41).fill(by(1, one)) }),
    encode(null),
    encode("__proto__"),
  ])
    expect(parseState(text, pull)).toEqual([]);
});

test("what is void is dropped, unless the finding may come back", () => {
  const given = [by(1, one), by(1, two)];
  const gone = some({ findings: [one] });
  expect(parseState(stand(gone, given).state, pull)).toEqual([by(1, one)]);
  const unsure = some({ findings: [one], complete: false });
  expect(parseState(stand(unsure, given).state, pull)).toEqual(given);
  const changed = some({ findings: [one, { ...two, title: "Other" }], complete: false });
  expect(parseState(stand(changed, given).state, pull)).toEqual([by(1, one)]);
  expect(stand(some({ findings: [] }), given)).toEqual(NOTHING);
});

test("no more is taken than can be kept beside the review", () => {
  const many = (count: number, reason: string) =>
    Array.from({ length: count }, (_, i) => by(i + 1, one, reason));
  expect(acknowledgedIn(some(), pull, many(40, "a"), () => 1)?.count).toBe(40);
  expect(acknowledgedIn(some(), pull, many(41, "a"), () => 1)).toBeNull();
  const long = many(18, "確".repeat(300));
  const { summary, text } = checkOutput(some(), "high", [], stand(some(), long, 40));
  for (const part of [summary, text ?? ""]) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(65_535);
  expect(parseState(text ?? "", pull)).toEqual(long);
  expect(acknowledgedIn(some(), pull, many(40, "確".repeat(300)), () => 1)).toBeNull();
});

/** As it comes out of JSON: without halves of characters. */
const wellFormed = (text: string) => Buffer.from(text).toString();

test("any reason and any name render dead, and come back as they were", () => {
  fc.assert(
    fc.property(hostileReview, hostileText, hostileText, (any, reason, login) => {
      const about = any.findings[0];
      if (about === undefined) return;
      const review = { ...any, findings: [about] };
      const given = {
        ...by(5, about, wellFormed(reason.slice(0, 300))),
        by: { id: 5, login: wellFormed(login.slice(0, 30)) },
      };
      const { summary, text } = checkOutput(review, "high", [], stand(review, [given]));
      const tokens = allTokens(marked.lexer(summary));
      for (const token of tokens) {
        expect(["html", "image", "code", "blockquote", "hr", "def"]).not.toContain(token.type);
        if (token.type === "link") expect(token.href).toBe(helpAddress("hash-changed-alone"));
      }
      expect(liveText(tokens)).not.toMatch(/@|#\d|:\/\/|www\.|gh-\d|<|\$/i);
      expect(summary).not.toContain("<!--");
      expect((text ?? "").match(/<!--/g)?.length).toBe(1);
      expect(parseState(text ?? "", pull)).toEqual([given]);
    }),
  );
});
