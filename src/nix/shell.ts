/** The commands of a shell script, with what flows from one into another. */

import { decodedTexts } from "./decode.ts";
import type { Command, Redirect } from "./model.ts";
import type { DocumentParser } from "./parser.ts";
import { programName, unwrap } from "./program.ts";
import { wordText } from "./shell-words.ts";
import { parts, type SyntaxNode } from "./syntax.ts";

/** A command before its positions are those of the file. */
export type ScriptCommand = Omit<Command, "span"> & { readonly start: number; readonly end: number };

export interface ScriptReading {
  readonly commands: readonly ScriptCommand[];
  /** The comments' stretches of the text. */
  readonly comments: readonly { readonly start: number; readonly end: number }[];
  readonly parsed: boolean;
  /** Some of it was not read, because there is too much of it, or too deep inside. */
  readonly cut: boolean;
}

type Draft = { -readonly [K in keyof ScriptCommand]: ScriptCommand[K] } & {
  reads: number[];
  holds: number[];
};

/** No honest script has more; a hostile one gets no more of our time, and is then `cut`. */
const MOST_COMMANDS = 4_000;
const MOST_LAYERS = 3;
const MOST_CHARACTERS = 1_000_000;
/** Statements and words inside one another; what lies deeper is not read, and the script is then `cut`. */
const MOST_DEPTH = 200;
/** A longer value is no command; one that doubles itself must end. */
const LONGEST_VALUE = 20_000;
/**
 * Characters of all values that are put in the place of their names, and the commands behind these: two letters could
 * stand for twenty thousand.
 */
const MOST_EXPANDED = 1_000_000;

interface Shell {
  readonly parser: DocumentParser;
  readonly commands: Draft[];
  /** The last value that the text gives a variable, and the commands whose output is in it. */
  readonly variables: Map<string, { readonly value: string; readonly from: readonly number[] }>;
  /** How deep the statement at hand lies. */
  depth: number;
  cut: boolean;
  /** What was put in the place of names so far. */
  expanded: number;
  /** A Nix interpolation's stand-in back to its expression. */
  readonly restore: (text: string) => string;
}

/** One text: the script, or code inside a word of it (then all positions are that word's). */
interface Layer {
  readonly text: string;
  readonly within: readonly string[];
  readonly at: { readonly start: number; readonly end: number } | null;
}

/**
 * Reads a shell script. `restore` turns stand-ins for interpolations back; positions are into `text`. Code in words
 * (`sh -c '…'`, `--run '…'`, here-documents that become scripts, base64) is read too. `variables`: the environment's.
 */
export function readShell(
  parser: DocumentParser,
  text: string,
  restore: (text: string) => string = (same) => same,
  variables: ReadonlyMap<string, string> = new Map(),
): ScriptReading {
  const shell: Shell = {
    parser,
    commands: [],
    variables: new Map([...variables].map(([name, value]) => [name, { value, from: [] }])),
    depth: 0,
    cut: false,
    expanded: 0,
    restore,
  };
  const reading = readLayer(shell, { text, within: [], at: null });
  return { ...reading, cut: shell.cut, commands: shell.commands.map((draft) => restored(draft, restore)) };
}

