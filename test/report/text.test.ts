import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatText } from "../../src/report/text.ts";
import { finding, hostileReview, pin, reviewOf } from "../support/reviews.ts";

const plain = { color: false };

describe("formatText", () => {
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
