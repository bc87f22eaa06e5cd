/** Which strings of a Nix file are scripts, and when they run: told by the attribute or the function that takes them. */
import { appliedFunction, boundTo, lastName, STRING_FUNCTIONS } from "./code-text.ts";
import type { ScriptContext, ScriptLanguage } from "./model.ts";
import { appliedTo, attributePath } from "./places.ts";
import { ATTRIBUTES, WRITERS, WRITES, WRITES_FILE } from "./script-takers.ts";
import {
  attrNames,
  bare,
  bindingsOf,
  isAttrset,
  nodeAt,
  parts,
  type Region,
  type SyntaxNode,
  visitIn,
} from "./syntax.ts";

/** The string literals that touch a region: the one around it, and those within it; and names that may stand for one. */
export function textsIn(source: string, root: SyntaxNode, region: Region): readonly SyntaxNode[] {
  const texts: SyntaxNode[] = [];
  const inside = nodeAt(root, region.start, region.end);
  for (let up: SyntaxNode | null = inside; up; up = up.parent) {
    if (isString(up)) {
      texts.push(up);
      break;
    }
  }
  const tops = [inside];
  // A list that grows while it is gone through.
  for (const top of tops)
    visitIn(source, top, region, (node) => {
      const isText = isString(node);
      if (isText || isBoundName(node)) texts.push(node);
      if (isText) tops.push(...heldBy(source, node));
      return !isText;
    });
  return texts;
}

/**
 * What a string's interpolations hold that is no part of its text: sets, and what functions write to files, as in
 * `"${writeShellScript "x" "…"} --flag"`.
 */
function heldBy(source: string, string: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  if (!source.slice(string.start, string.end).includes("${")) return found;
  visitIn(source, string, string, (node) => {
    const isWriter = node.type === "apply_expression" && WRITES.test(lastName(source, appliedFunction(node)));
    if (isWriter || isAttrset(node)) found.push(node);
    return !isWriter && !isAttrset(node);
  });
  return found;
}

const PASSES_ON = new Set([
  "binding",
  "let_expression",
  "with_expression",
  "if_expression",
  "assert_expression",
  "parenthesized_expression",
  "binary_expression",
]);

/** `buildPhase = script;`, with `script` from a `let`: a name in a place that passes its value on. */
function isBoundName(node: SyntaxNode): boolean {
  return node.type === "variable_expression" && node.parent !== null && PASSES_ON.has(node.parent.type);
}

function isString(node: SyntaxNode): boolean {
  return node.type === "string_expression" || node.type === "indented_string_expression";
}

/** A script in a Nix file, before it is read. */
export interface Placed {
  /** The expression whose value is the script. */
  readonly root: SyntaxNode;
  readonly context: ScriptContext;
  readonly language: ScriptLanguage | null;
}

/** Attributes whose string is text for people or a value, never a script. */
const TEXT =
  /^(description|longDescription|example|message|homepage|changelog|downloadPage|license|url|urls|name|pname|version|rev|tag|owner|repo|hash|sha256|sha512|platforms|mainProgram|defaultText|title|comment|knownVulnerabilities|warnings|assertions|extraConfig|config|configFile|email|github|matrix)$/;

/** The script that a literal (or name) is a part of; null when it stands where no script does. */
export function placeOf(source: string, literal: SyntaxNode, depth = MOST_DEPTH): Placed | null {
  const { root, function: writer, binding, file } = climb(source, literal);
  if (isBoundName(literal) && !isTextName(source, literal)) return null;
  const path = binding ? attributePath(source, binding) : [];
  const last = path.at(-1) ?? "";
  const whole = path.join(".");
  const isUpdate = /(^|\.)updateScript\b/.test(whole);
  const named = ATTRIBUTES.find(([names]) => names.test(last))?.[1];
  if (file) {
    const context = contextOfFile(source, file, depth);
    const before = source.slice(Math.max(file.start, root.start - LONGEST_BEFORE), root.start);
    const language = /\.py"[\s(]{0,20}$/.test(before) ? "python" : null;
    return context !== "unknown" || mayBeScript(source, literal) ? { root, context, language } : null;
  }
  if (writer !== null) {
    const known = Object.hasOwn(WRITERS, writer) ? WRITERS[writer] : undefined;
    if (!known) return null;
    // `postFetch = writeShellScript "…" …` runs where the attribute does.
    const runs = named === "fetch" ? named : known.context;
    const context = isUpdate ? "update" : inTests(path) ? "test" : runs;
    return { root, context, language: known.language };
  }
  // A string that is the value of its file may be a script of whoever imports that.
  if (!binding) {
    const mayBe = isString(literal) && isFileValue(root) && mayBeScript(source, literal);
    return mayBe ? { root, context: "unknown", language: null } : null;
  }
  if (TEXT.test(last)) return null;
  if (
    last === "text" &&
    appliedTo(source, binding) !== "writeShellApplication" &&
    !/activationScripts/.test(whole)
  ) {
    return { root, context: "unknown", language: null };
  }
  if (isUpdate) return { root, context: "update", language: null };
  if (/activationScripts/.test(whole)) return { root, context: "run", language: "bash" };
  if (named === undefined && !mayBeScript(source, literal)) return null;
  const context = named ?? contextOfUse(source, binding, last, depth) ?? "unknown";
  if (context === "test") return { root, context, language: "python" };
  return { root, context: inTests(path) ? "test" : context, language: null };
}

