import { afterEach, expect, test } from "vitest";
import { openGitChange } from "../src/change/git.ts";
import { openRepository } from "../src/change/repository.ts";
import { createTools, gatherFacts } from "../src/facts.ts";
import { makeRepository, type TestFile, type TestRepository } from "./support/repository.ts";

let made: TestRepository | undefined;
afterEach(() => made?.remove());

async function factsOf(...commits: readonly Readonly<Record<string, TestFile>>[]) {
  made = makeRepository(...commits);
  const repository = await openRepository(made.directory);
  try {
    return await gatherFacts(await openGitChange(repository), await createTools(), null);
  } finally {
    repository.close();
  }
}

const variants = `{
  v1 = { version = "1.0"; src-hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="; };
  v2 = { version = "2.0"; src-hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="; };
}`;
const generic = (host: string) => `{ version, src-hash, ... }: { stdenv, fetchurl }:
stdenv.mkDerivation {
  pname = "frob";
  inherit version;
  src = fetchurl { url = "https://${host}/frob-\${version}.tar.gz"; hash = src-hash; };
}`;

test("a builder that fetches from elsewhere moves the pins of the files that it is called with", async () => {
  const { facts } = await factsOf(
    { "p/variants.nix": variants, "p/generic.nix": generic("old.example") },
    { "p/generic.nix": generic("new.example") },
  );
  expect(
    facts.sources.map(({ change, before, after }) => [change, before?.urls[0]?.value, after?.urls[0]?.value]),
  ).toEqual([
    ["changed", "https://old.example/frob-1.0.tar.gz", "https://new.example/frob-1.0.tar.gz"],
    ["changed", "https://old.example/frob-2.0.tar.gz", "https://new.example/frob-2.0.tar.gz"],
  ]);
});

test("what cannot be read is said, and the rest is read", async () => {
  const { facts, unchecked } = await factsOf(
    { "a.nix": "{ }" },
    {
      "a.nix": new Uint8Array([0x7b, 0, 0x7d]),
      "b.nix": `{ x = ${"a.".repeat(20_000)}a; }`,
      "c.nix": generic("a.example"),
    },
  );
  expect(unchecked).toEqual([
    { what: "a.nix", reason: "not a text (NUL byte)" },
    { what: "b.nix", reason: expect.stringContaining("parsing took longer") },
  ]);
  expect(facts.files).toHaveLength(3);
});
