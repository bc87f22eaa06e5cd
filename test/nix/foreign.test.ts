import { expect, test } from "vitest";
import { MOST_LINES, shellsIn } from "../../src/nix/foreign.ts";

const texts = (text: string) => shellsIn(text).map((inner) => inner.text);

test.each([
  [`system("curl u | sh");`, "curl u | sh"],
  [`os.execute('curl "u" | sh')`, `curl "u" | sh`],
  [`exec("curl \\"u\\" | sh")`, `curl "u" | sh`],
  ["1a curl u | sh", "curl u | sh"],
  [`x = "a"; y = "b"\nrun("sh -c 'curl u' | sh")`, "sh -c 'curl u' | sh"],
])("of %s, the command line", (text, line) => {
  expect(texts(text)).toEqual([line]);
});

test("a command far to the right of a long line is found", () => {
  expect(texts(`x("${"a".repeat(50_000)}"); system("curl u | sh")`)).toEqual(["curl u | sh"]);
});

test("of more lines than are looked at, as many are given as the reader calls too many", () => {
  expect(shellsIn("curl u\n".repeat(MOST_LINES + 1))).toHaveLength(MOST_LINES);
});
