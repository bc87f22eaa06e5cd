/** Security patches that a package still names but that no longer work: not applied, reverted, or cut down. */
import type { Script } from "../nix/model.ts";
import { fileAt } from "./_index.ts";
import { newSightings, type Sighting, shownCommand } from "./_scripts.ts";
import { isExample, lastName, newSettings, settingName, shownValue } from "./_settings.ts";
import { fileName, headPath, inHead } from "./_text.ts";
import type { Facts, FileFacts, Place } from "./rule.ts";

export interface Undone {
  /** What the patch fixes, by its name. */
  readonly names: readonly string[];
  readonly what: string;
  readonly at: Place;
}

const APPLIES = /\bapplyPatches\b|\bpatchPhase\b|\$\{?patches\b|\bpatch\s+-/;

/** Security patches that no longer work. `fixesIn`: the vulnerabilities that a text says it fixes. */
export function* undonePatches(
  facts: Facts,
  fixesIn: (text: string) => readonly string[],
): Generator<Undone> {
  for (const { after, before } of newSettings(facts)) {
    const name = lastName(after);
    const isOff =
      (name === "dontPatch" && /^(?:true|1|"1")$/.test(after.text)) ||
      (name === "patchPhase" && after.value.kind === "string" && !APPLIES.test(after.value.value));
    if (!isOff || isExample(after) || before?.text === after.text) continue;
    const file = fileAt(facts, "head", after.path);
    const span = after.packageSpan;
    const own = span ? file?.head?.slice(span.start, span.end) : file?.head;
    // Only patches that the base named can be lost.
    const had = new Set(patchesIn(file?.base ?? "").flatMap(fixesIn));
    const names = patchesIn(own ?? "")
      .flatMap(fixesIn)
      .filter((fix) => had.has(fix));
    const what = `${settingName(after)} is ${shownValue(after)}`;
    if (names.length > 0) yield { names: [...new Set(names)], what, at: { side: "head", span: after.span } };
  }
  for (const { seen } of newSightings(facts, (script) => takenBack(script, fixesIn)))
    yield { names: seen.names, what: seen.what, at: { side: "head", span: seen.span } };
  for (const file of facts.files) {
    const names = fixesIn(fileName(headPath(file)));
    if (names.length === 0 || !isShrunk(file)) continue;
    const what = "the patch adds and takes away fewer than half of the lines that it did";
    yield { names, what, at: inHead(file, 0, 0) };
  }
}

/** The patches that a Nix file names. */
function patchesIn(text: string): readonly string[] {
  return text.match(/(?<![\w./+-])[\w./+-]{1,200}\.(?:patch|diff)\b/g) ?? [];
}

function takenBack(
  script: Script,
  fixesIn: (text: string) => readonly string[],
): readonly (Sighting & { names: readonly string[]; what: string })[] {
  return script.commands.flatMap((command) => {
    const isReverse = command.words.some((word) => /^(?:-[a-z0-9]*R[a-z0-9]*|--reverse)$/.test(word));
    if (!isReverse || !/^(?:patch|git)$/.test(command.name)) return [];
    const words = [...command.words, ...command.redirects.map(({ target }) => target)].join(" ");
    const names = fixesIn(words);
    const what = `it runs ${shownCommand(command)}`;
    return names.length === 0 ? [] : [{ key: `reverse ${names}`, span: command.span, names, what }];
  });
}

function isShrunk({ base, head, change }: FileFacts): boolean {
  if (base === null || head === null || !/\.(?:patch|diff)$/.test(change.head?.path ?? "")) return false;
  return changedLines(head) * 2 < changedLines(base);
}

/** The lines that a patch adds or takes away. */
function changedLines(patch: string): number {
  return patch.match(/^[+-](?![+-]{2} )/gm)?.length ?? 0;
}
