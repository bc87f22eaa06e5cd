/** Code in other languages: strings of Nix files that are scripts, and script files beside them. */
import { type CodeText, type Compute, codeText, isComputed, plainText } from "./code-text.ts";
import { evaluateAt } from "./evaluate.ts";
import { MOST_LINES, shellsIn } from "./foreign.ts";
import type { Script, ScriptContext, ScriptLanguage } from "./model.ts";
import type { DocumentParser } from "./parser.ts";
import { inPieces } from "./pieces.ts";
import { attributePath, packageSpan } from "./places.ts";
import { readPython } from "./python.ts";
import { contextOf, isTestFile, type Placed, placeOf, textsIn } from "./script-places.ts";
import { createSession, isExhausted } from "./session.ts";
import { readShell } from "./shell.ts";
import { behind, type ScriptCommand, type ScriptReading } from "./shell-state.ts";
import { fileName, type SourceFile } from "./source-file.ts";
import type { Region, SyntaxNode } from "./syntax.ts";
import { knownText } from "./value.ts";

/** One side of a changed file: what is not Nix has no syntax tree. */
export type CodeFile = Exclude<SourceFile, { kind: "json" }>;

export interface ScriptParsers {
  readonly bash: DocumentParser;
  readonly python: DocumentParser;
}

/** The limit on reading the scripts of one file, in milliseconds: thousands of small ones take as long as a large one. */
const SCRIPTS_LIMIT_MILLISECONDS = 3_000;

/**
 * The scripts of a file that `regions` touch, in order. `onCut` is told what limits left unread; `isTaken`: a text is a
 * script by what is done with it, whatever its own name.
 */
export function scriptsOf(
  file: CodeFile,
  regions: readonly Region[],
  parsers: ScriptParsers,
  onCut: (what: string) => void = () => {},
  isTaken = false,
): readonly Script[] {
  if (regions.length === 0) return [];
  if (file.kind !== "nix") return fileScript(file, parsers, onCut, isTaken);
  const { text } = file.document;
  const seen = new Set<string>();
  const scripts: Script[] = [];
  const deadline = performance.now() + SCRIPTS_LIMIT_MILLISECONDS;
  const compute = computeIn(file, () => onCut(CUT));
  reading: for (const region of inPieces(file.document, regions)) {
    for (const literal of textsIn(text, file.document.root, region)) {
      if (performance.now() > deadline) {
        onCut("it holds more scripts than can be read in time");
        break reading;
      }
      const placed = placeOf(text, literal);
      if (!placed) continue;
      const place = { ...placed, root: computedAround(text, placed.root, compute) };
      const where = `${place.root.start}-${place.root.end}`;
      if (seen.has(where)) continue;
      seen.add(where);
      const script = scriptAt(file, text, place, parsers, onCut, compute);
      if (script) scripts.push(script);
    }
  }
  return scripts.sort((a, b) => a.span.start - b.span.start);
}

/** Works out texts within one file; `onExhausted` is told when that takes more steps than there are. */
function computeIn(file: Extract<CodeFile, { kind: "nix" }>, onExhausted: () => void): Compute {
  const session = createSession({ get: () => null, siblings: () => [] });
  // Each of the strings of a long list asks for the text of the list.
  const known = new Map<SyntaxNode, string | null>();
  return (node) => {
    let text = known.get(node);
    if (text === undefined) {
      text = knownText(evaluateAt(session, file, node));
      if (text === null && isExhausted(session)) onExhausted();
      known.set(node, text);
    }
    return text;
  };
}

/** The outermost expression around a text that has a part in what is worked out; the text itself when none is known. */
function computedAround(source: string, root: SyntaxNode, compute: Compute): SyntaxNode {
  let around = root;
  for (let up = root.parent; up && up.type !== "binding" && up.type !== "source_code"; up = up.parent)
    if (isComputed(source, up) && compute(up) !== null) around = up;
  return around;
}

/** Said of a file with a script that is not read as a whole. */
export const CUT = "a script in it is longer, more deeply nested or of more commands than is read";

function scriptAt(
  file: CodeFile,
  source: string,
  place: Placed,
  parsers: ScriptParsers,
  onCut: (what: string) => void,
  compute: Compute,
): Script | null {
  const code = codeText(source, place.root, compute);
  const language = place.language ?? languageOf(code.text);
  const read = readCode(language, code, parsers);
  // In a text whose use is not known, a command line may stand behind a time or a name: `CC=curl … | sh`.
  const reading =
    place.context === "unknown" && language !== "other" ? withForeign(read, code, parsers) : read;
  if (code.cut || reading.cut) onCut(CUT);
  if (place.context === "unknown" && reading.commands.length === 0) return null;
  const binding = attributePath(source, place.root).join(".");
  const about = {
    path: file.path,
    binding,
    context: contextOf(file.path, source, place),
    span: place.root,
    packageSpan: packageSpan(source, file.path, place.root),
  };
  return finished(about, code, language, withComputed(source, code, reading));
}

