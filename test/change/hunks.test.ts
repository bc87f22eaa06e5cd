import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedText, commentableLines, diffTexts, type Hunk } from "../../src/change/hunks.ts";
import { lineStarts } from "../../src/change/lines.ts";

function diff(base: string, head: string): readonly Hunk[] {
  const hunks = diffTexts(base, head);
  if (hunks === null) throw new Error("not in time");
  return hunks;
}

/** Each hunk as `base lines -> head lines`, a side without lines as the line that it stands before. */
function summary(base: string, head: string): string[] {
  const show = ({ start, end }: { start: number; end: number }) =>
    end < start ? `before ${start}` : `${start}-${end}`;
  return diff(base, head).map((hunk) => `${show(hunk.base.lines)} -> ${show(hunk.head.lines)}`);
}

describe("the stretches that differ", () => {
  test.each([
    ["", "", []],
    ["a\n", "a\n", []],
    ["a\nb\nc\n", "a\nx\nc\n", ["2-2 -> 2-2"]],
    ["a\nc\n", "a\nb\nc\n", ["before 2 -> 2-2"]],
    ["a\nb\nc\n", "a\nc\n", ["2-2 -> before 2"]],
    ["", "a\nb\n", ["before 1 -> 1-2"]],
    ["a\nb\n", "", ["1-2 -> before 1"]],
    ["a\nb", "a\nb\n", ["2-2 -> 2-2"]],
    ["ab\n", "aab\n", ["1-1 -> 1-1"]],
    ["a\n", "x\na\n", ["before 1 -> 1-1"]],
    ["a\na\n", "a\na\na\n", ["before 3 -> 3-3"]],
    ["1\n2\n3\n4\n", "1\nx\n3\ny\nz\n", ["2-2 -> 2-2", "4-4 -> 4-5"]],
    ["a\r\nb\r\n", "a\nb\r\n", ["1-1 -> 1-1"]],
    ["a\nb\nc\nd\n", "c\nd\na\nb\n", ["1-2 -> before 1", "before 5 -> 3-4"]],
  ])("%j, %j", (base, head, expected) => {
    expect(summary(base, head)).toEqual(expected);
  });

  test("are found between the lines that stay, in a text that is mostly new", () => {
    const text = (name: string) =>
      Array.from(
        { length: 300 },
        (_, index) => `}\n${name}\n{\n${index % 2 ? name : "}"}\nkept ${index}\n`,
      ).join("");
    const hunks = diff(text("old"), text("new"));
    expect(hunks.every(({ base, head }) => base.lines.start === head.lines.start)).toBe(true);
    expect(hunks.every(({ base }) => base.lines.end - base.lines.start < 3)).toBe(true);
    expect(hunks.length).toBeGreaterThanOrEqual(300);
  });

  const text = fc
    .array(fc.constantFrom("a", "b", "c", "a\r", ""), { maxLength: 12 })
    .chain((lines) => fc.constantFrom(lines.join("\n"), `${lines.join("\n")}\n`));

  test("put into the base, make the head; outside them, both are equal", () => {
    fc.assert(
      fc.property(text, text, (base, head) => {
        let rebuilt = "";
        let at = 0;
        for (const hunk of diff(base, head)) {
          rebuilt += base.slice(at, hunk.base.text.start);
          expect(rebuilt.length).toBe(hunk.head.text.start);
          rebuilt += head.slice(hunk.head.text.start, hunk.head.text.end);
          at = hunk.base.text.end;
        }
        expect(rebuilt + base.slice(at)).toBe(head);
      }),
    );
  });

  test("have lines that agree with their offsets", () => {
    fc.assert(
      fc.property(text, text, (base, head) => {
        const starts = lineStarts(head);
        for (const { head: side } of diff(base, head)) {
          if (side.lines.start > side.lines.end) continue;
          expect(side.text.start).toBe(starts[side.lines.start - 1]);
          expect(side.text.end).toBe(starts[side.lines.end] ?? head.length);
        }
      }),
    );
  });
});

test("one changed line in a large text, and a rewritten file, are found in time", () => {
  const lines = Array.from({ length: 60_000 }, (_, index) => `  line${index % 7} = "${index}";`);
  const base = lines.join("\n");
  lines[30_000] = "changed";
  // Comparing each line with each other one would outlast the test.
  expect(diff(base, lines.join("\n"))).toHaveLength(1);
  const rewritten = lines.map((line, index) => (index % 3 === 0 ? line : `${line} `)).join("\n");
  expect(diff(base, rewritten).length).toBeGreaterThan(10_000);
});

test("without an answer in time, all of the head is changed", () => {
  const shuffled = (step: number) =>
    Array.from({ length: 20_000 }, (_, index) => `${(index * step) % 20_011}\n`).join("");
  const head = shuffled(7919);
  expect(diffTexts(shuffled(1), head, 1)).toBeNull();
  expect(changedText(null, head)).toEqual([{ start: 0, end: head.length }]);
  expect(changedText(null, "")).toEqual([]);
});

test("the changed text of the head leaves out deletions", () => {
  const base = "a\nb\nc\nd\n";
  const head = "a\nc\nx\n";
  expect(changedText(diff(base, head), head).map(({ start, end }) => head.slice(start, end))).toEqual([
    "x\n",
  ]);
});

describe("commentable lines", () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`);

  function commentable(edit: (lines: string[]) => void, count = 30) {
    const lines = numbers(count);
    edit(lines);
    return commentableLines(diff(numbers(count).join(""), lines.join("")), lines.length);
  }

  test("are the lines of a change with three lines around it", () => {
    expect(commentable((lines) => lines.splice(9, 1, "x\n"))).toEqual({
      left: [{ start: 10, end: 10 }],
      right: [{ start: 7, end: 13 }],
    });
  });

  test("of a deletion, are the removed ones and those around the gap", () => {
    expect(commentable((lines) => lines.splice(9, 2))).toEqual({
      left: [{ start: 10, end: 11 }],
      right: [{ start: 7, end: 12 }],
    });
  });

  test("end where the file ends, and join where hunks touch", () => {
    expect(
      commentable((lines) => {
        lines[0] = "x\n";
        lines[6] = "y\n";
        lines[29] = "z\n";
      }),
    ).toEqual({
      left: [
        { start: 1, end: 1 },
        { start: 7, end: 7 },
        { start: 30, end: 30 },
      ],
      right: [
        { start: 1, end: 10 },
        { start: 27, end: 30 },
      ],
    });
  });

  test("of an emptied file, are the removed ones alone", () => {
    expect(commentable((lines) => lines.splice(0, 2), 2)).toEqual({
      left: [{ start: 1, end: 2 }],
      right: [],
    });
  });
});
