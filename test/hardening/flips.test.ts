/** That `npm run flips` finds what it flips, and that the list of guards tells them: the flips themselves take an hour. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { GUARDS } from "../../scripts/flips/guards.ts";
import { guardsText } from "../../scripts/flips/list.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

test.each(GUARDS)("$keeps: $file", ({ file, flips, test: by }) => {
  const text = readFileSync(root + file, "utf8");
  for (const [from, to] of flips) {
    expect(text.split(from), `${from} stands once`).toHaveLength(2);
    expect(to).not.toBe(from);
  }
  expect(existsSync(root + by)).toBe(true);
});

test("docs/guards.md is as `npm run guards` writes it", () => {
  expect(readFileSync(`${root}docs/guards.md`, "utf8")).toBe(guardsText(GUARDS));
});

test("no guard is listed twice", () => {
  const names = GUARDS.map(({ keeps, file, test: by }) => `${keeps} ${file} ${by}`);
  expect(new Set(names).size).toBe(names.length);
});
