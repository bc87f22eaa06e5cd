import { expect, test } from "vitest";
import { createDocuments } from "../../src/nix/documents.ts";
import { evaluateAt } from "../../src/nix/evaluate.ts";
import { createSession, STEP_LIMIT } from "../../src/nix/session.ts";
import { pinsOf } from "../support/pins.ts";
import { A, B } from "../support/recipes.ts";

const PIN = `fetchurl { url = "https://example.org/x"; hash = "${A}"; }`;
const nest = (count: number, open: string, close: string, inner = PIN) =>
  open.repeat(count) + inner + close.repeat(count);
const steps = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join(" ");
/** A pin whose address is what an expression gives. */
const pinOf = (bindings: string, url: string) =>
  `let ${bindings} in { a = fetchurl { url = ${url}; hash = "${A}"; }; b = ${PIN.replace(A, B)}; }`;

/** Each within this; honest files take milliseconds, and the machine may be busy. */
const LIMIT_MILLISECONDS = 25_000;

test.each<[string, string]>([
  ["parentheses", nest(10_000, "(", ")")],
  ["lists", nest(10_000, "[", "]")],
  ["sets", nest(5_000, "{ a = ", "; }")],
  ["recursive sets", nest(3_000, "rec { a = ", "; }")],
  ["lets", nest(5_000, "let x = y; in ", "")],
  ["lets that look far out", `y: ${nest(5_000, "let x = 1; in ", "", pinOf("", "y + z"))}`],
  ["functions", nest(5_000, "a: ", "")],
  ["functions of sets", nest(3_000, "{ a ? 1, ... }@b: ", "")],
  ["withs", nest(5_000, "with a; ", "")],
  ["asserts", nest(5_000, "assert a; ", "")],
  ["conditions", nest(3_000, "if a then b else ", "")],
  ["calls", nest(3_000, "f (", ")")],
  ["calls of sets", nest(3_000, "f { a = ", "; }")],
  ["overrides", nest(2_000, "(x.overrideAttrs (old: { src = ", "; }))")],
  ["interpolations", pinOf("", nest(2_000, '"${', '}"', "x"))],
  ["negations", pinOf("", nest(10_000, "!", "", "x"))],
  ["sums", pinOf("", `"a"${' + "a"'.repeat(5_000)}`)],
  ["updates", `{ }${" // { a = 1; }".repeat(5_000)} // ${PIN}`],
  ["lists in a row", `{ patches = [ ]${` ++ [ (${PIN}) ]`.repeat(300)}; }`],
  ["applications in a row", `f${" x".repeat(5_000)} (${PIN})`],
  ["a path of attributes", pinOf("", `x${".a".repeat(1_000)}`)],
])("nested %s end", async (_, text) => {
  const start = performance.now();
  const pins = await pinsOf({ "p.nix": text }, "p.nix");
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
  // What is nested too deep is known less of, and not lost: its hash stands in the text.
  expect(pins.map(({ hash }) => hash)).toContain(A);
});

test.each<[string, string, string]>([
  ["a name that is itself", "x = x;", "x"],
  ["names in a circle", "x = y; y = z; z = x;", "x"],
  ["an attribute in a circle", "s = rec { a = b; b = a; };", "s.a"],
  ["a set that inherits itself", "s = { inherit (s) a; };", "s.a"],
  ["a set that is an update of itself", "s = s // { a = s.a; };", "s.a"],
  ["a with of itself", "s = with s; { inherit a; };", "s.a"],
  ["a function that calls itself", "f = x: f x;", "f 1"],
  ["a function that grows its argument", 'f = x: f (x + "a");', 'f "a"'],
  ["a function of itself", "w = x: x x;", "w w"],
  ["the fixpoint operator", "y = f: (x: f (x x)) (x: f (x x));", "y (self: self)"],
  ["lib.fix of itself", "", "lib.fix (self: self)"],
  ["lib.fix of a growing value", "", 'lib.fix (self: self + "a")'],
  ["functions that double calls", steps(60, (n) => `f${n + 1} = x: f${n} (f${n} x);`), 'f60 "a"'],
  ["texts that double", `x0 = "ab"; ${steps(60, (n) => `x${n + 1} = x${n} + x${n};`)}`, "x60"],
  [
    "interpolations that double",
    `x0 = "ab"; ${steps(60, (n) => `x${n + 1} = "\${x${n}}\${x${n}}";`)}`,
    "x60",
  ],
  ["unknown texts that double", steps(60, (n) => `x${n + 1} = "\${x${n}}-\${x${n}}";`), "x60"],
  [
    "lists that double",
    `x0 = [ "a" ]; ${steps(60, (n) => `x${n + 1} = x${n} ++ x${n};`)}`,
    "lib.concatStrings x60",
  ],
  [
    "lists of lists that double",
    `x0 = [ "a" ]; ${steps(60, (n) => `x${n + 1} = lib.concatLists [ x${n} x${n} ];`)}`,
    "lib.concatStrings x60",
  ],
  [
    "replacements that grow",
    `x0 = "aa"; ${steps(60, (n) => `x${n + 1} = builtins.replaceStrings [ "a" ] [ x${n} ] x${n};`)}`,
    "x60",
  ],
  [
    "texts that a function doubles",
    `x0 = "ab"; ${steps(60, (n) => `x${n + 1} = lib.concatMapStrings (y: x${n}) [ 1 2 ];`)}`,
    "x60",
  ],
  ["conditions that double", steps(60, (n) => `x${n + 1} = if c${n} then x${n} else "\${x${n}}";`), "x60"],
  [
    "sets that double",
    `x0 = { a = 1; }; ${steps(60, (n) => `x${n + 1} = { a = x${n}; b = x${n}; };`)}`,
    "x60",
  ],
  ["a file that imports itself", "x = import ./p.nix;", "x.a"],
  ["a package that calls itself", "x = callPackage ./p.nix { };", "x.a.url"],
])("%s ends, and keeps the pins beside", async (_, bindings, url) => {
  const start = performance.now();
  const pins = await pinsOf({ "p.nix": pinOf(bindings, url) }, "p.nix");
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
  expect(pins.map(({ hash }) => hash)).toEqual([A, B]);
  expect(pins[1]?.urls).toEqual([{ value: "https://example.org/x", resolved: true }]);
});

