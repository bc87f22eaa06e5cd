/** TOML as values that keep the place of their text. */
import { parse } from "smol-toml";
import { lazy, list, type Origin, set, textValue, unknown, type Value } from "./value.ts";

/** The value of a TOML text; undefined where it is none. `origin`: where the text stands. */
export function tomlValue(origin: Origin | null, text: string): Value | undefined {
  let root: unknown;
  try {
    root = parse(text);
  } catch {
    // Not TOML, or nested deeper than the parser goes.
    return undefined;
  }
  return tomlData(root, origin);
}

function tomlData(data: unknown, origin: Origin | null): Value {
  switch (typeof data) {
    case "string":
      return textValue(data, origin);
    case "number":
      return { kind: "number", value: data };
    case "boolean":
      return { kind: "bool", value: data };
    default:
      break;
  }
  if (Array.isArray(data)) return list(data.map((item) => tomlData(item, origin)));
  // Nix knows no dates.
  if (typeof data !== "object" || data === null || data instanceof Date) return unknown("TOML");
  return set(Object.entries(data).map(([name, value]) => [name, lazy(() => tomlData(value, origin), name)]));
}
