/** Words of a shell script: what quoting and simple expansions leave. https://www.gnu.org/software/bash/manual/bash.html#Quoting */
import type { SyntaxNode } from "./syntax.ts";

const ANSI_C: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  v: "\v",
};

/** The text of `$'…'` without its delimiters, or of a `printf` format. */
function ansiC(raw: string): string {
  return raw.replace(
    /\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|([\s\S]))/g,
    (whole, hex, short, long, octal, other) => {
      const digits = hex ?? short ?? long;
      const code = digits ? Number.parseInt(digits, 16) : octal ? Number.parseInt(octal, 8) : undefined;
      if (code !== undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      return ANSI_C[other] ?? other;
    },
  );
}

/** How expansions inside a word become text. */
export interface Expansions {
  variable(name: string): string;
  /** A `$(…)` or `<(…)`. */
  substitution(node: SyntaxNode): string;
}

/** What the shell makes of a word; parts that only running would tell are as `expansions` says. */
export function wordText(text: string, node: SyntaxNode, expansions: Expansions): string {
  const raw = text.slice(node.start, node.end);
  switch (node.type) {
    case "raw_string":
      return raw.slice(1, -1);
    case "ansi_c_string":
      return ansiC(raw.slice(2, -1));
    case "string":
    case "translated_string":
      return inside(
        text,
        node,
        expansions,
        (gap) => gap.replace(/\\(["$`\\]|\n)/g, (_, c) => (c === "\n" ? "" : c)),
        true,
      );
    case "concatenation":
    case "command_name":
    case "heredoc_body":
      return inside(text, node, expansions, withoutEscapes, false);
    case "simple_expansion":
      return expansions.variable(raw.slice(1));
    case "expansion":
      return expanded(raw, expansions) ?? raw;
    case "command_substitution":
    case "process_substitution":
      return expansions.substitution(node);
    default:
      return withoutEscapes(raw);
  }
}

function withoutEscapes(word: string): string {
  return word.replace(/\\([\s\S])/g, (_, c) => (c === "\n" ? "" : c));
}

const EXPANSION = /^\$\{(!?)(\w+|[@*?])(?:\[[^\]]*\])?/;

/** `${name}`, and what its operators make of a value that is known; null when that is not told. */
function expanded(raw: string, expansions: Expansions): string | null {
  const [opening, indirect, name] = EXPANSION.exec(raw) ?? [];
  if (opening === undefined || name === undefined) return null;
  const operator = raw.slice(opening.length, -1);
  const named = expansions.variable(name);
  const value = indirect && /^\w+$/.test(named) ? expansions.variable(named) : named;
  if (operator === "") return value;
  const [, other] = /^:?[-=]([A-Za-z][\w.-]*)$/.exec(operator) ?? [];
  if (value === `$${name}`) return other ?? null;
  return other === undefined ? changed(value, operator) : value;
}

/** https://www.gnu.org/software/bash/manual/bash.html#Shell-Parameter-Expansion, for plain texts in place of patterns. */
function changed(value: string, operator: string): string | null {
  const [, from, length] = /^:\s*(\d+)(?::(\d+))?$/.exec(operator) ?? [];
  if (from !== undefined)
    return value.slice(Number(from), length === undefined ? undefined : Number(from) + Number(length));
  const [, all, what, by = ""] = /^\/(\/?)([^/*?[\]\\$]+)(?:\/([^$]*))?$/.exec(operator) ?? [];
  if (what !== undefined) return all ? value.replaceAll(what, () => by) : value.replace(what, () => by);
  const [, head] = /^##?([^*?[\]\\$#]+)$/.exec(operator) ?? [];
  if (head !== undefined) return value.startsWith(head) ? value.slice(head.length) : value;
  const [, tail] = /^%%?([^*?[\]\\$%]+)$/.exec(operator) ?? [];
  if (tail !== undefined) return value.endsWith(tail) ? value.slice(0, -tail.length) : value;
  if (operator === ",," || operator === "@L") return value.toLowerCase();
  if (operator === "^^" || operator === "@U") return value.toUpperCase();
  return null;
}

function inside(
  text: string,
  node: SyntaxNode,
  expansions: Expansions,
  literal: (text: string) => string,
  quoted: boolean,
): string {
  let value = "";
  // The grammar leaves out white space inside quotes here and there: what lies between children is text.
  let at = node.start + (quoted ? text.indexOf('"', node.start) - node.start + 1 : 0);
  const end = node.end - (quoted ? 1 : 0);
  for (const child of node.children) {
    if (child.start < at || child.end > end || child.type === "string_content") continue;
    if (!child.isNamed) continue;
    value += literal(text.slice(at, child.start)) + wordText(text, child, expansions);
    at = child.end;
  }
  return value + literal(text.slice(at, Math.max(at, end)));
}
