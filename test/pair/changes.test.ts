import { expect, it } from "vitest";
import { pairByKeys } from "../../src/pair/changes.ts";

interface Fact {
  readonly path: string;
  readonly name: string;
  readonly value: number;
}
const fact = (path: string, name: string, value: number): Fact => ({ path, name, value });

function pair(base: readonly Fact[], head: readonly Fact[]) {
  const name = (each: Fact) => `${each.path} ${each.name}`;
  const keys = [
    (each: Fact) => `${name(each)} ${each.value}`,
    name,
    (each: Fact) => `${each.name} ${each.value}`,
  ];
  return pairByKeys(base, head, keys, (a, b) => a.value === b.value).map(({ change, before, after }) => [
    change,
    before?.value,
    after?.value,
  ]);
}

it("pairs by the most exact key first, and leaves the same out", () => {
  expect(pair([fact("p", "a", 1), fact("p", "a", 2)], [fact("p", "a", 2), fact("p", "a", 3)])).toEqual([
    ["changed", 1, 3],
  ]);
});

it("tells what only one side has", () => {
  expect(pair([fact("p", "a", 1)], [fact("p", "b", 2)])).toEqual([
    ["removed", 1, undefined],
    ["added", undefined, 2],
  ]);
});

it("a fact that moved as it was is no change", () => {
  expect(pair([fact("p", "a", 1)], [fact("q", "a", 1)])).toEqual([]);
});
