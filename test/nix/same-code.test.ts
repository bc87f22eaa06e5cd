import { expect, test } from "vitest";
import { isSameCode, mayBeSameCode } from "../../src/nix/same-code.ts";

const SAME: readonly (readonly [string, string])[] = [
  ["{a,b}:a", "# who\n{\n  a,\n  b, # b\n}:\na\n".replace(":\na", ":a")],
  ["{ a, b ? c }@args: [ a ]", "{\n  a,\n  b ? c,\n}@args: [ a ]"],
  ["{ ... } @ args: f(args)", "{ ... }@args: f (args)"],
  ["{ a=1; }", "{ /* one */ a = 1; }"],
  ['"a${ [ b ] }c"', '"a${[ b ]}c"'],
  ["{ a = ''\n    b\n      c\n\n    d\n  ''; }", "{\n  a = ''\n      b\n        c\n\n      d\n    '';\n}"],
  ["''a ''${b} ''' $${c} ''\\n''", "''a ''${b} ''' $${c} ''\\n''  "],
];
test.each(SAME)("is the same code: %j and %j", (a, b) => {
  expect(isSameCode(a, b)).toBe(true);
  expect(isSameCode(b, a)).toBe(true);
  expect(mayBeSameCode(a, b)).toBe(true);
});

test("what has other letters is not looked through for its form", () => {
  expect(mayBeSameCode('version = "1";', 'version = "2";')).toBe(false);
  expect(mayBeSameCode("a b", "a\n  b,")).toBe(true);
});

const OTHER: readonly (readonly [string, string])[] = [
  ["[ a b ]", "[ ab ]"],
  ["[ a b ]", "[ a c ]"],
  ["a / b", "a/b"],
  ["x:y", "x: y"],
  ["{ a ? x:y,b }: a", "{ a ? x:y, b }: a"],
  ["{ a ? x:y , }: a", "{ a ? x:y,}: a"],
  ["http://a/*b*/c", "http://a/*d*/c"],
  ['"a b"', '"a  b"'],
  ['"a#b"', '"a#c"'],
  ['"${a "}" }b"', '"${a "}" }c"'],
  ["''\n  a\n  b\n''", "''\n  a\n    b\n''"],
  ["''a\n  b\n''", "''a\n    b\n''"],
  ["''\n  a\n     \n  b\n''", "''\n  a\n\n  b\n''"],
  ["[ ''a'' ]", "[ ''a # b'' ]"],
  ["a''b", "a ''b"],
  ["[ ./p${a}/c ]", "[ ./p${a} /c ]"],
  ["{ a = x:y/?z=/*b*/; }", "{ a = x:y/?z=/*c*/; }"],
  ["''\t\n    a\n''", "''\t\n  a\n''"],
  ["''\n    a\n      \n    b\n''", "''\n  a\n      \n  b\n''"],
  ["[ 1''a b'' ]", "[ 1''a  b'' ]"],
  ["[ x:/''a ''b c'' ]", "[ x:/''a ''b  c'' ]"],
  ["{ }", "{ } }"],
  ["{ a = 1; }", "{ a = 1; b = 2; }"],
];
test.each(OTHER)("is not sure to be the same code: %j and %j", (a, b) => {
  expect(isSameCode(a, b)).toBe(false);
  expect(isSameCode(b, a)).toBe(false);
});
