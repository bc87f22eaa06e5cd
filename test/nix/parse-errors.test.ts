import { beforeAll, describe, expect, it } from "vitest";
import { parseErrors } from "../../src/nix/parse-errors.ts";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";

let parser: DocumentParser;
beforeAll(async () => {
  parser = await createParser("nix");
});

/** The texts from each error's start to the end of its line. */
function errorsOf(text: string): string[] {
  const result = parser.parse(text);
  if (result.kind !== "document") throw new Error(result.reason);
  const errors = parseErrors(result.document.root).map(({ start }) => text.slice(start).split("\n")[0] ?? "");
  result.document.dispose();
  return errors;
}

describe("parseErrors", () => {
  it.each([
    "{ a = 1; }",
    "{\n  lib,\n  stdenv,\n}:\nlib",
    "{ lib, ... }@args:\nlib",
    "{\n  pkgs ? import ./. { },\n}@args:\npkgs",
    "args@{ a, b ? 1, }:\na",
    "{ a = ''${x}''; b = \"${y}\"; }",
  ])("finds none in %j", (text) => {
    expect(errorsOf(text)).toEqual([]);
  });

  it("finds a missing bracket, brace or semicolon", () => {
    expect(errorsOf("{ a = [ 1 2 ; b = 3; }")).not.toEqual([]);
    expect(errorsOf("{ a = 1 }")).not.toEqual([]);
    expect(errorsOf("{ a = 1;")).not.toEqual([]);
  });

  it("finds what the grammar does not know", () => {
    expect(errorsOf("{\n  a = 1;\n  b = [ 1 ] |> f;\n}")).toHaveLength(1);
  });

  it("stays small on a text that is all errors", () => {
    expect(errorsOf("; ".repeat(5_000)).length).toBeLessThanOrEqual(1_000);
  });
});
