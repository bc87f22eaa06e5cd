/** Scripts in JSON files: of `package.json`, and what recipes take from data (`lib.importJSON ./meta.json`). */

import { createScanner } from "jsonc-parser";
import { readDataScript } from "./data-script.ts";
import { FETCHES } from "./foreign.ts";
import type { Script, ScriptContext } from "./model.ts";
import { isTestFile } from "./script-places.ts";
import { contextOfAttribute } from "./script-takers.ts";
import { type CodeFile, languageOf, type ScriptParsers } from "./scripts.ts";
import type { Region } from "./syntax.ts";

/** jsonc-parser's `SyntaxKind`, a const enum that modules compiled one by one cannot use. */
const TOKEN = { openBrace: 1, closeBrace: 2, colon: 6, string: 10, end: 17 };
/** A file of more is a list of packages. */
const MOST_SCRIPTS = 1_000;

interface JsonString {
  readonly value: string;
  /** The keys that lead to it, outermost first. */
  readonly keys: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** What a text with scripts has, a command, a key or an escape: the strings of others, as of lockfiles, are not looked at. */
const MAY_HOLD = new RegExp(
  `${FETCHES.source}|\\\\u00|"(?:scripts|\\w*Phase|(?:pre|post)[A-Z]\\w*|shellHook|buildCommand)"`,
);

/**
 * The scripts among the strings of a JSON file that `regions` touch: by their keys, or as they fetch or decode. `onCut`
 * is told what limits left unread.
 */
export function jsonScripts(
  { path, text }: CodeFile,
  regions: readonly Region[],
  parsers: ScriptParsers,
  onCut: (what: string) => void,
): readonly Script[] {
  const scripts: Script[] = [];
  if (!regions.some(({ start, end }) => MAY_HOLD.test(text.slice(lineStart(text, start), end))))
    return scripts;
  for (const string of stringsOf(text, regions)) {
    const known = contextOf(string.keys);
    if (known === null && !FETCHES.test(string.value)) continue;
    if (scripts.length >= MOST_SCRIPTS) {
      onCut("it holds more scripts than are read");
      break;
    }
    const { start, value } = string;
    const code = { text: value, restore: (same: string) => same, fileOffset: () => start, cut: false };
    const context = isTestFile(path) ? "test" : (known ?? "unknown");
    const about = { path, span: string, binding: string.keys.join("."), context };
    const script = readDataScript(code, languageOf(value), about, parsers, onCut);
    if (script.commands.length > 0) scripts.push(script);
  }
  return scripts;
}

const lineStart = (text: string, at: number) => text.lastIndexOf("\n", at - 1) + 1;

function contextOf(keys: readonly string[]): ScriptContext | null {
  if (keys.at(-2) === "scripts") return "build";
  return contextOfAttribute(keys.at(-1) ?? "", ["build", "fetch", "shell"]);
}

/** The strings that are values, and touch a region, one after the other: nothing recurses. */
function* stringsOf(text: string, regions: readonly Region[]): Generator<JsonString> {
  const scanner = createScanner(text, true);
  const keys: string[] = [];
  let last: Omit<JsonString, "keys"> | null = null;
  for (;;) {
    const token: number = scanner.scan();
    const isKey = token === TOKEN.colon;
    if (last && isKey) keys[keys.length - 1] = last.value;
    else if (last && touches(last, regions)) yield { ...last, keys: [...keys] };
    if (token === TOKEN.openBrace) keys.push("");
    else if (token === TOKEN.closeBrace) keys.pop();
    else if (token === TOKEN.end) return;
    const start = scanner.getTokenOffset();
    last =
      token === TOKEN.string
        ? { value: scanner.getTokenValue(), start, end: start + scanner.getTokenLength() }
        : null;
  }
}

function touches({ start, end }: Region, regions: readonly Region[]): boolean {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((regions[middle]?.end ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return (regions[low]?.start ?? Number.POSITIVE_INFINITY) <= end;
}
