import { expect, test } from "vitest";
import { createParser } from "../../src/nix/parser.ts";
import { withoutUntouched } from "../../src/nix/untouched.ts";

/** Entries with all that could be taken for the end of one. */
const entry = (n: number) => `
  # a comment with " and '' and ; and {
  "p${n}" = callPackage ({ mkDerivation, base }: /* ; } */ mkDerivation {
    pname = "p${n}"; a = "\\"; \${"}" + toString { x = "\${y};"; }} $\${";
    script = ''
      echo ''\${x; } '''; ''\\n \${"\${z}''"} $''${"${"}b}; ${"x".repeat(4_000)}
    '';
    sha256 = "0000000000000000000000000000000000000000000000000000";
  }) { };
`;
const list = `{ pkgs }: self: {\n${Array.from({ length: 1_100 }, (_, n) => entry(n)).join("")}\n}\n`;

test("of a large list what did not change is blanked; what did stands where it stood, and can be parsed", async () => {
  const at = list.indexOf('"p700" =');
  const blanked = withoutUntouched(list, [{ start: at + 400, end: at + 410 }]);
  expect(blanked).toHaveLength(list.length);
  const first = blanked.search(/# a comment/);
  expect(blanked.slice(first)).toContain(list.slice(list.indexOf('"p700" ='), list.indexOf('"p701" =') - 60));
  expect(blanked.match(/"p\d+" =/g)).toEqual(['"p700" =']);
  expect(blanked.startsWith("{ pkgs }: self: {")).toBe(true);
  expect(blanked.trimEnd().endsWith("}")).toBe(true);
  const result = (await createParser("nix")).parse(blanked);
  expect(result.kind === "document" && result.document.root.hasError).toBe(false);
});

test("what is no large list, or cannot be told apart, stays as it is", () => {
  expect(withoutUntouched(entry(1), [])).toBe(entry(1));
  const broken = `}}${list}`;
  expect(withoutUntouched(broken, [])).toBe(broken);
  const all = [{ start: 0, end: list.length }];
  expect(withoutUntouched(list, all)).toBe(list);
});
