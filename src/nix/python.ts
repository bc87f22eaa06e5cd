/** The calls of a Python script, in the form of commands, so that one set of rules reads both. */
import type { DocumentParser } from "./parser.ts";
import { readShell } from "./shell.ts";
import { behind, type ScriptCommand, type ScriptReading } from "./shell-state.ts";
import { parts, type SyntaxNode } from "./syntax.ts";

const MOST_COMMANDS = 4_000;
const MOST_CHARACTERS = 1_000_000;
/** Expressions inside one another; what lies deeper is not read, and the script is then `cut`. */
const MOST_DEPTH = 200;
/** A value that doubles itself must end. */
const LONGEST_VALUE = 20_000;
/** Commands behind all names that are met; a name counts each time. */
const MOST_FOLLOWED = 1_000_000;

interface Python {
  readonly bash: DocumentParser;
  readonly text: string;
  readonly restore: (text: string) => string;
  readonly commands: ScriptCommand[];
  /** Local names of imported functions, as `run` for `subprocess.run`. */
  readonly imports: Map<string, string>;
  readonly variables: Map<string, { readonly value: string | null; readonly from: readonly number[] }>;
  depth: number;
  cut: boolean;
  /** Commands behind the names met so far. */
  followed: number;
  readonly comments: { start: number; end: number }[];
}

/** Calls that run a program: a list is its command line, a string a shell's. */
const RUNNERS =
  /^(os\.(system|popen|exec\w*|spawn\w*)|subprocess\.(run|call|check_call|check_output|Popen|getoutput|getstatusoutput)|asyncio\.create_subprocess_(shell|exec))$/;

/** Reads a Python script: a call is a command named by its dotted name; what it runs follows as commands that it holds. */
export function readPython(
  parsers: { readonly python: DocumentParser; readonly bash: DocumentParser },
  text: string,
  restore: (text: string) => string = (same) => same,
): ScriptReading {
  const python: Python = {
    bash: parsers.bash,
    text,
    restore,
    commands: [],
    imports: new Map(),
    variables: new Map(),
    depth: 0,
    cut: false,
    followed: 0,
    comments: [],
  };
  const result = text.length > MOST_CHARACTERS ? null : parsers.python.parse(text);
  if (result?.kind !== "document") return { commands: [], comments: [], parsed: false, cut: true };
  try {
    visit(python, result.document.root);
    const { commands, comments, cut } = python;
    return { commands, comments, parsed: !result.document.root.hasError && !cut, cut };
  } finally {
    result.document.dispose();
  }
}

/** Visits a node; returns the indexes of the calls whose results are (part of) its value. */
function visit(python: Python, node: SyntaxNode): readonly number[] {
  if (python.commands.length >= MOST_COMMANDS || python.depth >= MOST_DEPTH) {
    python.cut = true;
    return [];
  }
  python.depth++;
  try {
    return expression(python, node);
  } finally {
    python.depth--;
  }
}

function expression(python: Python, node: SyntaxNode): readonly number[] {
  switch (node.type) {
    case "comment":
      python.comments.push({ start: node.start, end: node.end });
      return [];
    case "import_from_statement":
      importFrom(python, node);
      return [];
    case "import_statement":
      importModule(python, node);
      return [];
    case "call":
      return call(python, node);
    case "identifier":
      return resultsOf(python, slice(python, node));
    case "assignment":
    case "as_pattern":
    case "named_expression": {
      const [left, right] = [parts(node)[0], parts(node).at(-1)];
      if (!left || !right || left === right) return [];
      const [target, value] = node.type === "as_pattern" ? [right, left] : [left, right];
      const from = distinct(visit(python, value));
      python.variables.set(slice(python, target), { value: literal(python, value), from });
      return from;
    }
    default:
      return distinct(node.children.flatMap((child) => visit(python, child)));
  }
}

/** The commands whose results a name stands for. */
function resultsOf(python: Python, name: string): readonly number[] {
  const from = python.variables.get(name)?.from ?? [];
  python.followed += from.length;
  if (python.followed <= MOST_FOLLOWED) return from;
  python.cut = true;
  return [];
}

/** `a = a + a` stands for what `a` stood for, not for twice as much. */
function distinct(indexes: readonly number[]): readonly number[] {
  return indexes.length > 1 ? [...new Set(indexes)] : indexes;
}

function slice(python: Python, node: SyntaxNode): string {
  return python.text.slice(node.start, node.end);
}

function importFrom(python: Python, node: SyntaxNode): void {
  const [module, ...names] = parts(node);
  if (!module) return;
  for (const name of names) {
    const [original, alias] = name.type === "aliased_import" ? parts(name) : [name, name];
    if (original && alias) {
      python.imports.set(slice(python, alias), `${slice(python, module)}.${slice(python, original)}`);
    }
  }
}

function importModule(python: Python, node: SyntaxNode): void {
  for (const name of parts(node)) {
    const [original, alias] = parts(name);
    if (name.type === "aliased_import" && original && alias) {
      python.imports.set(slice(python, alias), slice(python, original));
    }
  }
}

