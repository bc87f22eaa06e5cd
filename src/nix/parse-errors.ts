/** Where the parser gave up. */
import type { SyntaxNode } from "./syntax.ts";

/** A hostile file has an error at every character; what a report needs is where the first ones are. */
export const MOST_ERRORS = 1_000;

/**
 * The stretches of a text that the grammar could not read, in order: ERROR nodes, and places where a token had to be
 * put in. A trailing comma in a function's formals counts as such a place in the grammar's version of 2023, and is
 * valid Nix: it is left out.
 */
export function parseErrors(root: SyntaxNode): readonly { readonly start: number; readonly end: number }[] {
  const errors: { start: number; end: number }[] = [];
  const open = [root];
  for (let node = open.pop(); node !== undefined && errors.length < MOST_ERRORS; node = open.pop()) {
    if (isTrailingComma(node)) continue;
    if (node.type === "ERROR" || node.isMissing) {
      errors.push({ start: node.start, end: node.end });
    } else if (node.hasError) {
      for (let index = node.children.length - 1; index >= 0; index--) {
        const child = node.children[index];
        if (child) open.push(child);
      }
    }
  }
  return errors;
}

/** `{ a, }:` gives a formal whose name is missing, `{ a ? 1, }:` an ERROR that holds the comma alone. */
function isTrailingComma(node: SyntaxNode): boolean {
  const { parent } = node;
  if (node.type === "ERROR") {
    return parent?.type === "formals" && node.children.length === 1 && node.children[0]?.type === ",";
  }
  return node.isMissing && (parent?.type === "formals" || parent?.parent?.type === "formals");
}
