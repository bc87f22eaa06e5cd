/** A text in a setting is read to its end, however much stands before what matters. */
import { expect, it } from "vitest";
import { reviewPairs } from "../support/review-pairs.ts";
import { textFile } from "../support/trees.ts";

const FILLER = Array.from({ length: 2_000 }, (_, index) => `Alias${index} name${index}`);

function moduleWith(lines: readonly string[]) {
  const text = `{ ... }:\n{\n  nix.extraOptions = ''\n${lines.map((line) => `    ${line}\n`).join("")}  '';\n}\n`;
  return new Map([["nixos/modules/frob.nix", textFile(text)]]);
}

it("a line behind thousands of others is found by the rules on directives", async () => {
  const [review] = await reviewPairs([
    {
      base: moduleWith(FILLER),
      head: moduleWith([...FILLER, "PermitRootLogin yes", "trusted-users = root mallory", "sandbox = false"]),
    },
  ]);
  expect(review?.complete).toBe(true);
  expect(review?.findings.map(({ rule }) => rule)).toEqual(
    expect.arrayContaining(["remote-access-weakened", "sandbox-escape-attr", "trust-anchor-added"]),
  );
});
