import { beforeAll, describe, expect, it } from "vitest";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { readShell } from "../../src/nix/shell.ts";

let bash: DocumentParser;
beforeAll(async () => {
  bash = await createParser("bash");
});

/** The commands as `name word word`, without assignments that stand alone. */
function lines(text: string): string[] {
  return readShell(bash, text)
    .commands.filter(({ name }) => name !== "")
    .map(({ name, words }) => [name, ...words].join(" "));
}

describe("words", () => {
  it.each([
    ["c''url a", "curl a"],
    ['"cu"rl a', "curl a"],
    ["c\\url a", "curl a"],
    ["$'\\x63\\165rl' a", "curl a"],
    ["x=cu; ${x}rl a", "curl a"],
    ["x=cu; x+=rl; $x a", "curl a"],
    ["$(echo curl) a", "curl a"],
    ["/usr/bin/curl a", "curl a"],
    ["sudo -u me env A=b timeout 5 curl a", "curl a"],
    ["foo ''", "foo "],
    ['foo "$bar" ${baz:-1} "a $b c"', "foo $bar ${baz:-1} a $b c"],
    ["./configure --prefix=$out", "./configure --prefix=$out"],
  ])("of %s", (text, line) => {
    expect(lines(text).at(-1)).toBe(line);
  });

  it("may be names that every object has", () => {
    expect(lines("constructor a; toString b")).toEqual(["constructor a", "toString b"]);
  });

  it("says that a name is put together from pieces", () => {
    const disguised = (text: string) => readShell(bash, text).commands.at(-1)?.disguised;
    expect(disguised("c''url a")).toBe(true);
    expect(disguised('x=cu; $x"rl" a')).toBe(true);
    expect(disguised("\\rm a")).toBe(false);
    expect(disguised('"$out/bin/x" a')).toBe(false);
    expect(disguised("x=curl; $x a")).toBe(false);
  });
});

describe("what flows into a command", () => {
  const into = (text: string, name: string) => {
    const { commands } = readShell(bash, text);
    const command = commands.find((each) => each.name === name);
    const names = (indexes: readonly number[] = []) => indexes.map((index) => commands[index]?.name);
    return { reads: names(command?.reads), holds: names(command?.holds) };
  };

  it.each([
    ["a | b | sh", ["b"]],
    ["sh <(a)", ["a"]],
    ["sh < <(a)", ["a"]],
    ["(a; b) | sh", ["a", "b"]],
    ["if x; then a; fi | sh", ["x", "a"]],
    ["cat <<EOF | sh\nfoo\nEOF", ["cat"]],
  ])("reads in %s", (text, reads) => {
    expect(into(text, "sh").reads).toEqual(reads);
  });

  it.each([
    ['eval "$(a)"', ["a"]],
    ['x=$(a); eval "$x"', ["a"]],
    ["eval `a`", ["a"]],
  ])("holds in %s", (text, holds) => {
    expect(into(text, "eval").holds).toEqual(holds);
  });
});

describe("code inside a script", () => {
  it.each([
    ["sh -c 'rm a'", "rm a", ["sh -c"]],
    ["wrapProgram $out/bin/x --run 'rm a'", "rm a", ["--run"]],
    ["cat > $out/bin/x <<'EOF'\n#!/bin/sh\nrm a\nEOF", "rm a", ["file"]],
    ["echo 'rm a' >> ~/.bashrc", "rm a", ["file"]],
    ["find . -exec rm a {} \\;", "rm a {}", ["find -exec"]],
    ["echo cm0gLXJmIC9ob21lL3VzZXI= | base64 -d", "rm -rf /home/user", ["base64"]],
    ["bash <<< 'rm a'", "rm a", ["bash"]],
    ["eval 'rm a'", "rm a", ["eval"]],
  ])("of %s", (text, line, within) => {
    const command = readShell(bash, text).commands.find(({ name }) => name === "rm");
    expect(command && [command.name, ...command.words].join(" ")).toBe(line);
    expect(command?.within).toEqual(within);
  });

  it("is not looked for without end", () => {
    const nest = (text: string, times: number): string =>
      times === 0 ? text : nest(`sh -c ${JSON.stringify(text)}`, times - 1);
    expect(lines(nest("rm a", 6))).not.toContain("rm a");
  });
});

it("says when a failure is ignored", () => {
  const tolerated = (text: string) => readShell(bash, text).commands.map((command) => command.tolerated);
  expect(tolerated("a | b || true")).toEqual([true, true, false]);
  expect(tolerated("a && true")).toEqual([false, false]);
});

it("says when it could not read a text, and gives what it could", () => {
  const reading = readShell(bash, "rm a\nif then fi (");
  expect(reading.parsed).toBe(false);
  expect(readShell(bash, "rm a").parsed).toBe(true);
});

it("stays within limits", () => {
  const reading = readShell(bash, "a\n".repeat(20_000));
  expect(reading.commands.length).toBeLessThanOrEqual(4_000);
  expect(reading.parsed).toBe(false);
  expect(readShell(bash, "a ".repeat(600_000)).parsed).toBe(false);
});

it.each([
  ["subshells", `${"( ".repeat(5_000)}a${" )".repeat(5_000)}`],
  ["substitutions", `${"$( ".repeat(5_000)}a${" )".repeat(5_000)}`],
  ["quotes", `${'"$('.repeat(2_000)}a${')"'.repeat(2_000)}`],
  ["conditions", `${"if a; then ".repeat(5_000)}b${"; fi".repeat(5_000)}`],
  ["a list", `${"a && ".repeat(5_000)}b`],
])("very deep %s end, and are not taken for read", (_, text) => {
  expect(readShell(bash, text).parsed).toBe(false);
});

it("a variable that doubles itself ends", () => {
  const doubling = `a=xxxxxxxxxx\n${"a=$a$a\n".repeat(60)}echo $a`.replaceAll("\\n", "\n");
  expect(readShell(bash, doubling).commands.at(-1)?.words.join("").length).toBeLessThan(100_000);
});
