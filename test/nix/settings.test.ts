import { beforeAll, describe, expect, it } from "vitest";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { settingsOf } from "../../src/nix/settings.ts";

let nix: DocumentParser;
beforeAll(async () => {
  nix = await createParser("nix");
});

function settings(text: string, region = { start: 0, end: text.length }) {
  const result = nix.parse(text);
  if (result.kind !== "document") throw new Error(result.reason);
  try {
    return settingsOf({ kind: "nix", path: "x.nix", text, document: result.document }, [region]);
  } finally {
    result.document.dispose();
  }
}

describe("a value", () => {
  it.each([
    ["false", { kind: "bool", value: false }],
    ["null", { kind: "null" }],
    ["22", { kind: "number", value: 22 }],
    ['"a${b}"', { kind: "string", value: "a${b}" }],
    ["lib.mkDefault true", { kind: "bool", value: true }],
    ["with lib.maintainers; [ a b ]", { kind: "list", items: ["a", "b"] }],
    [
      '[ "a" (b c) ] ++ lib.optionals x [ d ] ++ e',
      { kind: "list", items: ["a", "b c", "d", "e"], when: ["", "", "x", ""] },
    ],
    ["[ ] ++ lib.optional (x y) ./z", { kind: "list", items: ["./z"], when: ["x y"] }],
    ["lib.optional x a", { kind: "list", items: ["a"] }],
    ['lib.optionalString x "a"', { kind: "string", value: "a" }],
    ["if x then [ 1 ] else [ 2 ]", { kind: "list", items: ["1", "2"], when: ["x", "!(x)"] }],
    ["lib.mkMerge [ (lib.mkIf x [ 1 ]) [ 2 ] ]", { kind: "list", items: ["1", "2"], when: ["x", ""] }],
    ['lib.singleton "a"', { kind: "list", items: ["a"] }],
    ['"a" + "b" + c', { kind: "string", value: "ab${c}" }],
    ['pkgs.writeText "x" "a b"', { kind: "string", value: "a b" }],
    [
      "if x then true else false",
      {
        kind: "other",
        options: [
          { kind: "bool", value: true },
          { kind: "bool", value: false },
        ],
      },
    ],
    ["!x", { kind: "other" }],
    ["let y = true; in y", { kind: "bool", value: true }],
  ])("of %s", (text, value) => {
    expect(settings(`{ a = ${text}; }`).at(-1)?.value).toEqual(value);
  });
});

it("is named from the root, through functions, calls and conditions", () => {
  const text = '{ lib, safe ? false }: { config = lib.mkIf cfg.on { a."b" = f { c = 1; }; }; }';
  expect(settings(text).map(({ attributes, conditions }) => [attributes.join("."), ...conditions])).toEqual([
    ["safe"],
    ["config.a.b", "cfg.on"],
    ["config.a.b.c", "cfg.on"],
  ]);
});

it("has its text without comments and line breaks", () => {
  expect(settings("{ a = [\n  1 # one\n  2\n]; }")[0]?.text).toBe("[1 2]");
});

it("is the one around a region that is empty", () => {
  const text = "{ a = [\n  1\n]; b = 2; }";
  const at = text.indexOf("]");
  expect(settings(text, { start: at, end: at }).map(({ attributes }) => attributes.join("."))).toEqual(["a"]);
});

it("ends with lists of lists of lists", () => {
  const names = Array.from(
    { length: 8 },
    (_, index) =>
      `a${index} = ${Array(60)
        .fill(`a${index + 1}`)
        .join(" ++ ")};`,
  );
  const found = settings(`let ${names.join(" ")} a8 = [ 1 ]; in { x = a0; }`).at(-1);
  expect(found?.value.kind === "list" && found.value.items.length).toBeLessThan(1_000);
});

it("ends with ifs in ifs of lists", () => {
  const nested = (depth: number): string =>
    depth === 0 ? "[ a ]" : `(if c then ${nested(depth - 1)} else ${nested(depth - 1)})`;
  // Looked at twice at each depth, they take more than a minute.
  const found = settings(`{ ${Array.from({ length: 200 }, (_, n) => `x${n} = ${nested(8)};`).join(" ")} }`);
  expect(found).toHaveLength(200);
  expect(found.every(({ value }) => value.kind === "list" && value.items.length === 2 ** 8)).toBe(true);
});
