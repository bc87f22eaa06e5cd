/** The tree-sitter grammars, loaded once per process from files beside the program. */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { Language, Parser } from "web-tree-sitter";
import { instantiateWasm } from "./tree-memory.ts";

export type GrammarName = "nix" | "bash" | "python";

// Built programs carry the grammars in dist/wasm/ (scripts/build.mjs copies them); sources find them in node_modules.
async function wasm(bundled: string, specifier: string): Promise<Uint8Array> {
  try {
    return await readFile(new URL(`./wasm/${bundled}`, import.meta.url));
  } catch {
    return readFile(new URL(import.meta.resolve(specifier)));
  }
}

/**
 * V8 optimizes the lexer of a grammar after a few parses, and a program does not end before that is done. With this budget
 * (about the bytes of code that run before; 1.8 million by default) only long runs pay for it.
 * https://v8.dev/docs/wasm-compilation-pipeline
 */
const OPTIMIZE_AFTER = "--wasm-tiering-budget=100000000";
/** For Bash it takes several seconds, more than any one review takes without. V8 reads these when code first runs. */
const OPTIMIZE_NOTHING = ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"];

let runtime: Promise<void> | undefined;
const languages = new Map<GrammarName, Promise<Language>>();

async function load(name: GrammarName): Promise<Language> {
  runtime ??= wasm("web-tree-sitter.wasm", "web-tree-sitter/web-tree-sitter.wasm").then((wasmBinary) => {
    // Other threads are there for long runs.
    if (isMainThread) setFlagsFromString(OPTIMIZE_AFTER);
    return Parser.init({ instantiateWasm: instantiateWasm(wasmBinary) });
  });
  const file = `tree-sitter-${name}.wasm`;
  const [bytes] = await Promise.all([wasm(file, `@cursorless/tree-sitter-wasms/out/${file}`), runtime]);
  if (isMainThread && name === "bash") for (const flag of OPTIMIZE_NOTHING) setFlagsFromString(flag);
  return Language.load(bytes);
}

/** The grammar of a language; loading happens on first use. */
export function loadGrammar(name: GrammarName): Promise<Language> {
  let language = languages.get(name);
  if (!language) {
    language = load(name);
    languages.set(name, language);
  }
  return language;
}
