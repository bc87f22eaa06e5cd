/** Which program a command line runs. */
import { fileName } from "./source-file.ts";

/** Commands that run another one: its name is what matters. The options that take a word, by wrapper. */
const WRAPPERS: Readonly<Record<string, RegExp>> = {
  sudo: /^-[ugCp]$/,
  doas: /^-[uC]$/,
  env: /^-[uCS]$|^[A-Za-z_]\w*=/,
  exec: /^-a$/,
  command: /^$/,
  builtin: /^$/,
  time: /^$/,
  nohup: /^$/,
  setsid: /^$/,
  nice: /^-n$/,
  timeout: /^-[ks]$|^[\d.]+[smhd]?$/,
  stdbuf: /^-[ioe]$/,
  xargs: /^-[nILPdsaE]$/,
  busybox: /^$/,
  coproc: /^$/,
  // `$(shell …)` of make.
  shell: /^$/,
};

/** The words of the command that wrappers such as `sudo` and `env` run. `restore` puts Nix expressions back. */
export function unwrap(words: readonly string[], restore: (text: string) => string): readonly string[] {
  let rest = words;
  for (let rounds = 0; rounds < 5; rounds++) {
    const name = programName(restore(rest[0] ?? ""));
    const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
    if (!wrapper) break;
    let at = 1;
    for (; at < rest.length; at++) {
      const next = rest[at] ?? "";
      if (/^-[a-zA-Z]$/.test(next) && wrapper.test(next)) at++;
      else if (!next.startsWith("-") && !wrapper.test(next)) break;
    }
    if (at >= rest.length) break;
    rest = rest.slice(at);
  }
  return rest;
}

/** The program that a command word names: `${lib.getExe curl}`, `${pkgs.curl}/bin/curl` and `/usr/bin/curl` are curl. */
export function programName(given: string): string {
  // Before the program of a service stands how it is run: `ExecStartPre = "+/bin/sh …"`.
  const word = given.replace(/^[-+!:@|]+(?=\/|\$\{)/, "");
  const nix = /^\$\{([\s\S]*)\}([^}]*)$/.exec(word);
  if (nix) {
    const [, expression = "", rest = ""] = nix;
    if (rest.includes("/")) return fileName(rest);
    return rest === "" ? expressionName(expression) : word;
  }
  const placeholder = /^@(\w+)@$/.exec(word)?.[1];
  if (placeholder !== undefined) return expressionName(placeholder);
  if (word === "$SHELL" || word === "$BASH") return "sh";
  return /^(?:@\w+@|\$\w+)?\/(\S+\/)?s?bin\/[^/]+$/.test(word) ? fileName(word) : word;
}

/** A name that is worked out: what stands last in it says nothing. */
const WORKED_OUT = /^[\s(]*(?:\w+\.)*(?:replaceStrings|replaceChars|substring|fromJSON)\b/;

function expressionName(expression: string): string {
  if (WORKED_OUT.test(expression)) return `\${${expression}}`;
  const named = /getExe'\s+\S+\s+"([^"]+)"/.exec(expression)?.[1];
  if (named) return named;
  const inner = expression.replace(/^\(?\s*(?:lib\.)?getExe\s+\(?/, "").replace(/(?<!\))\)+$/, "");
  const names = inner.split(".");
  const last = names.at(-1) ?? "";
  if (last === "interpreter") return names.at(-2) ?? last;
  if (["runtimeShell", "shell", "bashInteractive", "bashNonInteractive"].includes(last)) return "bash";
  return /^[\w'-]+$/.test(last) ? last : `\${${expression}}`;
}
