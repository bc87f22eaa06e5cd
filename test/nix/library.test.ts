import { expect, test } from "vitest";
import { staticValue, UNKNOWN } from "../support/static-values.ts";

/** What functions of nixpkgs' `lib` give, as Nix says of the lib of June 2026: evaluate.test.ts has those of Nix itself. */
const KNOWN: Readonly<Record<string, unknown>> = {
  'lib.versions.pad 3 "1.2"': "1.2.0",
  'lib.versions.pad 3 "1.2.3.4"': "1.2.3",
  'lib.versions.pad 3 "1.2-rc1"': "1.2.0-rc1",
  'lib.versions.pad 3 "6.12.62-xanmod1"': "6.12.62-xanmod1",
  'lib.versions.pad 3 "v1.2.3"': "v.1.2",
  'lib.versions.pad 2 "2024-01-15"': "2024.0-01-15",
  'lib.toUpper "aä1"': "Aä1",
  'lib.toLower "AÄ1"': "aÄ1",
  'lib.toSentenceCase "fOO bar"': "Foo bar",
  'lib.trim " \\t a b \\n"': "a b",
  'lib.escapeURL "a b/ä+(c)~"': "a%20b%2Fä%2B%28c%29~",
  'lib.escapeShellArg "v1.2+b@c:d/e%f,g_h-i"': "v1.2+b@c:d/e%f,g_h-i",
  'lib.escapeShellArg "it\'s"': "'it'\\''s'",
  'lib.escapeShellArgs [ "a b" "c" ]': "'a b' c",
  "lib.boolToString true": "true",
  'lib.concatLines [ "a" "b" ]': "a\nb\n",
  'lib.concatImapStringsSep "-" (i: x: x + toString i) [ "a" "b" ]': "a1-b2",
  'lib.pipe "1.2.3" [ (lib.splitString ".") (lib.take 2) (lib.concatStringsSep "-") ]': "1-2",
  'lib.sublist 1 2 [ "a" "b" "c" "d" ]': ["b", "c"],
  'lib.flatten [ "a" [ "b" [ "c" ] ] ]': ["a", "b", "c"],
  'lib.toList "a"': ["a"],
  'lib.toList [ "a" ]': ["a"],
  'lib.singleton [ "a" ]': [["a"]],
  'lib.unique [ "a" "b" "a" ]': ["a", "b"],
  'lib.remove "a" [ "a" "b" "a" ]': ["b"],
  'lib.subtractLists [ "a" "c" ] [ "a" "b" "c" ]': ["b"],
  "lib.range 2 4": [2, 3, 4],
  "lib.range 3 2": [],
  'lib.replicate 2 "a"': ["a", "a"],
  "[ (lib.min 1 2) (lib.max 1 2) (lib.mod 7 4) ]": [1, 2, 3],
  'lib.toInt "12"': 12,
  'lib.strings.toIntBase10 "007"': 7,
  'lib.hasAttrByPath [ "a" "b" ] { a.b = 1; }': true,
  'lib.hasAttrByPath [ "a" "c" ] { a.b = 1; }': false,
};

test("what it says of lib is what Nix says", () => {
  const said = Object.fromEntries(
    Object.keys(KNOWN).map((expression) => [expression, staticValue(expression)]),
  );
  expect(said).toEqual(KNOWN);
});

/** What fails in Nix, is not known in whole, or would be too much. */
const UNKNOWN_OF_LIB = [
  'lib.fixedWidthString 2 "0" "123"',
  'lib.toInt "007"',
  'lib.toInt "1.5"',
  'lib.flatten [ "a" b ]',
  'lib.remove "a" [ "a" b ]',
  "lib.unique [ { a = 1; } ]",
  'lib.toSentenceCase "ÄB"',
  'lib.stringToCharacters "ä"',
  "lib.mod 1 0",
  "1 / 0",
  "lib.range 1 1000000",
  'lib.replicate 1000000 "a"',
  "lib.replicate (-1) 1",
  'lib.hasAttr "a" (f { b = 1; })',
  'lib.any (x: f x) [ "a" ]',
];

test("what it cannot know of lib it does not say", () => {
  const said = UNKNOWN_OF_LIB.filter((expression) => staticValue(expression) !== UNKNOWN);
  expect(said).toEqual([]);
});

test("lists that hold themselves many times over come to an end", () => {
  const doubled = Array.from({ length: 40 }, (_, n) => `x${n + 1} = [ x${n} x${n} ];`).join(" ");
  expect(staticValue(`let x0 = [ "a" ]; ${doubled} in lib.length (lib.flatten x40)`)).toBe(UNKNOWN);
});
