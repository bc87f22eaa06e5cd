/** The commands of a shell script, with what flows from one into another. */

import type { Redirect } from "./model.ts";
import type { DocumentParser } from "./parser.ts";
import { programName, unwrap } from "./program.ts";
import { codeInInput, codeInWords, type InnerCode } from "./shell-code.ts";
import {
  behind,
  called,
  type Draft,
  keepRead,
  type Layer,
  link,
  printed,
  restored,
  type ScriptReading,
  type Shell,
  spend,
  tolerate,
} from "./shell-state.ts";
import { wordText } from "./shell-words.ts";
import { parts, type SyntaxNode } from "./syntax.ts";

/** No honest script has more; a hostile one gets no more of our time, and is then `cut`. */
const MOST_COMMANDS = 4_000;
const MOST_LAYERS = 3;
const MOST_CHARACTERS = 1_000_000;
/** Statements and words inside one another; what lies deeper is not read, and the script is then `cut`. */
const MOST_DEPTH = 200;
/** A longer value is no command; one that doubles itself must end. */
const LONGEST_VALUE = 20_000;

/** What is known beside a script. */
export interface ShellWorld {
  /** What its environment holds. */
  readonly variables?: ReadonlyMap<string, string> | undefined;
  /** Reads Python in it. */
  readonly python?: ((text: string) => ScriptReading) | null;
}

/**
 * Reads a shell script. `restore` turns stand-ins for interpolations back; positions are into `text`. Code in words
 * (`sh -c '…'`, `--run '…'`, here-documents that become scripts, base64) is read too.
 */
export function readShell(
  parser: DocumentParser,
  text: string,
  restore: (text: string) => string = (same) => same,
  { variables = new Map(), python = null }: ShellWorld = {},
): ScriptReading {
  const shell: Shell = {
    parser,
    commands: [],
    variables: new Map([...variables].map(([name, value]) => [name, { value, from: [] }])),
    aliases: new Map(),
    functions: new Map(),
    bodies: new Set(),
    python,
    depth: 0,
    cut: false,
    expanded: 0,
    linked: 0,
    restore,
  };
  const reading = readLayer(shell, { text, within: [], at: null });
  return { ...reading, cut: shell.cut, commands: shell.commands.map((draft) => restored(draft, restore)) };
}

function readLayer(shell: Shell, layer: Layer): Pick<ScriptReading, "parsed" | "comments"> {
  const comments: { start: number; end: number }[] = [];
  const result = layer.text.length > MOST_CHARACTERS ? null : shell.parser.parse(layer.text);
  if (result?.kind !== "document") {
    shell.cut = true;
    return { parsed: false, comments };
  }
  try {
    visit(shell, layer, result.document.root, comments);
    return {
      parsed: !result.document.root.hasError && !shell.cut,
      comments,
    };
  } finally {
    result.document.dispose();
  }
}

/** Visits a statement; returns the indexes of the commands that write its output. */
function visit(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  comments: { start: number; end: number }[] = [],
): readonly number[] {
  if (shell.commands.length >= MOST_COMMANDS || shell.depth >= MOST_DEPTH) {
    shell.cut = true;
    return [];
  }
  shell.depth++;
  try {
    return statement(shell, layer, node, comments);
  } finally {
    shell.depth--;
  }
}

function statement(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  comments: { start: number; end: number }[],
): readonly number[] {
  switch (node.type) {
    case "comment":
      comments.push({ start: node.start, end: node.end });
      return [];
    case "command":
    case "declaration_command":
    case "unset_command":
      return called(shell, command(shell, layer, node));
    case "function_definition":
      return defined(shell, layer, node, comments);
    case "variable_assignment":
      return [command(shell, layer, node, [node])];
    case "pipeline":
      return pipeline(shell, layer, node, []);
    case "list":
      return list(shell, layer, node, comments);
    case "redirected_statement":
      return redirected(shell, layer, node, comments);
    case "command_substitution":
    case "process_substitution":
      word(shell, layer, node, new Set(), new Set());
      return [];
    default:
      return node.children.flatMap((child) => visit(shell, layer, child, comments));
  }
}

/** A function's commands write what its calls do, and read what these are given. */
function defined(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  comments: { start: number; end: number }[],
): readonly number[] {
  const [name, ...body] = parts(node);
  const writers = body.flatMap((part) => visit(shell, layer, part, comments));
  if (name) shell.functions.set(layer.text.slice(name.start, name.end), writers);
  for (const index of writers) shell.bodies.add(index);
  return [];
}

function pipeline(shell: Shell, layer: Layer, node: SyntaxNode, input: readonly number[]): readonly number[] {
  let from = input;
  for (const stage of parts(node)) {
    const first = shell.commands.length;
    const to = visit(shell, layer, stage);
    for (const index of to) {
      const draft = shell.commands[index];
      if (!draft || (index < first && !shell.bodies.has(index))) continue;
      if (!link(shell, from.length)) return [];
      draft.reads.push(...from);
      keepRead(shell, draft);
    }
    from = to;
  }
  return from;
}

