/** What rules on scripts share, above all finding what a change brings that no script of the base has. */
import type { Command, Script, Span } from "../nix/model.ts";
import type { ScriptChange } from "../pair/scripts.ts";
import { fileAt } from "./_index.ts";
import { visible } from "./_text.ts";
import type { Facts, RuleFinding } from "./rule.ts";

/** Something seen in a script. Two sightings with one key are the same, wherever they stand. */
export interface Sighting {
  readonly key: string;
  readonly span: Span;
}

export interface NewSighting<T extends Sighting> {
  readonly script: Script;
  readonly seen: T;
}

/** What `look` sees in the scripts of the head and in none of the base: moved code is not new. */
export function newSightings<T extends Sighting>(
  facts: Facts,
  look: (script: Script) => readonly T[],
): readonly NewSighting<T>[] {
  // Most rules see nothing in what changed; then the base is not looked through at all.
  let known: Set<string> | undefined;
  const found: NewSighting<T>[] = [];
  // Scripts of a known use come first: a sighting is reported where its use is known.
  const scripts = facts.scripts.flatMap(({ after }) => after ?? []);
  const isKnown = (script: Script) => script.context !== "unknown";
  for (const script of [...scripts.filter(isKnown), ...scripts.filter((each) => !isKnown(each))]) {
    for (const seen of look(script)) {
      known ??= new Set(
        facts.scripts.flatMap(({ before }) => (before ? look(before).map(({ key }) => key) : [])),
      );
      if (known.has(seen.key)) continue;
      known.add(seen.key);
      found.push({ script, seen });
    }
  }
  return found;
}

/** The lines of code that a change adds to a script, less those that stood in any script of the base. */
export function addedCode(change: ScriptChange, moved: Map<string, number>): readonly string[] {
  if (!change.after) return [];
  return change.after.code.filter((line) => {
    const left = moved.get(line) ?? 0;
    if (left > 0) moved.set(line, left - 1);
    return left === 0;
  });
}

/** The lines of code of all scripts of the base, each with how often it stands there. */
export function baseCode(facts: Facts): Map<string, number> {
  const lines = new Map<string, number>();
  for (const { before } of facts.scripts) {
    for (const line of before?.code ?? []) lines.set(line, (lines.get(line) ?? 0) + 1);
  }
  return lines;
}

export function isNewFile(facts: Facts, path: string): boolean {
  return fileAt(facts, "head", path)?.change.status === "added";
}

/** What a message calls a script. */
export function nameOf(script: Script): string {
  return script.binding === "" ? script.path.slice(script.path.lastIndexOf("/") + 1) : script.binding;
}

const LONGEST_SHOWN = 160;

/** A command as one line, for a message. */
export function shownCommand(command: Command): string {
  const set = command.name === "" ? command.assignments.map(({ name, value }) => `${name}=${value}`) : [];
  return visible(
    [...set, command.name, ...command.words].join(" ").replace(/\s+/g, " ").trim(),
    LONGEST_SHOWN,
  );
}

/** A finding on a script, with the parts that all of them share. */
export function scriptFinding(
  script: Script,
  seen: Sighting,
  about: Pick<RuleFinding, "severity" | "confidence" | "title" | "message" | "after"> & Partial<RuleFinding>,
): RuleFinding {
  return {
    at: { side: "head", span: seen.span },
    before: null,
    evidence: ["static"],
    related: [],
    identity: [script.binding, seen.key],
    ...about,
    message: `${about.message}${script.parsed ? "" : " (Parts of this script could not be read.)"}`,
  };
}

const WHEN: Readonly<Record<Script["context"], string>> = {
  build: "when the package is built",
  fetch: "while the source is fetched, with the network at hand",
  update: "when somebody or the update bot updates the package, with their rights and outside any sandbox",
  run: "on the user's machine",
  test: "in a test",
  shell: "in the developer's shell",
  patch: "where the patched file runs",
  ci: "in a workflow, beside the repository's token",
  unknown: "wherever this text is used",
};

/** When a command of a script runs, for a message. */
export function whenRun(script: Script, command: Command): string {
  return WHEN[isRunLater(command) ? "run" : script.context];
}

/** Does the command stand in something that a build leaves behind to be run: a wrapper, a file that it writes? */
export function isRunLater(command: Command): boolean {
  return command.within.includes("--run") || command.within.includes("file");
}