/** Stand-ins are words for the grammar until the end: `${…}` of Nix would be read as the shell's. */
function restored(draft: Draft, restore: (text: string) => string): ScriptCommand {
  return {
    ...draft,
    words: draft.words.map(restore),
    assignments: draft.assignments.map(({ name, value }) => ({ name: restore(name), value: restore(value) })),
    redirects: draft.redirects.map(({ operator, target }) => ({ operator, target: restore(target) })),
    input: draft.input === null ? null : restore(draft.input),
  };
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
      return [command(shell, layer, node)];
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

function pipeline(shell: Shell, layer: Layer, node: SyntaxNode, input: readonly number[]): readonly number[] {
  let from = input;
  for (const stage of parts(node)) {
    const first = shell.commands.length;
    const to = visit(shell, layer, stage);
    for (const index of to) if (index >= first) shell.commands[index]?.reads.push(...from);
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

function tolerate(shell: Shell, index: number): void {
  const draft = shell.commands[index];
  if (!draft || draft.tolerated) return;
  draft.tolerated = true;
  for (const source of draft.reads) tolerate(shell, source);
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
  for (const draft of targets) readInput(shell, layer, draft, node);
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
  const value = wordText(layer.text, node, {
    variable(name) {
      const known = shell.variables.get(name);
      if (!known) return `$${name}`;
      const isShort = known.value.length <= LONGEST_VALUE;
      shell.expanded += known.from.length + (isShort ? known.value.length : 0);
      if (shell.expanded > MOST_EXPANDED) {
        shell.cut = true;
        return `$${name}`;
      }
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
  return value;
}

/** What `$(echo text)` stands for. */
function printed(shell: Shell, writers: readonly number[]): string | null {
  const [only, ...more] = writers.map((index) => shell.commands[index]);
  if (!only || more.length > 0 || only.reads.length > 0 || only.holds.length > 0) return null;
  if (only.name !== "echo" && only.name !== "printf") return null;
  const words = only.words.filter((text) => !/^-[neE]+$/.test(text));
  return words.some((text) => text.includes("$")) ? null : words.join(" ");
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
      const [name, value] = [child.children[0], child.children.at(-1)];
      if (!name || !value) continue;
      const from = new Set<number>();
      const known = value.isNamed ? word(shell, layer, value, from, from) : "";
      const target = layer.text.slice(name.start, name.end);
      const before = child.children.some((part) => part.type === "+=")
        ? shell.variables.get(target)
        : undefined;
      assignments.push({ name: target, value: known });
      for (const index of from) holds.add(index);
      shell.variables.set(target, {
        value: ((before?.value ?? "") + known).slice(0, LONGEST_VALUE + 1),
        from: [...new Set([...(before?.from ?? []), ...from])],
      });
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
    } else words.push(word(shell, layer, child, holds, reads));
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
  const [first = "", ...rest] = unwrap(about.words, shell.restore);
  const draft: Draft = {
    ...about,
    name: programName(shell.restore(first)),
    words: rest,
    tolerated: false,
    within: layer.within,
    start: layer.at?.start ?? node.start,
    end: layer.at?.end ?? node.end,
  };
  const index = shell.commands.push(draft) - 1;
  readWords(shell, layer, draft, node);
  if (draft.input !== null) readInput(shell, layer, draft, node);
  return index;
}

const SHELLS = /^(ba|da|z|k|a|fi)?sh$/;

interface Stretch {
  readonly start: number;
  readonly end: number;
}

function readNested(shell: Shell, layer: Layer, node: Stretch, text: string, how: string): void {
  if (layer.within.length >= MOST_LAYERS) {
    shell.cut = true;
    return;
  }
  const at = layer.at ?? { start: node.start, end: node.end };
  readLayer(shell, { text, within: [...layer.within, how], at });
}

/** Code inside a command's words. */
function readWords(shell: Shell, layer: Layer, draft: Draft, node: Stretch): void {
  for (const [index, text] of draft.words.entries()) {
    const before = draft.words[index - 1] ?? "";
    const isShell = SHELLS.test(draft.name) || draft.name === "su";
    if (before === "--run" || (draft.name === "--run" && index === 0)) {
      readNested(shell, layer, node, text, "--run");
    } else if (/^-[a-z]*c$/.test(before) && isShell) {
      readNested(shell, layer, node, text, `${draft.name} -c`);
    } else if (/^-(exec(dir)?|ok)$/.test(before)) {
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
  }
  if (draft.name === "eval" && draft.holds.length === 0)
    readNested(shell, layer, node, draft.words.join(" "), "eval");
  if (draft.name === "trap" && draft.words[0]) readNested(shell, layer, node, draft.words[0], "trap");
  for (const { text, how } of decodedTexts(draft.words)) readNested(shell, layer, node, text, how);
}

/** Code that a command reads as its input, or writes to a file that will be run. */
function readInput(shell: Shell, layer: Layer, draft: Draft, node: Stretch): void {
  const written =
    draft.redirects.find((redirect) => redirect.operator.startsWith(">"))?.target ?? teeTarget(draft);
  const prints = draft.name === "echo" || draft.name === "printf";
  const text = draft.input ?? (prints ? draft.words.join("\n") : "");
  if (text === "") return;
  if (SHELLS.test(draft.name)) readNested(shell, layer, node, text, draft.name);
  else if (written !== undefined && isScriptFile(written, text)) readNested(shell, layer, node, text, "file");
  if (draft.input !== null) {
    for (const decoded of decodedTexts([draft.input]))
      readNested(shell, layer, node, decoded.text, decoded.how);
  }
}

function teeTarget(draft: Draft): string | undefined {
  return draft.name === "tee" ? draft.words.find((word) => !word.startsWith("-")) : undefined;
}

function isScriptFile(file: string, text: string): boolean {
  const shebang = /^\s*#!(.*)/.exec(text)?.[1];
  if (shebang !== undefined) return /\b(ba|da|z|k)?sh\b/.test(shebang) || shebang.includes("__nix_");
  return /\.(sh|bash)$|\/bin\/|(^|[/.])(bash|zsh)?(rc|_profile|profile)$/.test(file);
}
