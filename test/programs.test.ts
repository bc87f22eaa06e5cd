import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { needsOf, testFiles } from "./support/programs.ts";

/** What a test file's text shows that it needs. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/from "[^"]*(?:verify\/support|\.\/support)\/verification\.ts"|support\/nix-values\.ts"/, "nix"],
  [/support\/postgres\.ts"/, "postgresql"],
  [/"strace"/, "strace"],
  [/\/text-targets\.ts"/, "libcurl"],
];

test("test files that need more than Node and git say so in their first line", () => {
  const silent = testFiles().flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const needs = needsOf(file);
    const missing = SIGNS.filter(([sign, need]) => sign.test(text) && !needs.includes(need));
    return file.endsWith("/programs.test.ts") ? [] : missing.map(([, need]) => `${file}: ${need}`);
  });
  expect(silent).toEqual([]);
});
