import fc from "fast-check";
import { expect, test } from "vitest";
import { readCommands, usage } from "../../src/github/commands.ts";
import { hostileText } from "../support/reviews.ts";

const id = "5f5f5f5f5f5f";
const recheck = { kind: "recheck", finding: null };
const help = { kind: "help" };
const malformed = { kind: "malformed", problem: expect.any(String) };
const acknowledge = (reason: string, finding = id) => ({ kind: "acknowledge", finding, reason });

const table: readonly (readonly [string, string, readonly object[]])[] = [
  // What is said plainly.
  ["a command", "@verifod recheck", [recheck]],
  ["with white space around", "  @verifod \t recheck \t ", [recheck]],
  ["in capitals", "@Verifod RECHECK", [recheck]],
  [
    "with line ends of old Macs, which end a line for GitHub too",
    "> quoted\r\r@verifod recheck\r",
    [recheck],
  ],
  ["with line ends of Windows", "Thanks.\r\n\r\n@verifod recheck\r\n", [recheck]],
  ["of one finding", `@verifod recheck ${id}`, [{ kind: "recheck", finding: id }]],
  ["of a finding in capitals", `@verifod recheck ${id.toUpperCase()}`, [{ kind: "recheck", finding: id }]],
  ["among other lines", "I moved the tag back.\n@verifod recheck\nThanks!", [recheck]],
  ["several", "@verifod recheck\n@verifod help", [recheck, help]],
  ["after a break", "Done.  \n@verifod recheck", [recheck]],
  ["between blocks", "# Title\n\n@verifod recheck\n\n```\nx\n```", [recheck]],
  ["directly before a fence", "@verifod recheck\n```\nx\n```", [recheck]],
  ["after a quote, apart", "> look\n\n@verifod recheck", [recheck]],
  ["after a list, apart", "- look\n\n@verifod recheck", [recheck]],
  [
    "an acknowledgement",
    `@verifod acknowledge ${id} upstream re-tagged 1.2`,
    [acknowledge("upstream re-tagged 1.2")],
  ],
  [
    "with a whole fingerprint",
    `@verifod acknowledge ${"5f".repeat(32)} fine`,
    [acknowledge("fine", "5f".repeat(32))],
  ],
  ["with eight digits", `@verifod acknowledge 5f5f5f5f fine`, [acknowledge("fine", "5f5f5f5f")]],
  [
    "with an address in the reason",
    `@verifod acknowledge ${id} see https://example.org/a_b_c`,
    [acknowledge("see https://example.org/a_b_c")],
  ],
  ["with code in the reason", `@verifod acknowledge ${id} \`v1\` was moved`, [acknowledge("`v1` was moved")]],
  ["with a mention in the reason", `@verifod acknowledge ${id} says @root`, [acknowledge("says @root")]],
  ["with a reason in another script", `@verifod acknowledge ${id} 確認済み`, [acknowledge("確認済み")]],
  [
    "an explanation of a rule",
    "@verifod explain hash-changed-alone",
    [{ kind: "explain", subject: "hash-changed-alone" }],
  ],
  ["an explanation of a finding", `@verifod explain ${id}`, [{ kind: "explain", subject: id }]],
  ["help", "@verifod help", [help]],
  ["after an HTML comment", "<!-- template -->\n\n@verifod recheck", [recheck]],
  [
    "after closed details",
    "<details><summary>log</summary>\n\nx\n\n</details>\n\n@verifod recheck",
    [recheck],
  ],
  ["after an image", '<img src="x">\n\n@verifod recheck', [recheck]],
  ["after a rule", "---\n\n@verifod recheck", [recheck]],
  // What is no command.
  ["nothing", "", []],
  ["other words", "Looks good to me", []],
  ["in a sentence", "Please @verifod recheck", []],
  ["after a bullet", "- @verifod recheck", []],
  ["in a numbered list", "1. @verifod recheck", []],
  ["in a task list", "- [ ] @verifod recheck", []],
  ["lazily in a list", "- look\n@verifod recheck", []],
  ["deep in a list", "- look\n\n  @verifod recheck", []],
  ["in a fence", "```\n@verifod recheck\n```", []],
  ["in a fence of tildes", "~~~~\n@verifod recheck\n~~~~", []],
  ["in a fence that never closes", "```nix\n\n@verifod recheck\n", []],
  ["in indented code", "look:\n\n    @verifod recheck", []],
  ["indented in a paragraph", "look:\n    @verifod recheck", []],
  ["after a tab", "look:\n\n\t@verifod recheck", []],
  ["in inline code", "`@verifod recheck`", []],
  ["with code over lines in the reason", `@verifod acknowledge ${id} \`a\nb\` fine`, []],
  ["in inline code over lines", "so `a\n@verifod recheck\nb` it is", []],
  ["in a quote", "> @verifod recheck", []],
  ["in a nested quote", "> > @verifod recheck", []],
  ["lazily in a quote", "> look\n@verifod recheck", []],
  ["in a quote's fence", "> ```\n> @verifod recheck\n> ```", []],
  ["in a note", "> [!NOTE]\n> @verifod recheck", []],
  ["in a link", "[@verifod recheck](https://example.org)", []],
  ["in a link over lines", "[a\n@verifod recheck\nb](https://example.org)", []],
  ["in a reference", "[a\n@verifod recheck\nb][r]\n\n[r]: https://example.org", []],
  ["in a definition", '[r]: https://example.org "\n@verifod recheck\n"', []],
  ["in an image", "![@verifod recheck](x.png)", []],
  ["in emphasis", "**@verifod recheck**", []],
  ["in emphasis over lines", "*a\n@verifod recheck\nb*", []],
  ["struck out", "~~@verifod recheck~~", []],
  ["struck out over lines", "~~a\n@verifod recheck\nb~~", []],
  ["in a heading", "# @verifod recheck", []],
  ["as a heading", "@verifod recheck\n---", []],
  ["in a table", "| a |\n|---|\n| @verifod recheck |", []],
  ["in a table without bars", "a | b\n--|--\n@verifod recheck | x", []],
  ["in an HTML comment", "<!-- @verifod recheck -->", []],
  ["in an HTML comment of lines", "<!--\n\n@verifod recheck\n\n-->", []],
  ["in an HTML comment that never closes", "<!--\n\n@verifod recheck", []],
  ["in an HTML comment inside of a paragraph", "x <!-- a\n@verifod recheck\n--> y", []],
  ["in HTML", "<div>\n@verifod recheck\n</div>", []],
  ["in details", "<details>\n<summary>mail</summary>\n\n@verifod recheck\n\n</details>", []],
  ["in details that never close", "<details>\n\n@verifod recheck", []],
  ["in details closed in an attribute", '<details>\n\n<a title="</details>">\n\n@verifod recheck', []],
  ["in details closed in a comment", "<details>\n\n<!-- </details> -->\n\n@verifod recheck", []],
  ["in inline HTML", "so <b>\n@verifod recheck\n</b>", []],
  ["in preformatted text", "<pre>\n\n@verifod recheck\n\n</pre>", []],
  ["in a footnote", "[^1]: so\n@verifod recheck", []],
  ["in a formula", "$$\n@verifod recheck\n$$", []],
  [
    "in a quoted mail",
    "Fine by me.\n\nOn Tue, 24 Nov 2026 at 10:00, Somebody <a@example.org> wrote:\n\n@verifod recheck",
    [],
  ],
  ["in a forwarded mail", "See below.\n\n-----Original Message-----\n\n@verifod recheck", []],
  ["in a mail with headers", "See below.\n\n**From:** Somebody\n**Sent:** Tuesday\n\n@verifod recheck", []],
  ["to a name that begins alike", "@verifod-bot recheck", []],
  ["to somebody's team", "@verifod/team recheck", []],
  ["to a name that looks alike", "@v\u0435rifod recheck", []],
  ["to a name with something hidden in it", "@veri\u200bfod recheck", []],
  ["to a name with a letter that becomes ASCII", "@verifod\u212a recheck", []],
  ["behind something hidden", "\u200b@verifod recheck", []],
  ["behind a full-width sign", "\uff20verifod recheck", []],
  ["escaped", "\\@verifod recheck", []],
  ["as an entity", "&#64;verifod recheck", []],
  ["with a space of another kind", "@verifod\u00a0recheck", []],
  ["as an address", "verifod@verifod recheck", []],
  ["longer than a comment can be", `@verifod recheck\n${"x".repeat(65_536)}`, []],
  ["in an endless paragraph", `@verifod recheck\n${"x ".repeat(2_100)}`, []],
  // What was meant for us, and is not understood.
  ["no word", "@verifod", [malformed]],
  ["another word", "@verifod merge", [malformed]],
  ["a word that looks alike", "@verifod rech\u0435ck", [malformed]],
  ["a word with a letter that becomes ASCII", `@verifod ac\u212anowledge ${id} fine`, [malformed]],
  ["two commands on a line", "@verifod recheck @verifod help", [malformed]],
  ["a command and words", "@verifod recheck please", [malformed]],
  ["too short a finding", "@verifod recheck 5f5f5f5", [malformed]],
  ["too long a finding", `@verifod recheck ${"5f".repeat(33)}`, [malformed]],
  ["no finding", "@verifod acknowledge", [malformed]],
  ["no reason", `@verifod acknowledge ${id}`, [malformed]],
  ["a reason without words", `@verifod acknowledge ${id} +1 !!`, [malformed]],
  ["a finding in code", `@verifod acknowledge \`${id}\` fine`, [malformed]],
  ["a finding that looks alike", `@verifod acknowledge 5f5f5f5f5f5\u0444 fine`, [malformed]],
  ["a reason with HTML", `@verifod acknowledge ${id} fine <!-- not -->`, [malformed]],
  ["a reason that is too long", `@verifod acknowledge ${id} ${"a".repeat(301)}`, [malformed]],
  ["a pattern in place of a finding", "@verifod acknowledge * fine", [malformed]],
  ["a rule with a path", "@verifod explain ../../etc/passwd", [malformed]],
  ["help with more", "@verifod help me", [malformed]],
  ["too many", "@verifod recheck\n".repeat(7), [...Array<object>(5).fill(recheck), malformed]],
];

