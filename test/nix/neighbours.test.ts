import { expect, test } from "vitest";
import { holdsHashes, namedBelow, namesFile, takesAsScript, takesHashes } from "../../src/nix/neighbours.ts";
import type { SourceFile } from "../../src/nix/source-file.ts";

const file = (text: string, path = "p/default.nix"): SourceFile => ({ kind: "text", path, text });

test("a text takes hashes from elsewhere, or holds them", () => {
  expect(takesHashes("inherit (release) version sha256;")).toBe(true);
  expect(takesHashes("inherit version;")).toBe(false);
  expect(holdsHashes('{ src-hash = ""; }')).toBe(true);
  expect(holdsHashes('f "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="')).toBe(true);
  expect(holdsHashes('{ version = "1.0"; }')).toBe(false);
});

test("the files that a text names in its folder and below, unless they are many", () => {
  const text = "callPackage ./generic.nix {} + import ./plugins + ./fix.patch + ../other.nix";
  expect(namedBelow(file(text))).toEqual(["p/generic.nix", "p/plugins/default.nix"]);
  expect(namedBelow(file(Array.from({ length: 13 }, (_, n) => `./${n}.nix`).join(" ")))).toEqual([]);
});

test.each([
  ["import ./version.nix", "p/version.nix", true],
  ["import ./sub/version.nix", "p/sub/version.nix", true],
  ["import ./sub", "p/sub/default.nix", true],
  ["importJSON ./pin.json", "p/pin.json", true],
  ["src = ./pin.json", "p/pin.json", false],
  ["import ./other.nix", "p/version.nix", false],
])("%s names %s: %s", (text, path, expected) => {
  expect(namesFile(file(text), path)).toBe(expected);
});

test.each([
  ["postInstall = ''sh -e ${./setup.dat}'';", "p/setup.dat", true],
  ["x = ./setup;", "p/setup", true],
  ["x = ./setup.sh;", "p/setup", false],
  ["x = ../setup;", "p/setup", false],
  ["x = ./notes.md;", "p/notes.md", false],
  ["builder = ./notes.md;", "p/notes.md", true],
  ["args = [ ./a.txt ./notes.md ];", "p/notes.md", true],
  ["postInstall = builtins.readFile ./notes.md;", "p/notes.md", true],
  ["./notes.md ".repeat(1_001), "p/notes.md", true],
])("%s takes %s as a script: %s", (text, path, expected) => {
  expect(takesAsScript(file(text), path)).toBe(expected);
});