/** Marks as `computed` the commands that were worked out and whose beginning stands nowhere in the file. */
function withComputed(source: string, code: CodeText, reading: ScriptReading): ScriptReading {
  const isHidden = ({ start, name, words }: ScriptCommand) =>
    code.isComputed?.(start) && !source.includes([name, ...words.slice(0, 1)].join(" "));
  return {
    ...reading,
    commands: reading.commands.map((command) =>
      isHidden(command) ? { ...command, within: ["computed", ...command.within] } : command,
    ),
  };
}

/** The language that the first lines of a script name. */
export function languageOf(text: string): ScriptLanguage {
  const shebang = /^\s*#!(.*)/.exec(text)?.[1];
  if (shebang === undefined) return "bash";
  return languageOfInterpreter(/nix-shell/.test(shebang) ? interpreterOf(text) : shebang);
}

/** The interpreter that the lines for nix-shell name: the word behind the last `-i` of all of them. */
function interpreterOf(text: string): string {
  const words = [...text.matchAll(/^[ \t]*#![ \t]*nix-shell[ \t](.*)$/gm)].flatMap(([, options = ""]) =>
    options.split(/\s+/),
  );
  const at = words.lastIndexOf("-i");
  return (at < 0 ? undefined : words[at + 1]) ?? "bash";
}

/** What an interpreter reads. */
export function languageOfInterpreter(interpreter: string): ScriptLanguage {
  if (/python/.test(interpreter)) return "python";
  return /perl|node|ruby|lua|nu\b|fish|awk/.test(interpreter) ? "other" : "bash";
}

/** The commands of a script. `variables`: what its environment holds. */
export function readCode(
  language: ScriptLanguage,
  code: CodeText,
  parsers: ScriptParsers,
  variables?: ReadonlyMap<string, string>,
): ScriptReading {
  switch (language) {
    case "bash":
      return readShell(parsers.bash, code.text, code.restore, {
        variables,
        python: (text) => readPython(parsers, text, code.restore),
      });
    case "python":
      return readPython(parsers, code.text, code.restore);
    case "other":
      return readForeign(parsers.bash, code.text, code.restore);
  }
}

/** The command lines that fetch or decode, in code of a language that is not read. */
function readForeign(bash: DocumentParser, text: string, restore: CodeText["restore"]): ScriptReading {
  const commands: ScriptCommand[] = [];
  const lines = shellsIn(text);
  let cut = lines.length >= MOST_LINES;
  for (const { text: line, start, end } of lines) {
    const offset = commands.length;
    const reading = readShell(bash, line, restore);
    cut ||= reading.cut;
    for (const command of reading.commands)
      commands.push({ ...behind(command, offset), within: ["text", ...command.within], start, end });
  }
  return { commands, comments: [], parsed: false, cut };
}

function withForeign(read: ScriptReading, code: CodeText, parsers: ScriptParsers): ScriptReading {
  const more = readForeign(parsers.bash, code.text, code.restore);
  if (more.commands.length === 0) return read;
  const commands = more.commands.map((each) => behind(each, read.commands.length));
  return { ...read, commands: [...read.commands, ...commands], cut: read.cut || more.cut };
}

/** What is known of a script beside its text. */
export interface AboutScript extends Pick<Script, "path" | "binding" | "context" | "packageSpan"> {
  /** Where it stands in its file. */
  readonly span: Region;
}

/**
 * A script as it was read, with all positions in its file. Part by part: of thousands of scripts and commands spread from
 * others, V8 would give each a shape of its own.
 */
export function finished(
  { path, binding, context, span, packageSpan }: AboutScript,
  code: CodeText,
  language: ScriptLanguage,
  reading: ScriptReading,
): Script {
  return {
    path,
    binding,
    context,
    language,
    text: code.restore(code.text),
    code: codeLines(code, reading),
    commands: reading.commands.map((command) => ({
      name: command.name,
      words: command.words,
      assignments: command.assignments,
      redirects: command.redirects,
      input: command.input,
      reads: command.reads,
      holds: command.holds,
      disguised: command.disguised,
      tolerated: command.tolerated,
      within: command.within,
      span: { path, start: code.fileOffset(command.start), end: code.fileOffset(command.end) },
    })),
    parsed: reading.parsed,
    span: { path, start: span.start, end: span.end },
    packageSpan,
  };
}

/** The lines that are code, without the white space around them. */
function codeLines(code: CodeText, reading: ScriptReading): readonly string[] {
  let text = "";
  let at = 0;
  for (const comment of reading.comments) {
    text += code.text.slice(at, comment.start);
    at = comment.end;
  }
  text += code.text.slice(at);
  return code
    .restore(text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function fileScript(
  file: CodeFile,
  parsers: ScriptParsers,
  onCut: (what: string) => void,
  isTaken: boolean,
): readonly Script[] {
  const kind = fileKind(file.path, file.text, isTaken);
  if (!kind) return [];
  const { context } = kind;
  const whole = { start: 0, end: file.text.length };
  const texts = context === "patch" ? addedTexts(file.text) : [{ language: kind.language, text: file.text }];
  return texts.map(({ language, text }) => {
    const code = plainText(text);
    const reading = readCode(language, code, parsers);
    if (reading.cut) onCut(CUT);
    const about = { path: file.path, binding: "", context, span: whole, packageSpan: null };
    return finished(about, code, language, reading);
  });
}

/** Whether a file says itself that it is a script. */
export function saysScript({ path, text }: CodeFile): boolean {
  return fileKind(path, text, false) !== null;
}

/** Begins a file's part of a unified diff. */
const HUNK = /^--- [^\n]+\n\+\+\+ [^\n]+\n@@ -\d/m;

function fileKind(
  path: string,
  text: string,
  isTaken: boolean,
): { language: ScriptLanguage; context: ScriptContext } | null {
  const name = fileName(path);
  if (/\.(patch|diff)$/.test(name) || (isTaken && HUNK.test(text)))
    return { language: "other", context: "patch" };
  const extension = /\.(sh|bash|py|pl|lua|rb|[cm]?[jt]s|toml|ya?ml)$/.exec(name)?.[1] ?? "";
  const isNamed = /^(?:sh|bash|py|pl)$/.test(extension) || /^(?:GNUm|[Mm])akefile$/.test(name);
  // `#![…]` opens an attribute of Rust.
  const saysSo = isNamed || /^#!\s*[/@]/.test(text);
  if (!saysSo && !isTaken) return null;
  const byShebang = text.startsWith("#!") ? languageOf(text) : null;
  const language = byShebang ?? languageOfName(extension);
  return { language, context: contextOfFile(path, name) ?? (saysSo ? "run" : "unknown") };
}

/** When a script file runs, where its path tells. */
function contextOfFile(path: string, name: string): ScriptContext | null {
  if (isTestFile(path)) return "test";
  if (/updat|generate|regen|bump/i.test(name)) return "update";
  if (/(^|\/)(fetch[\w-]*|nix-prefetch[\w-]*)\//.test(path)) return "fetch";
  return /hook|builder|setup|makefile/i.test(name) ? "build" : null;
}

function languageOfName(extension: string): ScriptLanguage {
  if (extension === "py") return "python";
  return /^(?:sh|bash)?$/.test(extension) ? "bash" : "other";
}

/** What a patch adds, one text for each language, in which all other lines are blank: offsets stay. */
function addedTexts(text: string): readonly { language: ScriptLanguage; text: string }[] {
  const found = new Map<ScriptLanguage, string[]>();
  const lines = text.split("\n");
  let language: ScriptLanguage = "other";
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("+++ ")) language = languageOfTarget(line.slice(4), lines[index + 2] ?? "");
    else if (line.startsWith("+")) {
      const added = found.get(language) ?? lines.map((each) => " ".repeat(each.length));
      added[index] = ` ${line.slice(1)}`;
      found.set(language, added);
    }
  }
  return [...found].map(([each, added]) => ({ language: each, text: added.join("\n") }));
}

/** Told by the name of the file that a patch changes, or by its first line where the patch adds that. */
function languageOfTarget(target: string, first: string): ScriptLanguage {
  const [name = ""] = target.split("\t", 1);
  if (name.endsWith(".py")) return "python";
  if (
    /\.(?:sh|bash)$|\/(?:configure|autogen|bootstrap|install|build)[^/]*$|\/GNUmakefile[^/]*$|\/[Mm]akefile[^/]*$/.test(
      name,
    )
  )
    return "bash";
  return first.startsWith("+#!") ? languageOf(first.slice(1)) : "other";
}
