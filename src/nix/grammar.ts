/** The tree-sitter grammars, loaded once per process from files beside the program. */
import { readFile } from "node:fs/promises";
import { Language, Parser } from "web-tree-sitter";
import { optimizeLater, optimizeNothingMore } from "../v8-flags.ts";
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

let runtime: Promise<void> | undefined;
const languages = new Map<GrammarName, Promise<Language>>();

async function load(name: GrammarName): Promise<Language> {
  runtime ??= wasm("web-tree-sitter.wasm", "web-tree-sitter/web-tree-sitter.wasm").then((wasmBinary) => {
    optimizeLater();
    return Parser.init({ instantiateWasm: instantiateWasm(wasmBinary) });
  });
  const file = `tree-sitter-${name}.wasm`;
  const [bytes] = await Promise.all([wasm(file, `@cursorless/tree-sitter-wasms/out/${file}`), runtime]);
  // To optimize its lexer takes four seconds.
  if (name === "bash") optimizeNothingMore();
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
