/** What is known of a shell script while it is read: its commands so far, its names, and the limits. */
import type { Command } from "./model.ts";
import type { DocumentParser } from "./parser.ts";

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

export type Draft = { -readonly [K in keyof ScriptCommand]: ScriptCommand[K] } & {
  reads: number[];
  holds: number[];
};

/**
 * Characters of all values that are put in the place of their names, and the commands behind these: two letters could
 * stand for twenty thousand.
 */
const MOST_EXPANDED = 1_000_000;
const MOST_LINKED = 1_000_000;

export interface Shell {
  readonly parser: DocumentParser;
  readonly commands: Draft[];
  /** The last value that the text gives a variable, and the commands whose output is in it. */
  readonly variables: Map<string, { readonly value: string; readonly from: readonly number[] }>;
  /** Names that the text gives command lines, and the commands whose output calls of a function are. */
  readonly aliases: Map<string, string>;
  readonly functions: Map<string, readonly number[]>;
  /** The commands that write the output of functions: they stand before a pipe with a call, and read from it all the same. */
  readonly bodies: Set<number>;
  readonly python: ((text: string) => ScriptReading) | null;
  /** How deep the statement at hand lies. */
  depth: number;
  cut: boolean;
  /** What was put in the place of names so far. */
  expanded: number;
  /** How often a command was linked to one whose output it reads. */
  linked: number;
  /** A Nix interpolation's stand-in back to its expression. */
  readonly restore: (text: string) => string;
}

/** One text: the script, or code inside a word of it (then all positions are that word's). */
export interface Layer {
  readonly text: string;
  readonly within: readonly string[];
  readonly at: { readonly start: number; readonly end: number } | null;
}

/**
 * Whether so many more commands may be linked to those whose output they read; the script is `cut` when not. Counted apart
 * from names: after a bomb of these, no command would be linked.
 */
export function link(shell: Shell, commands: number): boolean {
  shell.linked += commands;
  if (shell.linked > MOST_LINKED) shell.cut = true;
  return shell.linked <= MOST_LINKED;
}

/** Whether so much more may be put in the place of names; the script is `cut` when not. */
export function spend(shell: Shell, characters: number): boolean {
  shell.expanded += characters;
  if (shell.expanded > MOST_EXPANDED) shell.cut = true;
  return shell.expanded <= MOST_EXPANDED;
}

/** Puts Nix expressions back, at the end: the grammar would take their `${…}` for the shell's, and reads stand-ins. */
export function restored(draft: Draft, restore: (text: string) => string): ScriptCommand {
  return {
    ...draft,
    words: draft.words.map(restore),
    assignments: draft.assignments.map(({ name, value }) => ({ name: restore(name), value: restore(value) })),
    redirects: draft.redirects.map(({ operator, target }) => ({ operator, target: restore(target) })),
    input: draft.input === null ? null : restore(draft.input),
  };
}

/** A command for the end of a list that has `offset` others: what it reads and holds is counted from their start. */
export function behind(command: ScriptCommand, offset: number): Draft {
  return {
    ...command,
    reads: command.reads.map((index) => index + offset),
    holds: command.holds.map((index) => index + offset),
  };
}

/** Marks a command, and what it reads, as one whose failure is ignored. */
export function tolerate(shell: Shell, index: number): void {
  const draft = shell.commands[index];
  if (!draft || draft.tolerated) return;
  draft.tolerated = true;
  for (const source of draft.reads) tolerate(shell, source);
}

/** A call, and the commands of the function that it calls. */
export function called(shell: Shell, index: number): readonly number[] {
  const body = shell.functions.get(shell.commands[index]?.name ?? "") ?? [];
  return link(shell, body.length) ? [index, ...body] : [index];
}

/** `curl … | read x`: what is read is what was fetched. */
export function keepRead(shell: Shell, draft: Draft): void {
  if (!/^(?:read|mapfile|readarray)$/.test(draft.name) || draft.reads.length === 0) return;
  const from = [...new Set(draft.reads)];
  for (const name of draft.words)
    if (/^[A-Za-z_]\w*$/.test(name)) shell.variables.set(name, { value: `$${name}`, from });
}

/** What `$(echo text)` stands for. */
export function printed(shell: Shell, writers: readonly number[]): string | null {
  const [only, ...more] = writers.map((index) => shell.commands[index]);
  if (!only || more.length > 0 || only.reads.length > 0 || only.holds.length > 0) return null;
  if (only.name !== "echo" && only.name !== "printf") return null;
  const words = only.words.filter((text) => !/^-[neE]+$/.test(text));
  return words.some((text) => text.includes("$")) ? null : words.join(" ");
}
