/** Code in the words and inputs of shell commands: for the shell itself, and for others that start one. */
import { decodedTexts } from "./decode.ts";
import { FETCHES, shellsIn } from "./foreign.ts";
import type { Redirect } from "./model.ts";

/** A text that is code for somebody. */
export interface InnerCode {
  readonly text: string;
  /** As in a command's `within`. */
  readonly how: string;
  readonly language: "bash" | "python";
  /** What it prints is what the command prints. */
  readonly prints: boolean;
}

interface Words {
  readonly name: string;
  readonly words: readonly string[];
  readonly holds: readonly number[];
}

const SHELLS = /^(ba|da|z|k|a|fi)?sh$/;
const PYTHON = /^python[\d.]*$/;
/** Languages that start shells by a call, and the options behind which their code stands. */
const STARTS_SHELLS: Readonly<Record<string, RegExp>> = {
  perl: /^-[a-zA-Z]*[eE]$/,
  ruby: /^-[a-z]*e$/,
  node: /^(?:-[a-z]*[ep]|--eval|--print)$/,
  lua: /^-e$/,
  luajit: /^-e$/,
  php: /^-r$/,
  deno: /^eval$/,
  bun: /^-e$/,
  emacs: /^--?eval$/,
};
const SUBSTITUTED = /\$\((?:[^()]|\([^()]*\))*\)/g;

/** Is a word put into a file by a command that edits files? What it takes away is not. */
function isPutIn(name: string, words: readonly string[], index: number): boolean {
  if (name === "sed") return true;
  return /^substitute(?:InPlace)?$/.test(name) && /^--(?:replace|subst)/.test(words[index - 2] ?? "");
}

/** A sed script without what a first `s` looks for. */
function withoutPattern(script: string): string {
  const mark = /^[\d,$]*s([|/#,!@])/.exec(script);
  const end = mark ? script.indexOf(mark[1] ?? "", mark[0].length) : -1;
  return end < 0 ? script : script.slice(end + 1);
}

/** The code in a command's words. */
export function codeInWords({ name, words, holds }: Words): readonly InnerCode[] {
  const found: InnerCode[] = [];
  const add = (text: string, how: string, more: Partial<InnerCode> = {}) =>
    found.push({ text, how, language: "bash", prints: false, ...more });
  const isShell = SHELLS.test(name) || name === "su";
  const starts = Object.hasOwn(STARTS_SHELLS, name) ? STARTS_SHELLS[name] : undefined;
  for (const [index, text] of words.entries()) {
    const before = words[index - 1] ?? "";
    if (before === "--run" || (name === "--run" && index === 0)) add(text, "--run");
    else if (/^-[a-z]*c$/.test(before) && isShell) add(text, `${name} -c`, { prints: true });
    else if (/^-[a-zA-Z]*c$/.test(before) && PYTHON.test(name))
      add(text, `${name} -c`, { language: "python", prints: true });
    else if (starts?.test(before)) for (const inner of shellsIn(text)) add(inner.text, `${name} ${before}`);
    else if (/awk$/.test(name) && FETCHES.test(text))
      for (const inner of shellsIn(text)) add(inner.text, name);
    else if (isPutIn(name, words, index)) {
      // What a command printed is put in as it is: `sed -i "s/version = .*/version = \"$(curl …)\"/"`.
      const put = holds.length > 0 ? text.replace(SUBSTITUTED, "") : text;
      if (FETCHES.test(put))
        for (const inner of shellsIn(name === "sed" ? withoutPattern(put) : put)) add(inner.text, "file");
    }
  }
  if (name === "eval" && holds.length === 0) add(words.join(" "), "eval");
  if (name === "trap" && words[0]) add(words[0], "trap");
  for (const { text, how } of decodedTexts(words)) add(text, how);
  return found;
}

/** The code that a command reads as its input, or writes to a file that will be run. */
export function codeInInput(draft: Fed): readonly InnerCode[] {
  const written =
    draft.redirects.find((redirect) => redirect.operator.startsWith(">"))?.target ?? teeTarget(draft);
  const prints = draft.name === "echo" || draft.name === "printf";
  const text = draft.input ?? (prints ? draft.words.join("\n") : "");
  if (text === "") return [];
  const found: InnerCode[] = [];
  const add = (inner: string, how: string, language: InnerCode["language"] = "bash") =>
    found.push({ text: inner, how, language, prints: false });
  if (SHELLS.test(draft.name)) add(text, draft.name);
  else if (PYTHON.test(draft.name)) add(text, draft.name, "python");
  else if (Object.hasOwn(STARTS_SHELLS, draft.name))
    for (const inner of shellsIn(text)) add(inner.text, draft.name);
  else if (written !== undefined && isScriptFile(written, text)) add(text, "file");
  if (draft.input !== null) for (const { text: inner, how } of decodedTexts([draft.input])) add(inner, how);
  return found;
}

interface Fed {
  readonly name: string;
  readonly words: readonly string[];
  readonly redirects: readonly Redirect[];
  readonly input: string | null;
}

function teeTarget(draft: Fed): string | undefined {
  return draft.name === "tee" ? draft.words.find((word) => !word.startsWith("-")) : undefined;
}

function isScriptFile(file: string, text: string): boolean {
  const shebang = /^\s*#!(.*)/.exec(text)?.[1];
  if (shebang !== undefined) return /\b(ba|da|z|k)?sh\b/.test(shebang) || shebang.includes("__nix_");
  return /\.(sh|bash)$|\/bin\/|(^|[/.])(bash|zsh)?(rc|_profile|profile)$/.test(file);
}
