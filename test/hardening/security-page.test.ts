/** That the page of security says of each threat which tests hold, and that they are there. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { GUARDS } from "../../scripts/flips/guards.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/security.md`, "utf8");
const rows = [...page.matchAll(/^\| (B\d\d) \|.*$/gm)].map(([row, threat = ""]) => ({ threat, row }));

test("all threats stand there, each once, in order", () => {
  const expected = Array.from({ length: 37 }, (_, index) => `B${String(index + 1).padStart(2, "0")}`);
  expect(rows.map(({ threat }) => threat)).toEqual(expected);
});

test.each(rows)("$threat has a defence, and tests that exist", ({ row }) => {
  const [, , threat = "", defence = "", tests = ""] = row.split(/ ?\| ?/);
  expect([threat.length, defence.length].every((length) => length > 3)).toBe(true);
  const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(existsSync(root + file), file).toBe(true);
});

test("it counts the guards as they are", () => {
  expect(page).toContain(`takes away each of ${GUARDS.length} guards`);
});
