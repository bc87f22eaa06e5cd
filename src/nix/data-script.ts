/** A script that is a string of data, JSON or YAML: it stands where the string does, with all that is in it. */
import type { CodeText } from "./code-text.ts";
import type { Script, ScriptLanguage } from "./model.ts";
import { type AboutScript, CUT, finished, readCode, type ScriptParsers } from "./scripts.ts";

/**
 * Reads such a script; `span` of `about` is the string's. `onCut` is told when there is more of it than is read; `variables`:
 * what its environment holds.
 */
export function readDataScript(
  code: CodeText,
  language: ScriptLanguage,
  about: Omit<AboutScript, "packageSpan">,
  parsers: ScriptParsers,
  onCut: (what: string) => void,
  variables?: ReadonlyMap<string, string>,
): Script {
  const reading = readCode(language, code, parsers, variables);
  if (reading.cut) onCut(CUT);
  const script = finished({ ...about, packageSpan: null }, code, language, reading);
  // Behind escapes, an offset in the text is none in the file.
  const commands = script.commands.map((command) => ({ ...command, span: script.span }));
  return { ...script, commands };
}