/** `s.run` after `import subprocess as s` is `subprocess.run`; so is `__import__("subprocess").run`. */
function calledName(python: Python, node: SyntaxNode): string {
  const spelled = slice(python, node)
    .replace(/\s+/g, "")
    .replace(/^__import__\(["'](\w+)["']\)/, "$1")
    .replace(
      /^getattr\((\w+|__import__\(["'](\w+)["']\)),["'](\w+)["']\)$/,
      (_, object, module, name) => `${module ?? object}.${name}`,
    );
  const dot = spelled.indexOf(".");
  const head = dot < 0 ? spelled : spelled.slice(0, dot);
  return (python.imports.get(head) ?? head) + (dot < 0 ? "" : spelled.slice(dot));
}

function call(python: Python, node: SyntaxNode): readonly number[] {
  const [callee, given] = parts(node);
  if (!callee || !given) return [];
  // `urlopen(u).read()`: the result of the inner call is in the outer one's.
  const holds = callee.type === "identifier" ? [] : [...visit(python, callee)];
  const name = calledName(python, callee).slice(-80);
  const words: string[] = [];
  for (const argument of given.type === "argument_list" ? parts(given) : [given]) {
    const value = argument.type === "keyword_argument" ? parts(argument)[1] : argument;
    if (!value) continue;
    holds.push(...visit(python, value));
    const [keyword] = argument.type === "keyword_argument" ? parts(argument) : [];
    words.push(
      (keyword ? `${slice(python, keyword)}=` : "") +
        (literal(python, value) ?? python.restore(slice(python, value))),
    );
  }
  const index = python.commands.push(command(node, name, words, holds)) - 1;
  const [first] = given.type === "argument_list" ? parts(given) : [];
  return RUNNERS.test(name) && first ? [index, ...run(python, node, first, holds)] : [index];
}

function command(
  node: SyntaxNode,
  name: string,
  words: readonly string[],
  holds: readonly number[],
): ScriptCommand {
  return {
    name,
    words,
    holds,
    reads: [],
    assignments: [],
    redirects: [],
    input: null,
    disguised: false,
    tolerated: false,
    within: [],
    start: node.start,
    end: node.end,
  };
}

/** The commands that a call like `subprocess.run` starts. */
function run(
  python: Python,
  node: SyntaxNode,
  argument: SyntaxNode,
  holds: readonly number[],
): readonly number[] {
  const first = python.commands.length;
  if (argument.type === "list" || argument.type === "tuple") {
    const line = parts(argument).map((part) => literal(python, part) ?? `$${slice(python, part)}`);
    const quoted = line.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    shell(python, node, quoted, holds);
  } else {
    const text = literal(python, argument);
    if (text !== null) shell(python, node, text, holds);
  }
  return python.commands.slice(first).map((_, index) => first + index);
}

function shell(python: Python, node: SyntaxNode, text: string, holds: readonly number[]): void {
  const offset = python.commands.length;
  const { commands, cut } = readShell(python.bash, text, python.restore);
  python.cut ||= cut;
  for (const command of commands) {
    const inner = behind(command, offset);
    inner.holds.push(...holds);
    python.commands.push({
      ...inner,
      within: ["python", ...inner.within],
      start: node.start,
      end: node.end,
    });
  }
}

/** The text of a string expression; what is not known in it stands as `$name`. Null when it is no string. */
function literal(python: Python, node: SyntaxNode, depth = 0): string | null {
  if (depth > MOST_DEPTH) return null;
  switch (node.type) {
    case "string": {
      const start = node.children.find((child) => child.type === "string_start") ?? node.children[0];
      const end = node.children.find((child) => child.type === "string_end") ?? node.children.at(-1);
      if (!start || !end) return null;
      const raw = /r/i.test(slice(python, start));
      let value = "";
      let at = start.end;
      const text = (to: number) => {
        const piece = python.text.slice(at, to);
        value += raw ? piece : withoutEscapes(piece);
      };
      for (const child of node.children) {
        if (child.type !== "interpolation") continue;
        text(child.start);
        value += `$${slice(python, child).replace(/^\{|\}$/g, "")}`;
        at = child.end;
      }
      text(end.start);
      return python.restore(value);
    }
    case "concatenated_string":
      return joined(python, parts(node), depth);
    case "parenthesized_expression":
      return joined(python, parts(node), depth);
    case "binary_operator": {
      const plus = node.children.some((child) => child.type === "+");
      return plus ? joined(python, parts(node), depth) : null;
    }
    case "identifier":
      return python.variables.get(slice(python, node))?.value ?? null;
    default:
      return null;
  }
}

function joined(python: Python, nodes: readonly SyntaxNode[], depth: number): string | null {
  const texts = nodes.map(
    (node) =>
      literal(python, node, depth + 1) ?? (node.type === "identifier" ? `$${slice(python, node)}` : null),
  );
  const text = texts.includes(null) ? null : texts.join("");
  return text === null || text.length > LONGEST_VALUE ? null : text;
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([\s\S]))/g, (_, hex, unicode, other) => {
    const digits = hex ?? unicode;
    if (digits) return String.fromCharCode(Number.parseInt(digits, 16));
    return ({ n: "\n", t: "\t", r: "\r", "\n": "" } as Record<string, string>)[other] ?? other;
  });
}
