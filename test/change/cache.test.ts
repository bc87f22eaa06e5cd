import { expect, test } from "vitest";
import { byteCache } from "../../src/change/cache.ts";

test("what was not asked for longest goes first, by bytes", () => {
  const cache = byteCache<string>(10);
  cache.set("a", "A", 4);
  cache.set("b", "B", 4);
  expect(cache.get("a")).toBe("A");
  cache.set("c", "C", 4);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["A", undefined, "C"]);
});

test("a value replaced weighs once, and one too heavy is not kept", () => {
  const cache = byteCache<string>(10);
  cache.set("a", "A", 6);
  cache.set("a", "A2", 6);
  cache.set("b", "B", 4);
  cache.set("heavy", "H", 11);
  expect([cache.get("a"), cache.get("b"), cache.get("heavy")]).toEqual(["A2", "B", undefined]);
  cache.set("a", "A3", 11);
  expect(cache.get("a")).toBeUndefined();
});

test("what is asked for while most of the cache is free may still go first, and stays while it is asked for later", () => {
  const cache = byteCache<string>(10);
  cache.set("a", "A", 2);
  cache.set("b", "B", 2);
  expect(cache.get("a")).toBe("A");
  cache.set("c", "C", 4);
  expect(cache.get("a")).toBe("A");
  cache.set("d", "D", 4);
  expect([cache.get("a"), cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([
    "A",
    undefined,
    "C",
    "D",
  ]);
});
