/** JSON as values that keep their place in the file. */
import type { Node as JsonNode } from "jsonc-parser";
import type { SourceFile } from "./source-file.ts";
import { lazy, type SetValue, type Thunk, textValue, unknown, type Value } from "./value.ts";

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