function list(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  comments: { start: number; end: number }[],
): readonly number[] {
  const [left, right] = parts(node);
  const writers = left ? visit(shell, layer, left, comments) : [];
  const or = node.children.some((child) => child.type === "||");
  const tail = right ? visit(shell, layer, right, comments) : [];
  const ignores = tail.some((index) => ["true", ":"].includes(shell.commands[index]?.name ?? ""));
  if (or && ignores) for (const index of writers) tolerate(shell, index);
  return [...writers, ...tail];
}

function redirected(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  comments: { start: number; end: number }[],
): readonly number[] {
  const inner = parts(node);
  const isRedirect = (part: SyntaxNode) => part.type.endsWith("_redirect");
  let writers: readonly number[] = inner
    .filter((part) => !isRedirect(part))
    .flatMap((part) => visit(shell, layer, part, comments));
  const targets = writers.map((index) => shell.commands[index]).filter((draft) => draft !== undefined);
  for (const redirect of inner.filter(isRedirect)) {
    if (redirect.type === "heredoc_redirect") {
      const body = redirect.children.find((child) => child.type === "heredoc_body");
      const text = body ? word(shell, layer, body, new Set(), new Set()) : "";
      for (const draft of targets) draft.input = (draft.input ?? "") + text;
      // `cat <<EOF | sh`: the grammar puts the rest of the line inside the here-document.
      for (const rest of parts(redirect)) {
        if (rest.type === "pipeline") writers = pipeline(shell, layer, rest, writers);
        else if (rest.type === "file_redirect") addRedirect(shell, layer, rest, targets);
        else if (rest.type === "command" || rest.type === "list") visit(shell, layer, rest, comments);
      }
    } else if (redirect.type === "herestring_redirect") {
      const [what] = parts(redirect);
      const holds = new Set<number>();
      const text = what ? word(shell, layer, what, holds, holds) : "";
      for (const draft of targets) {
        draft.input = text;
        draft.reads.push(...holds);
      }
    } else addRedirect(shell, layer, redirect, targets);
  }
  for (const draft of targets) {
    keepRead(shell, draft);
    readInput(shell, layer, draft, node);
  }
  return writers;
}

function addRedirect(shell: Shell, layer: Layer, node: SyntaxNode, targets: readonly Draft[]): void {
  const operator = node.children.find((child) => !child.isNamed)?.type ?? ">";
  for (const destination of parts(node)) {
    if (destination.type === "file_descriptor") continue;
    const reads = new Set<number>();
    const target = word(shell, layer, destination, reads, reads);
    const redirect: Redirect = { operator, target };
    for (const draft of targets) {
      draft.redirects = [...draft.redirects, redirect];
      draft.reads.push(...reads);
    }
  }
}

/** A word's text; `holds` and `reads` get the commands of `$(…)` and `<(…)` in it, each once however often it is met. */
function word(shell: Shell, layer: Layer, node: SyntaxNode, holds: Set<number>, reads: Set<number>): string {
  return wordText(layer.text, node, {
    variable(name) {
      const known = shell.variables.get(name);
      if (!known) return name === "IFS" ? " " : `$${name}`;
      const isShort = known.value.length <= LONGEST_VALUE;
      if (!spend(shell, known.from.length + (isShort ? known.value.length : 0))) return `$${name}`;
      for (const index of known.from) holds.add(index);
      return isShort ? known.value : `$${name}`;
    },
    substitution(inner) {
      const from = inner.children.flatMap((child) => visit(shell, layer, child));
      const into = inner.type === "process_substitution" ? reads : holds;
      for (const index of from) into.add(index);
      return printed(shell, from) ?? layer.text.slice(inner.start, inner.end);
    },
  });
}

function command(shell: Shell, layer: Layer, node: SyntaxNode, children = parts(node)): number {
  const reads = new Set<number>();
  const holds = new Set<number>();
  const assignments: { name: string; value: string }[] = [];
  const redirects: Redirect[] = [];
  const words: string[] =
    node.type === "command" || node.type === "variable_assignment" ? [] : [keyword(node)];
  let input: string | null = null;
  for (const child of children) {
    if (child.type === "variable_assignment") {
      const assigned = assign(shell, layer, child, holds);
      if (assigned) assignments.push(assigned);
    } else if (child.type === "herestring_redirect") {
      const [what] = parts(child);
      input = what ? word(shell, layer, what, reads, reads) : null;
    } else if (child.type === "file_redirect") {
      const target = parts(child)
        .filter((part) => part.type !== "file_descriptor")
        .map((part) => word(shell, layer, part, reads, reads));
      redirects.push({
        operator: child.children.find((part) => !part.isNamed)?.type ?? ">",
        target: target.join(" "),
      });
    } else {
      const text = word(shell, layer, child, holds, reads);
      // `$c`, with all of a command line in it.
      if (
        child.type === "command_name" &&
        /\$/.test(layer.text.slice(child.start, child.end)) &&
        !text.includes("$(")
      )
        words.push(...text.split(/\s+/).filter((each) => each !== ""));
      else words.push(text);
    }
  }
  const program = children.find((child) => child.type === "command_name");
  const disguised = program !== undefined && isDisguised(layer.text, program);
  return add(shell, layer, node, {
    words,
    assignments,
    redirects,
    input,
    reads: [...reads],
    holds: [...holds],
    disguised,
  });
}

