/** One evaluation: its files, its assumptions, its limits. */
import type { Scope } from "./scope.ts";
import type { SourceFile, SourceFiles } from "./source-file.ts";
import { nodeMemo, type SyntaxNode } from "./syntax.ts";
import { knownText, type Value } from "./value.ts";

/** A place where the text alone does not decide, with the ways it can go. */
export interface Choice {
  readonly key: string;
  readonly options: readonly string[];
}

/**
 * One evaluation: the files, and what is assumed at choices.
 * Values are kept within a session; another set of assumptions is another session.
 */
export interface Session {
  readonly files: SourceFiles;
  /** Choice key → option taken. */
  readonly assumed: ReadonlyMap<string, string>;
  /** Choices met and not assumed, in order. */
  readonly choices: Choice[];
  readonly scopes: Map<SyntaxNode, Scope>;
  /** Values of expressions where they stand. */
  readonly values: Map<SyntaxNode, Value>;
  steps: number;
  depth: number;
  /** Whether a value is unknown for no other reason than a limit: how deep it lies, how long it is. */
  isCut: boolean;
  /** Whether the platform that is assumed decided anything. */
  isOfPlatform: boolean;
  /** Whether a package was taken as it is, though an override gives it other arguments. */
  isOverridden: boolean;
}

/** Honest recipes need some hundreds of steps; the limit bounds hostile ones. */
export const STEP_LIMIT = 200_000;
/** JavaScript's stack holds about ten times as much. */
export const DEPTH_LIMIT = 300;

export function createSession(files: SourceFiles, assumed: Session["assumed"] = new Map()): Session {
  const [scopes, values] = [new Map(), new Map()];
  return {
    files,
    assumed,
    choices: [],
    scopes,
    values,
    steps: 0,
    depth: 0,
    isCut: false,
    isOfPlatform: false,
    isOverridden: false,
  };
}

/** Whether values are unknown for no other reason than that working them out would take too long. */
export function isExhausted(session: Session): boolean {
  return session.steps > STEP_LIMIT;
}

/** Counts the size of what was made towards the limit on steps, so that few steps cannot make much. */
export function charge<T extends Value | null | undefined>(session: Session, value: T): T {
  if (value?.kind === "text") session.steps += (knownText(value)?.length ?? 0) >> 8;
  else if (value?.kind === "list") session.steps += value.items.length >> 4;
  else if (value?.kind === "set") session.steps += value.entries.size >> 4;
  return value;
}

/** Counts what a function goes through towards the limit on steps; false when that is used up. */
export function spend(session: Session, characters: number): boolean {
  session.steps += Math.floor(characters / 4_096);
  return !isExhausted(session);
}

/** The option assumed at a choice; undefined when none is, and then the choice is noted. */
export function choose(session: Session, key: string, options: readonly string[]): string | undefined {
  const option = session.assumed.get(key);
  if (option !== undefined && key === "system") session.isOfPlatform = true;
  if (option !== undefined) return options.includes(option) ? option : undefined;
  if (!session.choices.some((choice) => choice.key === key)) session.choices.push({ key, options });
  return undefined;
}

const snippets = nodeMemo<string>();

/** The text of an expression, on one line and not longer than a reader wants it. */
export function snippet(file: SourceFile, node: SyntaxNode): string {
  let text = snippets.get(node);
  if (text === undefined) {
    text = file.text
      .slice(node.start, Math.min(node.end, node.start + 200))
      .replace(/\s+/g, " ")
      .trim();
    if (text.length > 80) text = `${text.slice(0, 79)}…`;
    snippets.set(node, text);
  }
  return text;
}

/** The truth of a condition; undefined when it is open, and then a choice is noted. */
export function decide(session: Session, condition: Value, text: string): boolean | undefined {
  if (condition.kind === "bool") return condition.value;
  const key = condition.kind === "unknown" ? condition.text : text;
  const option = choose(session, `if ${key}`, ["true", "false"]);
  return option === undefined ? undefined : option === "true";
}
