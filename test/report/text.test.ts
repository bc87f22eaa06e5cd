import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatText } from "../../src/report/text.ts";
import { finding, hostileReview, pin, reviewOf } from "../support/reviews.ts";

const plain = { color: false };

describe("formatText", () => {
  it("says of a pin in one line what upstream said, and what it was not asked", () => {
    const { before, after, ...change } = pin("p/a.nix");
    if (!before || !after) throw new Error("a changed pin has two sides");
    const at = (rev: string) => ({ rev, urls: ["https://github.com/acme/frob.git"] });
    const frob = { ...change, change: "changed" as const, before: { ...before, ...at("v1") } };
    const upstream = {
      project: "github.com/frob-project/frob",
      commit: "4".repeat(40),
      published: "2026-03-01T10:00:00Z",
      publisher: "ada",
      compare: null,
      missing: ["the file of the release"],
      unknown: ["the commit: the rate limit of GitHub is reached"],
    };
    const text = formatText(
      reviewOf({ sources: [{ ...frob, after: { ...after, ...at("v2") }, upstream }] }),
      plain,
    );
    expect(text.split("\n").filter((line) => line.includes("asked"))).toEqual([
      "      asked   v2 is 444444444444, published 2026-03-01 by ada, now called github.com/frob-project/frob, not there: the file of the release, could not ask the commit: the rate limit of GitHub is reached, https://github.com/acme/frob/compare/v1...v2",
    ]);
    const many = Array.from({ length: 21 }, (_, index) => ({ ...pin("p/a.nix", `a${index}`), upstream }));
    expect(formatText(reviewOf({ sources: many }), plain)).toContain("upstream could not be asked of 21");
  });

  it("groups by file, with before and after, the reason, and the counts", () => {
    const review = reviewOf({
      complete: false,
      findings: [finding()],
      sources: [pin("pkgs/by-name/fr/frob/package.nix")],
      unchecked: [{ what: "pkgs/big.nix", reason: "parsing took longer than 2000 ms" }],
      suppressed: [
        { rule: "tests-disabled", path: "pkgs/x.nix", line: 3, reason: "no network", fingerprint: "ab" },
      ],
      addedSuppressions: [{ path: "pkgs/x.nix", line: 9, rules: ["stale-hash-on-bump"], reason: "trust me" }],
    });
    expect(formatText(review, plain)).toBe(`pkgs/by-name/fr/frob/package.nix
  ~ src (fetchurl) changed
      version 1.2 → 1.3
      hash    sha256-A → sha256-B
  14:12  high  The hash changed, the version and the location did not  hash-changed-alone
      sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= → sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=
      The pin of frob 1.2 names other bytes than before.
      Ask upstream why v1.2 changed.
      pkgs/by-name/fr/frob/package.nix:3: the version stayed 1.2
      explained by: verifod explain hash-changed-alone; finding 5f5f5f5f5f5f

Suppressed
  pkgs/x.nix:3 tests-disabled: no network

Suppressions that this change adds: they count once they stand in the base
  pkgs/x.nix:9 stale-hash-on-bump: trust me

Not checked
  pkgs/big.nix: parsing took longer than 2000 ms

1 finding (1 high); 1 source pin changed; 1 suppressed; 1 not checked
`);
  });

  it("is one line when there is nothing to say", () => {
    expect(formatText(reviewOf(), plain)).toBe("no findings; no source pins changed\n");
  });

  it("tells a file that was regenerated en masse in one line", () => {
    const sources = Array.from({ length: 1_000 }, (_, index) => pin("pkgs/hackage.nix", `p${index}.src`));
    const text = formatText(reviewOf({ sources }), plain);
    expect(text.split("\n")).toHaveLength(5);
    expect(text).toContain("1000 source pins differ: 1000 changed");
  });

  it("colours what a terminal can show, and only then", () => {
    const review = reviewOf({ findings: [finding()] });
    expect(formatText(review, { color: true })).toContain("\x1b[31mhigh\x1b[39m");
    expect(formatText(review, plain)).not.toContain("\x1b");
  });

  it("gives neither terminal nor runner a command, whatever the change holds", () => {
    fc.assert(
      fc.property(hostileReview, (review) => {
        const text = formatText(review, plain);
        expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]|\p{Bidi_Control}/u);
        for (const line of text.split("\n")) expect(line).not.toMatch(/^\s*::|##\[/);
      }),
    );
  });
});