test.each([
  ["an infix", 'if lib.hasInfix y x then "a" else "b"'],
  ["a separator", 'if lib.splitString y x == [ ] then "a" else "b"'],
  ["what is replaced", 'builtins.replaceStrings [ y ] [ "" ] x'],
])("a long text is not looked for in a longer one, as %s", async (_, url) => {
  const half = "a".repeat(25_000);
  const long = `y = "${half}b${half}"; x = "${"a".repeat(2_000_000)}";`;
  const start = performance.now();
  await expect(pinsOf({ "p.nix": pinOf(long, url) }, "p.nix")).rejects.toThrow("more steps");
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
});

const digest = (index: number) =>
  `sha256-${Buffer.from(index.toString(16).padStart(64, "0"), "hex").toString("base64")}`;

test.each<[string, (lines: (line: (index: number) => string) => string) => string]>([
  [
    "calls",
    (lines) =>
      `{ ${lines((n) => `p${n} = fetchurl { url = "https://example.org/${n}"; hash = "${digest(n)}"; };`)} }`,
  ],
  [
    "sets",
    (lines) => `{ ${lines((n) => `p${n} = { url = "https://example.org/${n}"; hash = "${digest(n)}"; };`)} }`,
  ],
  ["a map", (lines) => `{ hashes = { ${lines((n) => `"p${n}" = "${digest(n)}";`)} }; }`],
  ["positional arguments", (lines) => `{ ${lines((n) => `p${n} = build "1.${n}" "${digest(n)}";`)} }`],
  [
    "a local function",
    (lines) =>
      `let build = hash: fetchurl { url = "https://example.org/x"; inherit hash; }; in { ${lines((n) => `p${n} = build "${digest(n)}";`)} }`,
  ],
])("5,000 hashes as %s end, and are pins", async (_, text) => {
  const count = 5_000;
  const file = text((line) => steps(count, line));
  const start = performance.now();
  const pins = await pinsOf({ "p.nix": file }, "p.nix");
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
  expect(pins.length).toBe(count);
});

test("20,000 hashes of a JSON file end, and are pins", async () => {
  const count = 20_000;
  const objects = Array.from({ length: count }, (_, n) => `"p${n}": { "hash": "${digest(n)}" }`);
  const start = performance.now();
  const pins = await pinsOf({ "p.json": `{ ${objects.join(",\n")} }` }, "p.json");
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
  expect(pins.length).toBe(count);
});

test("many hashes whose takers take long to work out end", async () => {
  const names = Array.from({ length: 200 }, (_, n) => `n${n}`);
  const slow = "f = n: if n == 0 then 1 else f (n - 1) + f (n - 1); slow = f 24;";
  const json = {
    "p/default.nix": `{ branch, fetchurl }: let ${slow} pins = builtins.fromJSON (builtins.readFile ./pins.json); in
      { inherit slow; src = fetchurl { url = "https://example.org/\${toString slow}"; inherit (pins.\${branch}) hash; }; }`,
    "p/pins.json": JSON.stringify(Object.fromEntries(names.map((name) => [name, { hash: A }]))),
  };
  const nix = {
    "p/pins.nix": `{ fetch }: fetch { ${names.map((name) => `${name} = "${A}";`).join(" ")} }`,
    "p/default.nix": `{ branch, fetchurl, callPackage }: let ${slow} in { inherit slow; pin = callPackage ./pins.nix {
      fetch = pins: fetchurl { url = "https://example.org/\${toString slow}"; hash = pins.\${branch}; }; }; }`,
  };
  const start = performance.now();
  expect(await pinsOf(json, "p/pins.json")).toHaveLength(names.length);
  expect(await pinsOf(nix, "p/pins.nix")).toHaveLength(names.length);
  expect(performance.now() - start).toBeLessThan(LIMIT_MILLISECONDS);
});

test("no step is taken beyond the limit", async () => {
  const text = `let f0 = x: ""; ${steps(22, (n) => `f${n + 1} = x: (f${n} x) + (f${n} x);`)} in f22 1`;
  const parsed = (await createDocuments()).get("x", text);
  if (parsed.kind !== "document") throw new Error(parsed.reason);
  const session = createSession({ get: () => null, siblings: () => [] });
  const file = { kind: "nix", path: "p.nix", text, document: parsed.document } as const;
  evaluateAt(session, file, parsed.document.root);
  expect(session.steps).toBeGreaterThan(STEP_LIMIT);
  expect(session.steps).toBeLessThan(2 * STEP_LIMIT);
});

test("evaluation stops after a number of steps, however few levels it takes them on, and says so", async () => {
  const doubled = (levels: number) =>
    pinOf(
      `f0 = x: ""; ${steps(levels, (n) => `f${n + 1} = x: (f${n} x) + (f${n} x);`)}`,
      `"https://example.org/x" + (f${levels} 1)`,
    );
  const resolved = async (levels: number) => {
    const pins = await pinsOf({ "p.nix": doubled(levels) }, "p.nix");
    return pins.find(({ hash }) => hash === A)?.urls.map((url) => url.resolved);
  };
  expect(await resolved(6)).toEqual([true]);
  await expect(resolved(17)).rejects.toThrow("more steps");
});
