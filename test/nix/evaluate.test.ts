// Needs: nix
import fc from "fast-check";
import { expect, test } from "vitest";
import { expressions } from "../support/nix-expressions.ts";
import { agrees, isKnown, nixValues } from "../support/nix-values.ts";
import { type Plain, staticValue } from "../support/static-values.ts";

/** Expressions that static evaluation must know in whole: recipes are written with these. */
const KNOWN = [
  // strings
  `"a\\nb\\t\\"\\\\\\r\\q"`,
  `"\\\${x} $\${x} $x $$"`,
  '"a\r\nb"',
  `''\n    two\n      four\n    two again\n  ''`,
  `''\${"x"} ''\${x} ''' ''\\n $\${x}''`,
  `''\n  \${"a"}\n    b\n''`,
  `"" + "a" + ''b'' + "\${"c" + "d"}"`,
  `"é€𝄞"`,
  `let v = { major = "3"; __toString = self: "\${self.major}.1"; }; in [ "ruby-\${v}" ("v" + v) (toString v) ]`,
  `https://example.org/a?b=c`,
  // scopes
  `let x = "1"; in let y = x; x = "2"; in y`,
  `let x = "1"; y = { inherit x; }; in y`,
  `let x = "1"; in rec { inherit x; y = x; }`,
  `let a = { x = "1"; y = "2"; }; in { inherit (a) x y; }`,
  `rec { a = b; b = "1"; }`,
  `rec { a = { b = "1"; }; inherit (a) b; c = b; }`,
  `let x = "let"; in with { x = "with"; }; x`,
  `with { x = "outer"; y = "1"; }; with { x = "inner"; }; x + y`,
  `with { toString = x: "no"; map = 1; }; toString 12`,
  `with { true = false; }; true`,
  `let true = false; in true`,
  `let { x = "1"; body = x; }`,
  `let x = "1"; f = y: x + y; in let x = "2"; in f x`,
  // attributes
  `{ a.b.c = "1"; a.b.d = "2"; a.e = "3"; }`,
  `{ a = { x = "1"; }; a.y = "2"; }`,
  `rec { a.b = "1"; a.c = a.b; }`,
  `{ "a b" = "1"; "\${"c"}" = "2"; \${"d"} = "3"; }`,
  `{ a.b = "1"; }.a.b`,
  `{ a = "1"; }.b or "2"`,
  `{ a = { }; }.a.b.c or "3"`,
  `{ a = "1"; }.\${"a"}`,
  `{ "1.2" = "x"; }."1.2"`,
  `{ a = "1"; b = "2"; } // { b = "3"; c = "4"; }`,
  `{ a.x = "1"; } // { a.y = "2"; }`,
  `{ a = 1; } // { b = 2; } // { a = 3; }`,
  `{ a = 1; } ? a`,
  `{ a = 1; } ? b`,
  // conditions
  `if true && !false || false then "a" else "b"`,
  `if "a" == "a" && "a" != "b" then 1 else 2`,
  `if null == null then 1 else 2`,
  `if { x = null; }.x != null then 1 else 2`,
  `assert true; "a"`,
  `-3 + 5`,
  `[ 1 "a" true null ] ++ [ ] ++ [ { a = 1; } ]`,
  // functions
  `(x: y: x + y) "a" "b"`,
  `({ a, b ? a + "2", ... }@args: b + args.c) { a = "1"; c = "3"; }`,
  `(args@{ a, b ? "2" }: args) { a = "1"; }`,
  `({ a ? "1", b ? a }: b) { a = "3"; }`,
  `({ f, x }: f x) { f = y: y + "!"; x = "a"; }`,
  `let f = { version, sha256 }: { inherit version; hash = sha256; }; in f { version = "1"; sha256 = "x"; }`,
  `let fix = f: let x = f x; in x; in (fix (self: { a = "1"; b = self.a + "2"; })).b`,
  `let o = self: super: { b = super.a + "2"; c = self.b; }; f = self: { a = "1"; }; x = f x // o x (f x); in x`,
  `let f = n: if n == 0 then "z" else f (n + -1); in f 5`,
  // builtins
  `map (x: x + "!") [ "a" "b" ]`,
  `builtins.head (builtins.tail [ 1 2 3 ])`,
  `builtins.elemAt [ "a" "b" ] 1`,
  `builtins.length [ 1 2 ]`,
  `builtins.elem "a" [ "b" "a" ]`,
  `builtins.concatLists [ [ 1 ] [ 2 3 ] ]`,
  `builtins.attrNames { b = 1; a = 2; B = 3; }`,
  `builtins.attrValues { b = 1; a = 2; }`,
  `builtins.mapAttrs (n: v: n + v) { a = "1"; b = "2"; }`,
  `builtins.listToAttrs [ { name = "a"; value = 1; } { name = "a"; value = 2; } { name = "b"; value = 3; } ]`,
  `removeAttrs { a = 1; b = 2; } [ "a" "c" ]`,
  `builtins.getAttr "a" { a = "1"; }`,
  `builtins.intersectAttrs { a = 1; } { a = 2; b = 3; }`,
  `builtins.concatStringsSep ", " [ "a" "b" ]`,
  `builtins.replaceStrings [ "." "ab" "a" ] [ "_" "1" "2" ] "a.ab.b"`,
  `builtins.substring 1 3 "abcdef"`,
  `[ (builtins.substring 4 9 "abc") (builtins.substring 1 (-1) "abc") (builtins.substring 0 0 "abc") ]`,
  `builtins.stringLength "é"`,
  `[ (toString 1) (toString true) (toString false) (toString null) (toString "x") ]`,
  `map baseNameOf [ "a/b.tar" "a/b/" "b" "" ]`,
  `map dirOf [ "a/b" "/a" "a" "/a/b/" "" ]`,
  `map builtins.splitVersion [ "1.2-3a.pre" "1..2" "" "a1b2" "2024-01-02" ]`,
  `map builtins.parseDrvName [ "frob-1.2" "frob-a-1" "frob" "frob-" "frob--1" "frob-1-a" "a-é" ]`,
  `builtins.seq 1 "a"`,
  `builtins.fromJSON ''{ "a": [1, "b", null, true], "c": { "d": "\\u00e9" } }''`,
  `builtins.fromJSON ''{ "a": 1, "a": 2 }''`,
  `builtins.fromTOML ''
    version = "1.2"
    [a]
    list = [ "x", "y" ]
    "b c".d = true
  ''`,
  `builtins.filter (x: x != "b") [ "a" "b" "c" ]`,
  `builtins.concatMap (x: [ x (x + "!") ]) [ "a" "b" ]`,
  `builtins.foldl' (a: b: a // b) { a = 1; b = 2; } [ { b = 3; } { c = 4; } ]`,
  `builtins.foldl' (a: b: a + b) "" [ "x" "y" "z" ]`,
  `[ (7 / 2) (-7 / 2) (2 * 3) (5 - 3) (1 < 2) (2 <= 1) (2 > 2) (2 >= 2) ("a" < "ab") ("B" < "a") ]`,
  `[ (false -> true) (true -> false) (false -> throw "no") (true -> true) ]`,
  `[ (builtins.add 7 2) (builtins.sub 7 2) (builtins.mul 7 2) (builtins.div 7 2) ]`,
  `builtins.genList (x: x * x) 4`,
  `map builtins.typeOf [ "a" 1 true null [ ] { } (x: x) (builtins.add 1) ./x ]`,
  `[ (builtins.isString "a") (builtins.isString 1) (builtins.isList [ ]) (builtins.isAttrs { }) (isNull null) ]`,
  `let isB = x: x == "b"; in [ (builtins.any isB [ "a" "b" ]) (builtins.all isB [ "b" "a" ]) ]`,
  `[ (builtins.any (x: x) [ ]) (builtins.all (x: x) [ ]) ]`,
  `[ (builtins.hasAttr "a" { a = 1; }) (builtins.hasAttr "b" { a = 1; }) ]`,
  `toString [ "a" [ 1 true ] null "b" ]`,
];

