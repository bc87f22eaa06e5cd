import { expect, test } from "vitest";
import { traitsOf } from "../../src/asset/traits.ts";

const options = (count: number) => "-s ".repeat(count);

test.each([
  ["grep -a x f", "searches binary"],
  [`grep ${options(30)}-a x f`, "searches binary"],
  [`grep --exclude=${"x".repeat(200)} -ia x f`, "searches binary"],
  [`grep -m 1 \\\n  --text x f`, "searches binary"],
  [`xz ${options(30)}-dc f`, "unpacks"],
  [`gzip --suffix=${"x".repeat(200)}\t--decompress f`, "unpacks"],
  [`curl ${options(30)}-H '${"x".repeat(900)}' https://example.org`, "downloads"],
])("%j is said, however long its options are", (text, says) => {
  expect(traitsOf(text).join()).toContain(says);
});

test.each([
  "grep x f; ls -a",
  "grep x f | sort -a",
  "xz -k f && rm -d f",
  "curl --version # see\nhttps://example.org",
  "egrep x",
])("%j has nothing of it", (text) => {
  expect(traitsOf(text)).toEqual([]);
});

test("time goes by the length of a text", () => {
  const text = "grep -grep ".repeat(400_000);
  const start = performance.now();
  traitsOf(text);
  // By the square of it this takes an hour.
  expect(performance.now() - start).toBeLessThan(20_000);
});
