/** JSON as values that keep their place in the file. */
import { createScanner, type Node as JsonNode, parseTree } from "jsonc-parser";
import type { SourceFile } from "./source-file.ts";
import { TooMuch } from "./too-much.ts";
import { lazy, type SetValue, type Thunk, textValue, unknown, type Value } from "./value.ts";

/** Data of people and programs is some ten levels deep; the parser recurses, and a text of only `[` would fill its stack. */
const DEPTH_LIMIT = 200;
/** The largest data file of nixpkgs, of all packages of Emacs, has some 500,000. */
const MOST_TOKENS = 1_000_000;

/** jsonc-parser's `SyntaxKind`, a const enum that modules compiled one by one cannot use. */
const TOKEN = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, end: 17 };

/**
 * The syntax tree of a JSON text, as far as it can be read; undefined for none, or nested too deep.
 * @throws TooMuch when it does not fit into memory
 */
export function parseJson(text: string): JsonNode | undefined {
  const scanner = createScanner(text);
  let depth = 0;
  let tokens = 0;
  for (let token: number = scanner.scan(); token !== TOKEN.end; token = scanner.scan()) {
    if (token === TOKEN.openBrace || token === TOKEN.openBracket) depth++;
    else if (token === TOKEN.closeBrace || token === TOKEN.closeBracket) depth--;
    if (depth > DEPTH_LIMIT) return undefined;
    if (++tokens > MOST_TOKENS) throw new TooMuch("it holds more values than fit into memory");
  }
  return parseTree(text);
}

/** The value of a parsed JSON text; `file` is where it stands, null when it is no file. */
export function jsonValue(file: SourceFile | null, node: JsonNode | undefined): Value {
  switch (node?.type) {
    case "string":
      return textValue(
        String(node.value),
        file && { file, start: node.offset, end: node.offset + node.length },
      );
    case "number":
      return { kind: "number", value: Number(node.value) };
    case "boolean":
      return { kind: "bool", value: node.value === true };
    case "null":
      return { kind: "null" };
    case "array":
      return {
        kind: "list",
        items: (node.children ?? []).map((child) => lazy(() => jsonValue(file, child), "item")),
        open: false,
      };
    case "object":
      return jsonSet(file, node);
    default:
      return unknown("JSON");
  }
}

function jsonSet(file: SourceFile | null, node: JsonNode): SetValue {
  const entries = new Map<string, Thunk>();
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key && value)
      entries.set(
        String(key.value),
        lazy(() => jsonValue(file, value), String(key.value)),
      );
  }
  const literal = file && { file, start: node.offset, end: node.offset + node.length };
  return { kind: "set", entries, open: false, literal };
}