/** Expressions that it need not know, and where it must not claim another value. */
const UNSURE = [
  `1.5 + 1`,
  `toString 1.5`,
  `toString 1.0`,
  `9007199254740993 - 1`,
  `[ (1.5 < 2) ("é" < "z") ([ 1 ] < [ 2 ]) ]`,
  `builtins.typeOf 1.5`,
  `9223372036854775806 + 1 == 9223372036854775807`,
  `{ a = [ 1 ]; } == { a = [ 1 ]; }`,
  `[ ("a" == 1) (1 == 1) ([ ] == [ ]) (null == "") (true == true) ]`,
  `{ a.b = 1; } ? a.b`,
  `{ a = 1; } ? "a"`,
  `{ \${null} = 1; b = 2; }`,
  `builtins.replaceStrings [ "" ] [ "x" ] "ab"`,
  `builtins.substring 1 1 "éa"`,
  `{ a = 1; } == { a = 2; }`,
  `builtins.filter (x: x != "a") [ "a" "b" ]`,
  `builtins.foldl' (a: b: a + b) "" [ "a" "b" ]`,
  `builtins.match "v(.*)" "v1"`,
  `builtins.toJSON { a = 1; }`,
  `toString ./x == "p/x"`,
  `builtins.isString (toString ./x)`,
  `builtins.elem 1 [ 1 2 ]`,
  `builtins.fromJSON "1.5"`,
  `{ a = 1; __functor = self: x: x + self.a; } 2`,
  `{ outPath = "x"; } + "y"`,
  `let f = { a, ... }@args: args ? b; in f { a = 1; b = 2; }`,
  `(x: x ? a) { }`,
  `with { a = 1; }; { b = 2; } // { inherit a; }`,
];