/** Gives a variable its value, and returns both; `holds` gets the commands whose output is in it. */
function assign(
  shell: Shell,
  layer: Layer,
  node: SyntaxNode,
  holds: Set<number>,
): Draft["assignments"][number] | null {
  const [target, value] = [node.children[0], node.children.at(-1)];
  if (!target || !value) return null;
  const from = new Set<number>();
  const items = value.type === "array" ? parts(value) : value.isNamed ? [value] : [];
  const added = items.map((item) => word(shell, layer, item, from, from)).join(" ");
  const name = layer.text.slice(target.start, target.end);
  const before = node.children.some((part) => part.type === "+=") ? shell.variables.get(name) : undefined;
  for (const index of from) holds.add(index);
  shell.variables.set(name, {
    value: ((before?.value ?? "") + added).slice(0, LONGEST_VALUE + 1),
    from: [...new Set([...(before?.from ?? []), ...from])],
  });
  return { name, value: added };
}

/** `\rm` (no alias) is an idiom; quotes, escapes and variables inside a name are not. */
function isDisguised(text: string, program: SyntaxNode): boolean {
  const raw = text.slice(program.start, program.end);
  if (raw.includes("/") || raw.includes("__nix_")) return false;
  const [only] = program.children;
  if (only?.type === "ansi_c_string") return /\\[xuU0-7]/.test(raw);
  return only?.type === "concatenation" || /[^\\]\\[\w]/.test(raw);
}

function keyword(node: SyntaxNode): string {
  return node.children[0]?.type ?? "declare";
}

function add(
  shell: Shell,
  layer: Layer,
  node: Stretch,
  about: Pick<Draft, "words" | "assignments" | "redirects" | "input" | "reads" | "holds" | "disguised">,
): number {
  const [named = "", ...others] = about.words;
  const alias = shell.aliases.get(named);
  const given = alias === undefined ? about.words : [...alias.split(/\s+/), ...others];
  const [first = "", ...rest] = unwrap(given, shell.restore);
  // Part by part, as scripts.ts makes them.
  const draft: Draft = {
    name: programName(shell.restore(first)),
    words: rest,
    assignments: about.assignments,
    redirects: about.redirects,
    input: about.input,
    reads: about.reads,
    holds: about.holds,
    disguised: about.disguised,
    tolerated: false,
    within: layer.within,
    start: layer.at?.start ?? node.start,
    end: layer.at?.end ?? node.end,
  };
  const index = shell.commands.push(draft) - 1;
  if (draft.name === "alias") {
    for (const [, name = "", line = ""] of draft.words.map((each) => /^([\w.-]+)=(.+)$/s.exec(each) ?? []))
      shell.aliases.set(name, line);
  }
  readWords(shell, layer, draft, node);
  if (draft.input !== null) readInput(shell, layer, draft, node);
  return index;
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

function readNested(shell: Shell, layer: Layer, node: Stretch, draft: Draft, inner: InnerCode): void {
  if (layer.within.length >= MOST_LAYERS) {
    shell.cut = true;
    return;
  }
  const at = layer.at ?? { start: node.start, end: node.end };
  const within = [...layer.within, inner.how];
  const first = shell.commands.length;
  if (inner.language === "bash") readLayer(shell, { text: inner.text, within, at });
  else if (shell.python) addPython(shell, shell.python(inner.text), within, at);
  if (!inner.prints) return;
  for (let index = first; index < shell.commands.length; index++) draft.holds.push(index);
}

function addPython(shell: Shell, reading: ScriptReading, within: readonly string[], at: Stretch): void {
  const offset = shell.commands.length;
  shell.cut ||= reading.cut;
  for (const command of reading.commands)
    shell.commands.push({ ...behind(command, offset), within: [...within, ...command.within], ...at });
}

/** Code inside a command's words. */
function readWords(shell: Shell, layer: Layer, draft: Draft, node: Stretch): void {
  for (const [index] of draft.words.entries()) {
    if (!/^-(exec(dir)?|ok)$/.test(draft.words[index - 1] ?? "")) continue;
    const words = draft.words.slice(index).filter((each) => each !== ";" && each !== "+");
    const inner = { ...layer, within: [...layer.within, "find -exec"] };
    add(shell, inner, node, {
      words,
      assignments: [],
      redirects: [],
      input: null,
      reads: [],
      holds: [],
      disguised: false,
    });
  }
  for (const inner of codeInWords(draft)) readNested(shell, layer, node, draft, inner);
}

/** Code that a command reads as its input, or writes to a file that will be run. */
function readInput(shell: Shell, layer: Layer, draft: Draft, node: Stretch): void {
  for (const inner of codeInInput(draft)) readNested(shell, layer, node, draft, inner);
}
