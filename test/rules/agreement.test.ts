import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { indexText, loadRules, readmeText, ruleIds } from "../../scripts/rules.ts";
import { SEVERITIES } from "../../src/report/review.ts";
import { rules } from "../../src/rules/index.ts";
import { fixtures, root } from "../support/fixtures.ts";

const read = (path: string) => readFileSync(`${root}${path}`, "utf8");
const allFixtures = fixtures();

describe("the lists of rules", () => {
  it("are what `npm run rules` writes", async () => {
    expect(read("src/rules/index.ts")).toBe(indexText(ruleIds()));
    expect(read("docs/rules/README.md")).toBe(readmeText(await loadRules()));
  });

  it("name every rule once, and nothing else has fixtures or a page", () => {
    expect(rules.map(({ id }) => id)).toEqual(ruleIds());
    expect([...new Set(allFixtures.map(({ rule }) => rule))]).toEqual(ruleIds());
  });
});

describe.each(rules)("$id", (rule) => {
  it("has metadata in the form that lists show", () => {
    expect(rule.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(rule.threat).toMatch(/^A[0-9]{2}$/);
    expect(SEVERITIES).toContain(rule.severity);
    expect(rule.description).toMatch(/^[A-Z][^|\n]{10,118}[^.|\n]$/);
  });

  const cases = allFixtures.filter((fixture) => fixture.rule === rule.id);
  it("has three fixtures that it must find, and three look-alikes", () => {
    const names = cases.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("bad-")).length).toBeGreaterThanOrEqual(3);
    expect(names.filter((name) => name.startsWith("ok-")).length).toBeGreaterThanOrEqual(3);
    expect(names.filter((name) => !/^(bad|ok)-/.test(name))).toEqual([]);
  });

  it.each(cases)("expects what the name of $name says", ({ name, directory }) => {
    expect(existsSync(`${directory}/expected.json`), `${name}/expected.json`).toBe(true);
    const expected: { rule: string }[] = JSON.parse(readFileSync(`${directory}/expected.json`, "utf8"));
    expect(expected.some((finding) => finding.rule === rule.id)).toBe(name.startsWith("bad-"));
  });
});
