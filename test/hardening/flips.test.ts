/** That `npm run flips` finds what it flips: the flips themselves take an hour of computing. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { GUARDS } from "../../scripts/flips/guards.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

test.each(GUARDS)("$keeps: $file", ({ file, flips, test: by }) => {
  const text = readFileSync(root + file, "utf8");
  for (const [from, to] of flips) {
    expect(text.split(from), `${from} stands once`).toHaveLength(2);
    expect(to).not.toBe(from);
  }
  expect(existsSync(root + by)).toBe(true);
});
