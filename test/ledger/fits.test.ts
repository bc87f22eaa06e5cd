/** Which records are about a pin: a match of the same hash from elsewhere lets nothing pass. */
import { expect, test } from "vitest";
import { fits } from "../../src/ledger/fits.ts";
import { makeRecord } from "../support/records.ts";

const own = "https://example.org/frob-1.tar.gz";
const other = "https://evil.example/frob-1.tar.gz";

test.each([
  ["the same location", [own], [own], true],
  ["another one", [other], [own], false],
  ["the same locations in another order", [other, own], [own, other], true],
  ["one of several, of which another may have answered", [own, other], [own], false],
  ["the same mirrors", ["mirror://gnu/frob/frob-1.tar.gz"], ["mirror://gnu/frob/frob-1.tar.gz"], true],
  [
    "a path of a mirror elsewhere",
    ["https://evil.example/frob/frob-1.tar.gz"],
    ["mirror://gnu/frob/frob-1.tar.gz"],
    false,
  ],
  ["no location, where the pin has one", [], [own], false],
  ["a location of the pin's, not its first", [other], [own, other], false],
  ["no location, of the package", [], [], true],
])("a record of %s", (_, seen, urls, expected) => {
  const record = makeRecord("frob", { urls: seen });
  expect(fits(record, { urls, resolved: true, rev: null, attrs: ["frob"] })).toBe(expected);
});
