import type { Region } from "./syntax.ts";

/**
 * Blanks what a change does not touch in a list of thousands of packages: offsets stay, and the syntax tree of the rest takes
 * a tenth of the time and memory. Only text that both sides have is blanked, so nothing new can hide in it.
 */

/** Smaller texts are parsed whole: their trees take some 80 MB. */
const LARGE_CHARACTERS = 4_000_000;
/** A set with fewer entries is no list. */
const LIST_ENTRIES = 1_000;
/** Generated lists are sets in sets, some four levels deep. */
const MOST_DEPTH = 8;

const IN_CODE = /#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"|''|[{}()[\];]/g;
const IN_STRING = /\\[\s\S]|\$\$|\$\{|"/g;
const IN_INDENTED = /''(?:'|\$|\\[\s\S])|\$\$|\$\{|''/g;

/** A Nix text with the entries blanked that none of `changed` touches; the text itself when it is not large, or no list. */
export function withoutUntouched(text: string, changed: readonly Region[]): string {
  if (text.length <= LARGE_CHARACTERS) return text;
  const entries = entriesByDepth(text)?.find((each) => each.length >= LIST_ENTRIES);
  if (!entries) return text;
  const pieces: string[] = [];
  let at = 0;
  let next = 0;
  for (const { start, end } of entries) {
    while (next < changed.length && (changed[next] as Region).end < start) next++;
    const region = changed[next];
    if (region && region.start <= end) continue;
    pieces.push(text.slice(at, start), " ".repeat(end - start));
    at = end;
  }
  return pieces.join("") + text.slice(at);
}

/** The entries of sets, in order, by how many brackets they are in; null: the brackets do not match. */
export function entriesByDepth(text: string): readonly (readonly Region[])[] | null {
  const byDepth: Region[][] = Array.from({ length: MOST_DEPTH }, () => []);
  /** Where the entry begins that is being read, by depth. */
  const starts: number[] = [0];
  /** What the code stands in, innermost last: a bracket, or a string that is interpolated into. */
  const around: ("bracket" | "string" | "indented")[] = [];
  let mode: "code" | "string" | "indented" = "code";
  let at = 0;
  for (;;) {
    const pattern = mode === "code" ? IN_CODE : mode === "string" ? IN_STRING : IN_INDENTED;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) break;
    const [token] = match;
    at = match.index + token.length;
    if (mode !== "code") {
      if (token === "${") {
        around.push(mode);
        mode = "code";
      } else if (token === (mode === "string" ? '"' : "''")) mode = "code";
    } else if (token === '"') mode = "string";
    else if (token === "''") mode = "indented";
    else if (token === ";") {
      const depth = around.length;
      byDepth[depth]?.push({ start: starts[depth] ?? at, end: at });
      starts[depth] = at;
    } else if (/^[{([]$/.test(token)) {
      around.push("bracket");
      starts[around.length] = at;
    } else if (/^[})\]]$/.test(token)) {
      const left = around.pop();
      if (left === undefined) return null;
      if (left !== "bracket") mode = left;
    }
  }
  return byDepth;
}
