// Needs: libcurl
/** A few inputs of each target, and all inputs that once failed. `npm run fuzz` makes more. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { failureOf, inputOf, targets } from "./fuzz.ts";

afterAll(() => {
  for (const { close } of targets) close?.();
});

test.each(targets)("$name: new inputs are taken as they should be", async (target) => {
  const failures: string[] = [];
  for (let index = 0; index < Math.ceil(target.share / 1_500); index++) {
    const failure = await failureOf(target, inputOf(target, "test", index));
    if (failure !== null) failures.push(`${index}: ${failure}`);
  }
  expect(failures).toEqual([]);
});

const folder = fileURLToPath(new URL("crashes/", import.meta.url));

/** `<target>-<what was wrong>.json`, each a JSON text: inputs have every character. */
test.each(readdirSync(folder))("%s does not fail again", async (file) => {
  const target = targets.find(({ name }) => file.startsWith(`${name}-`));
  if (!target) throw new Error(`no target is called as ${file} begins`);
  const input = JSON.parse(readFileSync(`${folder}${file}`, "utf8")) as string;
  expect(await failureOf(target, input)).toBe(null);
});