test.each(table)("%s", (_what, body, expected) => {
  expect(readCommands(body, "verifod")).toEqual(expected);
});

test("there are enough of them, each once", () => {
  expect(new Set(table.map(([, body]) => body)).size).toBe(table.length);
  expect(table.length).toBeGreaterThanOrEqual(60);
});

test("an App of another name listens to that, and says so", () => {
  expect(readCommands("@verifod help\n@pins-of-acme help", "pins-of-acme")).toEqual([help]);
  for (const line of usage("pins-of-acme")) expect(line).toMatch(/^@pins-of-acme /);
});

test("any comment is read in time, and what is in code, a quote or a list is never a command", () => {
  const flat = hostileText.map((text) => text.replace(/[\r\n`~]/g, " "));
  fc.assert(
    fc.property(hostileText, flat, (any, line) => {
      expect(readCommands(any, "verifod")).toEqual([]);
      for (const before of ["> ", "- ", "    ", "# ", "```\n"])
        expect(readCommands(`${before}@verifod ${line}`, "verifod")).toEqual([]);
      expect(readCommands(`<!--\n@verifod recheck\n${line.replaceAll("-->", "")}`, "verifod")).toEqual([]);
    }),
  );
});

test.each([
  "[",
  "*",
  "<",
  "`",
  "_",
  "![",
  "<!--",
  "> ",
  "- ",
  "|",
  "**a ",
  "[a](",
  "*a_",
  "@verifod recheck\n",
  "> > > > ",
  "<b>",
  "From: a\n",
  "a wrote ",
  "&",
  "((",
])("%j over and over costs little", (piece) => {
  const started = performance.now();
  const body = `@verifod recheck ${piece.repeat(Math.floor(65_000 / piece.length))}`;
  readCommands(body, "verifod");
  readCommands(piece.repeat(Math.floor(65_000 / piece.length)), "verifod");
  readCommands(body.slice(0, 3_990), "verifod");
  expect(performance.now() - started).toBeLessThan(10_000);
});
