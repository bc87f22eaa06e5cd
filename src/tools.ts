/** What reviews share: parsers, and what was read with them. */
import { type CallCache, createCallCache } from "./nix/attributes.ts";
import { createDocuments, type Documents } from "./nix/documents.ts";
import { createParser } from "./nix/parser.ts";
import type { ScriptParsers } from "./nix/scripts.ts";

/** What is loaded once per process: parsers, and the texts parsed so far. */
export interface Tools {
  readonly documents: Documents;
  readonly scripts: () => Promise<ScriptParsers>;
  /** What the package lists call. */
  readonly calls: CallCache;
}

export async function createTools(): Promise<Tools> {
  let parsers: Promise<ScriptParsers> | undefined;
  return {
    documents: await createDocuments(),
    calls: createCallCache(),
    // Two megabytes of grammars that most changes do not need.
    scripts: () => {
      parsers ??= Promise.all([createParser("bash"), createParser("python")]).then(([bash, python]) => ({
        bash,
        python,
      }));
      return parsers;
    },
  };
}
