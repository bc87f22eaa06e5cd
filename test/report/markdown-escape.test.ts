import fc from "fast-check";
import { marked, type Token } from "marked";
import { describe, expect, it } from "vitest";
import { code, codeBlock, prose } from "../../src/report/markdown-escape.ts";
import { allTokens, liveText } from "../support/markdown.ts";
import { hostileText } from "../support/reviews.ts";

/** Whatever an escaped text stands after: nothing, a list item, a sentence. */
const PREFIXES = ["", "- ", "  - ", "**high** ", "See: "];

function inlineOnly(tokens: readonly Token[]): string[] {
  const allowed = ["paragraph", "text", "codespan", "list", "list_item", "strong", "space", "escape"];
  return tokens.map(({ type }) => type).filter((type) => !allowed.includes(type));
}

describe.each([
  ["code", code],
  ["prose", prose],
])("%s", (_, escaped) => {
  it.each(PREFIXES)("leaves nothing alive after %j", (prefix) => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const markdown = `${prefix}${escaped(text)}`;
        const tokens = allTokens(marked.lexer(markdown));
        expect(inlineOnly(tokens), markdown).toEqual([]);
        expect(markdown).not.toContain("\n");
        expect(markdown).not.toContain("<!--");
        expect(liveText(tokens)).not.toMatch(/@|#\d|:\/\/|www\.|\bgh-\d|[0-9a-f]{7}|<|\$/i);
      }),
    );
  });
});

describe("code", () => {
  it.each([
    ["plain", "`plain`"],
    ["`", "`` ` ``"],
    ["a`b``c", "```a`b``c```"],
    [" x ", "`  x  `"],
    ["", "(empty)"],
    ["a\nb", "`a\\nb`"],
  ])("%j becomes %j", (value, expected) => {
    expect(code(value)).toBe(expected);
  });

  it("says what the value is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{1,30}$/), (value) => {
        fc.pre(!value.includes("<!--"));
        const [span] = allTokens(marked.lexer(`- ${code(value)}`)).filter(({ type }) => type === "codespan");
        expect(span && "text" in span && span.text).toBe(value);
      }),
    );
  });
});

describe("prose", () => {
  it.each([
    ["The hash changed, the version (1.2) did not.", "The hash changed, the version (1.2) did not."],
    ["ping @NixOS/security now", "ping `@NixOS/security` now"],
    ["see (https://example.org).", "see (`https://example.org`)."],
    ["fixes #12", "fixes `#12`"],
    ["1. item", "`1`. item"],
    ["an em — dash and rate of 5%", "an em — dash and rate of 5%"],
    ["deadbeef0", "`deadbeef0`"],
    ["<b>x</b>", "`<b>x</b>`"],
  ])("%j becomes %j", (text, expected) => {
    expect(prose(text)).toBe(expected);
  });
});

describe("codeBlock", () => {
  it("is one block, whatever is in it", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1 }), (lines) => {
        const tokens = marked.lexer(`${codeBlock(lines, "nix")}\nend`);
        expect(tokens.map(({ type }) => type)).toEqual(["code", "paragraph"]);
        expect(codeBlock(lines)).not.toContain("<!--");
      }),
    );
  });
});
