/** Words of a shell script: what quoting and simple expansions leave. https://www.gnu.org/software/bash/manual/bash.html#Quoting */
import { parts, type SyntaxNode } from "./syntax.ts";

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
export function ansiC(raw: string): string {
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
      return plainExpansion(text, node, expansions) ?? raw;
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

/** `${name}`, without any operator. */
function plainExpansion(text: string, node: SyntaxNode, expansions: Expansions): string | null {
  const [name, ...more] = parts(node);
  const plain = name && more.length === 0 && name.start === node.start + 2 && name.end === node.end - 1;
  return plain ? expansions.variable(text.slice(name.start, name.end)) : null;
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
