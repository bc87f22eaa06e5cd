import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { rules } from "../../src/rules/index.ts";
import { examples, root } from "../support/fixtures.ts";
import { reviewPairs } from "../support/review-pairs.ts";

const HEADINGS = [
  "## What it finds",
  "## Examples",
  "### Found",
  "### Not found",
  "## Why it matters",
  "## When it is wrong",
  "## Configuration",
  "## Sources",
];

const pages = rules.map((rule) => ({
  rule,
  id: rule.id,
  page: readFileSync(`${root}docs/rules/${rule.id}.md`, "utf8"),
}));

it("every rule has a page, and every page a rule", () => {
  const names = readdirSync(`${root}docs/rules`).filter((name) => name !== "README.md");
  expect(names.sort()).toEqual(rules.map(({ id }) => `${id}.md`));
});

describe.each(pages)("the page of $id", ({ rule, page }) => {
  it("starts as every page does, and has every heading", () => {
    const [title, , description, , facts, , next] = page.split("\n");
    expect(title).toBe(`# ${rule.id}`);
    expect(description).toBe(`${rule.description}.`);
    expect(facts).toBe(`Severity: ${rule.severity}. Threat: ${rule.threat}.`);
    expect(next).toBe("What to do about a finding: [findings.md](../findings.md).");
    expect(page.match(/^##.*$/gm)).toEqual(HEADINGS);
  });

  it("has an example of either kind", () => {
    const kinds = examples(page).map(({ found }) => found);
    expect(kinds).toContain(true);
    expect(kinds).toContain(false);
  });
});

const shown = pages.flatMap(({ id, page }) =>
  examples(page).map((example, index) => ({ id, number: index + 1, ...example })),
);
let reviews: Review[] = [];

beforeAll(async () => {
  reviews = await reviewPairs(shown.map(({ trees }) => trees));
}, 120_000);

describe("the examples on the pages are what they say", () => {
  it.each(shown.map((example, at) => ({ ...example, at })))("$id, example $number", ({ id, found, at }) => {
    const ids = (reviews[at]?.findings ?? []).map(({ rule }) => rule);
    if (found) expect(ids).toContain(id);
    else expect(ids).not.toContain(id);
  });
});
