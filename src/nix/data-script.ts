/** A script that is a string of data, JSON or YAML: it stands where the string does, with all that is in it. */
import type { CodeText } from "./code-text.ts";
import type { Script, ScriptLanguage } from "./model.ts";
import { CUT, finished, type Region, readCode, type ScriptParsers } from "./scripts.ts";

/** What is known of a script beside its text. */
export interface AboutScript extends Pick<Script, "path" | "binding" | "context"> {
  /** The string. */
  readonly span: Region;
}

/** Reads such a script. `onCut` is told when there is more of it than is read; `variables`: what its environment holds. */
export function readDataScript(
  code: CodeText,
  language: ScriptLanguage,
  { path, binding, context, span }: AboutScript,
  parsers: ScriptParsers,
  onCut: (what: string) => void,
  variables?: ReadonlyMap<string, string>,
): Script {
  const reading = readCode(language, code, parsers, variables);
  if (reading.cut) onCut(CUT);
  const script = finished(path, code, language, reading, span);
  // Behind escapes, an offset in the text is none in the file.
  const commands = script.commands.map((command) => ({ ...command, span: script.span }));
  return { ...script, commands, binding, context, packageSpan: null };
}
