import fc from "fast-check";
import { marked } from "marked";
import { describe, expect, it } from "vitest";
import { helpAddress } from "../../src/report/help.ts";
import { formatMarkdown } from "../../src/report/markdown.ts";
import type { Pin } from "../../src/report/review.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { finding, hostileReview, pin, reviewOf } from "../support/reviews.ts";

describe("formatMarkdown", () => {
  it("says all of a review", () => {
    const review = reviewOf({ findings: [finding()], sources: [pin("pkgs/by-name/fr/frob/package.nix")] });
    expect(formatMarkdown(review)).toBe(`**Verifod**: 1 finding (1 high); 1 source pin changed

### Findings

- **high** \`pkgs/by-name/fr/frob/package.nix:14\`: The hash changed, the version and the location did not
  \`sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\` → \`sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\`
  The pin of frob 1.2 names other bytes than before.
  Ask upstream why v1.2 changed.
  - \`pkgs/by-name/fr/frob/package.nix:3\`: the version stayed 1.2
  [hash-changed-alone](${helpAddress("hash-changed-alone")}), high confidence, \`5f5f5f5f5f5f\`

### Source pins

- \`pkgs/by-name/fr/frob/package.nix\` \`src (fetchurl)\` changed
  - version: \`1.2\` → \`1.3\`
  - hash: \`sha256-A\` → \`sha256-B\`
`);
  });

  it("says of a pin what upstream said, with a link of ours", () => {
    const [from, to] = ["v1", "v2"].map((rev) => ({ rev, urls: ["https://github.com/acme/frob.git"] }));
    const change = pin("p/a.nix");
    const upstream = {
      project: "github.com/acme/frob",
      commit: "4".repeat(40),
      published: "2026-03-01T10:00:00Z",
      publisher: "ada",
      compare: "https://evil.example/",
      unknown: [],
    };
    const sources = [
      {
        ...change,
        change: "changed" as const,
        before: { ...(change.before as Pin), ...from },
        after: { ...(change.after as Pin), ...to },
        upstream,
      },
    ];
    expect(formatMarkdown(reviewOf({ sources }))).toContain(
      "\n  - asked: `v2` is `444444444444`, published `2026-03-01` by `ada`, [compare](https://github.com/acme/frob/compare/v1...v2)\n",
    );
  });

  it("keeps to its limit in whole pieces, and counts what it leaves out", () => {
    const findings = Array.from({ length: 3_000 }, (_, index) => finding({ path: `pkgs/${index}.nix` }));
    const text = formatMarkdown(reviewOf({ findings }), { limit: 10_000 });
    expect(text.length).toBeLessThanOrEqual(10_000);
    const shown = text.match(/^- \*\*high\*\*/gm)?.length ?? 0;
    expect(shown).toBeGreaterThan(10);
    expect(text).toContain(`${3_000 - shown} more not shown: findings.`);
  });

  it("links only to our pages, and mentions nobody, whatever the change holds", () => {
    fc.assert(
      fc.property(hostileReview, (review) => {
        const text = formatMarkdown(review);
        const tokens = allTokens(marked.lexer(text));
        const kinds = new Set(tokens.map(({ type }) => type));
        for (const kind of ["html", "image", "code", "table", "blockquote", "hr", "def"]) {
          expect(kinds, text).not.toContain(kind);
        }
        for (const token of tokens) {
          if (token.type === "link") expect(token.href).toBe(helpAddress("hash-changed-alone"));
        }
        expect(liveText(tokens)).not.toMatch(/@|#\d|:\/\/|www\.|gh-\d|<|\$/i);
        expect(text).not.toContain("<!--");
      }),
    );
  });
});
