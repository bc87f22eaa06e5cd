import { expect, test } from "vitest";
import { lineStarts, positionOf } from "../../src/change/lines.ts";

test.each([
  ["", [0]],
  ["a", [0]],
  ["a\n", [0]],
  ["a\nb", [0, 2]],
  ["\n\na\n", [0, 1, 2]],
  ["a\r\nb\r\n", [0, 3]],
  ["a\rb\n", [0]],
])("lines of %j", (text, expected) => {
  expect(lineStarts(text)).toEqual(expected);
});

test("places count from 1, in UTF-16 units", () => {
  const starts = lineStarts("ab\n\u{1f980}c\nd");
  expect(positionOf(starts, 0)).toEqual({ line: 1, column: 1 });
  expect(positionOf(starts, 2)).toEqual({ line: 1, column: 3 });
  expect(positionOf(starts, 3)).toEqual({ line: 2, column: 1 });
  expect(positionOf(starts, 5)).toEqual({ line: 2, column: 3 });
  expect(positionOf(starts, 7)).toEqual({ line: 3, column: 1 });
  expect(positionOf(starts, 8)).toEqual({ line: 3, column: 2 });
});
