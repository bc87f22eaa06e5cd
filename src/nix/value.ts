/**
 * What static evaluation knows of a value. Evaluation is lazy, as Nix is, and partial: what the text does not
 * decide is `unknown`, carrying the expression as it stands.
 */
import type { Text } from "./model.ts";
import type { Scope } from "./scope.ts";
import type { SourceFile } from "./source-file.ts";
import type { SyntaxNode } from "./syntax.ts";

/** A value that is worked out when looked at, once. */
export type Thunk = () => Value;

/** The literal that a string came from, however many names it was handed through. */
export interface Origin {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

export type TextPart =
  | { readonly known: true; readonly text: string }
  | { readonly known: false; readonly text: string };

export interface TextValue {
  readonly kind: "text";
  readonly parts: readonly TextPart[];
  readonly origin: Origin | null;
}

export interface SetValue {
  readonly kind: "set";
  readonly entries: ReadonlyMap<string, Thunk>;
  /** True when the set may have attributes that are not listed. */
  readonly open: boolean;
  /** True when it is not decided whether the set is there at all, as in `optionalAttrs open { … }`. */
  readonly conditional?: boolean;
  /** The literal that made the set, when one did. */
  readonly literal: { readonly file: SourceFile; readonly start: number; readonly end: number } | null;
}

export interface FunctionValue {
  readonly kind: "function";
  readonly file: SourceFile;
  readonly node: SyntaxNode;
  readonly scope: Scope;
}

/** The application of a function that is not known, as `stdenv.mkDerivation { … }`: keeps its argument. */
export interface CallValue {
  readonly kind: "call";
  /** The function's own name, as `mkDerivation`; null when it has none. */
  readonly name: string | null;
  readonly text: string;
  readonly argument: Thunk;
  /** What it shows as a set, once someone has asked. */
  attributes?: SetValue | null | undefined;
}

export interface UnknownValue {
  readonly kind: "unknown";
  /** The expression as it stands, white space folded. */
  readonly text: string;
  /** The names that lead to it, as `["stdenv", "hostPlatform", "system"]`; empty when it is no such path. */
  readonly path: readonly string[];
  /** The file that takes the first of them as an argument, which nothing gives it. */
  readonly taker?: string;
}

export type Value =
  | TextValue
  | SetValue
  | FunctionValue
  | CallValue
  | UnknownValue
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "null" }
  /** A path inside the repository. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "list"; readonly items: readonly Thunk[]; readonly open: boolean }
  | { readonly kind: "builtin"; readonly name: string; readonly arguments: readonly Thunk[] };

export function unknown(text: string, path: readonly string[] = [], taker?: string): UnknownValue {
  return taker === undefined ? { kind: "unknown", text, path } : { kind: "unknown", text, path, taker };
}

export function textValue(text: string, origin: Origin | null = null): TextValue {
  return { kind: "text", parts: text === "" ? [] : [{ known: true, text }], origin };
}

/** A list that people write has some hundred items; one that doubles itself has no end. */
export const LIST_LIMIT = 20_000;

export function list(items: readonly Value[]): Value {
  return { kind: "list", items: items.map((item) => () => item), open: false };
}

export function set(entries: Iterable<readonly [string, Thunk]>, open = false): SetValue {
  return { kind: "set", entries: new Map(entries), open, literal: null };
}

/** A thunk that works its value out once; a value that needs itself is unknown, and then `name` says what it is. */
export function lazy(compute: () => Value, name: string | (() => string)): Thunk {
  let running = false;
  let value: Value | undefined;
  return () => {
    if (value) return value;
    if (running) return unknown(typeof name === "string" ? name : name());
    running = true;
    try {
      value = compute();
    } finally {
      // A file that must be fetched first ends the computation; it starts afresh then.
      running = false;
    }
    return value;
  };
}

/** The string when every part of it is known, else null. */
export function knownText(value: Value): string | null {
  if (value.kind !== "text") return null;
  let text = "";
  for (const part of value.parts) {
    if (!part.known) return null;
    text += part.text;
  }
  return text;
}

/** A value as a text with placeholders; null when it cannot be a string at all. */
export function asText(value: Value): Text | null {
  switch (value.kind) {
    case "text":
      return {
        value: value.parts.map((part) => (part.known ? part.text : `\${${part.text}}`)).join(""),
        resolved: value.parts.every((part) => part.known),
      };
    case "unknown":
      return { value: `\${${value.text}}`, resolved: false };
    case "call":
      return { value: `\${${value.text}}`, resolved: false };
    case "number":
      return { value: String(value.value), resolved: true };
    case "path":
      return { value: value.path, resolved: true };
    case "bool":
    case "null":
    case "set":
    case "list":
    case "function":
    case "builtin":
      return null;
  }
}

/** The parts that a value adds to a string it is interpolated or concatenated into. */
export function partsOf(value: Value): readonly TextPart[] {
  if (value.kind === "text") return value.parts;
  if (value.kind === "unknown" || value.kind === "call") return [{ known: false, text: value.text }];
  const text = asText(value);
  return [text ? { known: true, text: text.value } : { known: false, text: value.kind }];
}

/** Stands for a value that is not worked out, since it is longer than any honest one: a limit was met. */
export const TOO_LONG: TextValue = {
  kind: "text",
  parts: [{ known: false, text: "too long" }],
  origin: null,
};

/** An address or a name has some hundred characters and few parts; a text that doubles itself has no end. */
const TEXT_LIMIT = 50_000;
const PART_LIMIT = 200;

/** Strings joined; `TOO_LONG` when they are. The origin is that of the longest literal among them. */
export function concatenate(values: readonly Value[]): TextValue {
  const parts: TextPart[] = [];
  let origin: Origin | null = null;
  let size = 0;
  for (const value of values) {
    for (const part of partsOf(value)) {
      size += part.text.length;
      if (size > TEXT_LIMIT || parts.length > PART_LIMIT) return TOO_LONG;
      const last = parts.at(-1);
      if (last?.known && part.known) parts[parts.length - 1] = { known: true, text: last.text + part.text };
      else parts.push(part);
    }
    // A reader would point at that one: `"sha256-" + digest`.
    if (value.kind === "text" && value.origin && length(value.origin) > length(origin)) origin = value.origin;
  }
  return { kind: "text", parts, origin };
}

function length(origin: Origin | null): number {
  return origin ? origin.end - origin.start : 0;
}