const versions = [
  "1.2",
  "1.2.0",
  "1.10",
  "1.2pre1",
  "1.2a",
  "1.2.pre",
  "",
  "2024-01-02",
  "20240102030405",
  "5",
  "a",
];

test("what it claims is what Nix says", () => {
  const pairs = versions.flatMap((a) =>
    versions.map((b) => `builtins.compareVersions ${JSON.stringify(a)} ${JSON.stringify(b)}`),
  );
  const cases = [...KNOWN, ...pairs];
  const truths = nixValues([...cases, ...UNSURE]);
  const claimed = [...cases, ...UNSURE].map(staticValue);
  const wrong = (index: number) => ({
    expression: [...cases, ...UNSURE][index],
    claimed: claimed[index],
    truth: truths[index],
  });
  const indexes = claimed.map((_, index) => index);
  expect(
    indexes.filter((index) => !agrees(claimed[index] as Plain, truths[index] as Plain)).map(wrong),
  ).toEqual([]);
  expect(
    indexes.filter((index) => index < cases.length && !isKnown(claimed[index] as Plain)).map(wrong),
  ).toEqual([]);
});

test("what it claims of random expressions is what Nix says", () => {
  const cases = fc.sample(expressions, { numRuns: 300, seed: 20_261_125 });
  const truths = nixValues(cases);
  const claimed = cases.map(staticValue);
  const wrong = cases.flatMap((expression, index) =>
    agrees(claimed[index] as Plain, truths[index] as Plain)
      ? []
      : [{ expression, claimed: claimed[index], truth: truths[index] }],
  );
  expect(wrong.sort((a, b) => a.expression.length - b.expression.length).slice(0, 3)).toEqual([]);
  // Most is known: agreement is not that of silence.
  expect(claimed.filter(isKnown).length).toBeGreaterThan(200);
});