/** How far a name is followed, and at how many places that look like it. */
const MOST_DEPTH = 3;
const MOST_USES = 20;

/** The context of the script that a name of a `let` is used in; null when no use tells it. */
function contextOfUse(
  source: string,
  binding: SyntaxNode,
  name: string,
  depth: number,
): ScriptContext | null {
  const scope = binding.parent?.parent;
  if (scope?.type !== "let_expression" || depth === 0 || !/^[\w'-]+$/.test(name)) return null;
  let at = scope.start;
  for (let seen = 0; seen < MOST_USES; seen++) {
    at = source.indexOf(name, at);
    if (at < 0 || at >= scope.end) return null;
    const end = at + name.length;
    const use = nodeAt(scope, at, end).parent;
    if (use?.type === "variable_expression" && use.end - use.start === name.length) {
      const context = placeOf(source, use, depth - 1)?.context;
      if (context && context !== "unknown") return context;
    }
    at = end;
  }
  return null;
}

function isTextName(source: string, name: SyntaxNode): boolean {
  const bound = boundTo(source, name);
  return bound !== null && isString(bare(bound));
}

/** Is the script (part of) a fixed-output derivation's builder? It may use the network: its hash holds the result. */
function isFixedOutput(source: string, root: SyntaxNode): boolean {
  for (let up = root.parent; up; up = up.parent) {
    const sets =
      up.type === "apply_expression" ? parts(up).flatMap((part) => [bare(part), ...parts(bare(part))]) : [up];
    if (sets.some((set) => isAttrset(set) && bindsHash(source, set))) return true;
    if (isAttrset(up)) return false;
  }
  return false;
}

function bindsHash(source: string, set: SyntaxNode): boolean {
  return bindingsOf(set).some(
    (binding) =>
      binding.kind === "binding" && attrNames(source, binding.attrpath)[0]?.startsWith("outputHash"),
  );
}

function inTests(path: readonly string[]): boolean {
  return path.includes("tests");
}

const AROUND_VALUE = /^(?:source_code|parenthesized_expression|(?:function|let|with|assert|if)_expression)$/;

function isFileValue(node: SyntaxNode): boolean {
  for (let up = node.parent; up; up = up.parent) if (!AROUND_VALUE.test(up.type)) return false;
  return true;
}

/** A one-line string outside the known places is looked at only when it has the form of a command line. */
function mayBeScript(source: string, literal: SyntaxNode): boolean {
  return (
    literal.type !== "string_expression" ||
    /[|;`]|\$\(|<\(|&&/.test(source.slice(literal.start + 1, literal.end - 1))
  );
}

/** Functions whose argument is text for people, or names something. */
const TAKES_TEXT = new Set([
  "abort",
  "assertMsg",
  "fetchurl",
  "fetchzip",
  "import",
  "literalExpression",
  "literalMD",
  "mdDoc",
  "mkEnableOption",
  "throw",
  "throwIf",
  "throwIfNot",
  "trace",
  "warn",
  "warnIf",
  "warnIfNot",
  "writeTextDir",
]);

/** Attributes that run the file which they are given. */
const TAKES_FILE = /^(?:setupHook|builder|updateScript|\w+Phase|(?:pre|post)[A-Z]\w*)$/;

/** What stands before the name of a file that a command line runs. */
const RUNS_FILE =
  /(?:^|[\s;&|("'/])(?:(?:ba|da|z|k|a)?sh|source|\.|exec|(?:\w{1,40}[sS]hell|bash|python3?|perl)\})\s{1,20}(?:-\w{1,20}\s{1,20}){0,5}["']?$/;
const LONGEST_BEFORE = 200;

/** When the file that a function writes a text to is run, as far as what takes the file says. */
function contextOfFile(source: string, file: SyntaxNode, depth: number): ScriptContext {
  for (let up = file.parent; up; up = up.parent) {
    if (up.type === "binding") {
      const path = attributePath(source, up);
      if (inTests(path)) return "test";
      if (/(^|\.)updateScript\b/.test(path.join("."))) return "update";
      const last = path.at(-1) ?? "";
      return (TAKES_FILE.test(last) && ATTRIBUTES.find(([names]) => names.test(last))?.[1]) || "unknown";
    }
    const string = up.type === "interpolation" ? up.parent : null;
    if (!string) continue;
    const before = source.slice(Math.max(string.start + 1, up.start - LONGEST_BEFORE), up.start);
    return (RUNS_FILE.test(before) && depth > 0 && placeOf(source, string, depth - 1)?.context) || "unknown";
  }
  return "unknown";
}

/** Is a function given to another one? */
function isArgument(node: SyntaxNode): boolean {
  let up = node.parent;
  while (up?.type === "parenthesized_expression") up = up.parent;
  return up?.type === "apply_expression";
}

/** Is an application itself applied to more? */
function isCallee({ start, parent }: SyntaxNode): boolean {
  return parent?.type === "apply_expression" && parent.start === start;
}

interface Taken {
  readonly root: SyntaxNode;
  /** The function that writes it to a script; null: none that is known. */
  readonly function: string | null;
  readonly binding: SyntaxNode | null;
  /** The call that writes it to a file which may be none. */
  readonly file?: SyntaxNode;
}

const NOWHERE = { function: null, binding: null } as const;

/** From a literal up to the whole expression whose text it is a part of, and to what takes that expression. */
function climb(source: string, literal: SyntaxNode): Taken {
  let root = literal;
  for (let up = literal.parent; up; up = up.parent) {
    switch (up.type) {
      case "interpolation":
      case "string_expression":
      case "indented_string_expression":
      case "parenthesized_expression":
      case "if_expression":
      case "let_expression":
      case "with_expression":
      case "assert_expression":
        break;
      case "binary_expression":
        // A list made of parts (`[ … ] ++ optionals x [ … ]`): each string in it stands for itself.
        if (!up.children.some((child) => child.type === "+"))
          return { root, function: null, binding: bindingOf(up) };
        break;
      case "function_expression": {
        // `concatMapStrings (url: "…") urls`: each call gives one.
        const binding = isArgument(up) ? bindingOf(up) : null;
        return { root, function: null, binding };
      }
      case "apply_expression": {
        const name = lastName(source, appliedFunction(up));
        if (STRING_FUNCTIONS.has(name)) break;
        // The file's name, or options: more arguments follow.
        if (WRITES.test(name) && isCallee(up)) return { root, ...NOWHERE };
        if (WRITES_FILE.has(name)) return { root, function: name, binding: bindingOf(up), file: up };
        return Object.hasOwn(WRITERS, name)
          ? { root, function: name, binding: bindingOf(up) }
          : { root, function: null, binding: TAKES_TEXT.has(name) ? null : bindingOf(up) };
      }
      case "list_expression": {
        const call = up.parent;
        const joins =
          call?.type === "apply_expression" && STRING_FUNCTIONS.has(lastName(source, appliedFunction(call)));
        if (!joins) return { root, function: null, binding: bindingOf(up) };
        break;
      }
      case "binding":
        return { root, function: null, binding: up };
      default:
        return { root, ...NOWHERE };
    }
    if (up.type !== "interpolation") root = up;
  }
  return { root, ...NOWHERE };
}

function bindingOf(node: SyntaxNode): SyntaxNode | null {
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "binding") return up;
    if (isAttrset(up) || up.type === "source_code") return null;
  }
  return null;
}

/** When a script runs, as its place and its file say. */
export function contextOf(path: string, source: string, place: Placed): ScriptContext {
  if (place.context === "unknown") return "unknown";
  if (place.context === "build" && isFixedOutput(source, place.root)) return "fetch";
  return isTestFile(path) ? "test" : place.context;
}

export function isTestFile(path: string): boolean {
  return /(^|\/)tests?\//.test(path);
}
