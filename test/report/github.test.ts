import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatGithub } from "../../src/report/github.ts";
import { visible } from "../../src/report/visible.ts";
import { finding, hostileReview, reviewOf } from "../support/reviews.ts";

/** A line as the runner reads it: https://github.com/actions/runner, ActionCommand.cs */
function parse(line: string): { command: string; properties: Record<string, string>; data: string } | null {
  const match = /^::([a-z-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/.exec(line);
  if (match === null) return null;
  const [, command = "", list = "", data = ""] = match;
  const decode = (text: string) =>
    text
      .replaceAll("%2C", ",")
      .replaceAll("%3A", ":")
      .replaceAll("%0A", "\n")
      .replaceAll("%0D", "\r")
      .replaceAll("%25", "%");
  const properties = list.split(",").map((pair): [string, string] => {
    const equals = pair.indexOf("=");
    return [pair.slice(0, equals), decode(pair.slice(equals + 1))];
  });
  return { command, properties: Object.fromEntries(properties), data: decode(data) };
}

describe("formatGithub", () => {
  it("is an annotation for each finding, the most severe first, and a line for what was not checked", () => {
    const review = reviewOf({
      complete: false,
      findings: [
        finding({ severity: "low", path: "a.nix" }),
        finding({ severity: "block", path: "b,c:d.nix" }),
      ],
      unchecked: [{ what: "big.nix", reason: "too large" }],
    });
    const lines = formatGithub(review).trimEnd().split("\n");
    expect(lines.map(parse)).toEqual([
      {
        command: "error",
        properties: {
          file: "b,c:d.nix",
          line: "14",
          endLine: "14",
          col: "12",
          endColumn: "66",
          title: "hash-changed-alone (block): The hash changed, the version and the location did not",
        },
        data: expect.stringContaining("Ask upstream why v1.2 changed.\nsha256-AAA"),
      },
      expect.objectContaining({ command: "notice" }),
      {
        command: "warning",
        properties: { title: "verifod could not check" },
        data: "big.nix: too large",
      },
      null,
    ]);
    expect(lines.at(-1)).toBe("verifod: 2 findings (1 block, 1 low); no source pins changed; 1 not checked");
  });

  it("stands on the file where the line is one of the base", () => {
    const [line = ""] = formatGithub(reviewOf({ findings: [finding({ side: "base" })] })).split("\n");
    expect(Object.keys(parse(line)?.properties ?? {})).toEqual(["file", "title"]);
  });

  it("says what the change says, also where that looks like an escape of the runner", () => {
    const [line = ""] = formatGithub(
      reviewOf({ findings: [finding({ path: "a%0Ab%2C.nix", message: "100%0A" })] }),
    ).split("\n");
    expect(parse(line)?.properties.file).toBe("a%0Ab%2C.nix");
    expect(parse(line)?.data).toContain("100%0A");
  });

  it("has no line that a change could write, whatever it holds", () => {
    fc.assert(
      fc.property(hostileReview, (review) => {
        const lines = formatGithub(review).split(/\r\n|\n|\r/);
        expect(lines).toHaveLength(review.findings.length + review.unchecked.length + 2);
        for (const line of lines.slice(0, -2))
          expect(line).toMatch(/^::(error|warning|notice) (file|title)=/);
        const files = lines.map((line) => parse(line)?.properties.file).filter((file) => file !== undefined);
        expect(files.sort()).toEqual(review.findings.map(({ path }) => visible(path, 5_000)).sort());
        expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u);
      }),
    );
  });
});
