/** Which strings of a Nix file are scripts, and when they run: told by the attribute or the function that takes them. */
import { appliedFunction, boundTo, lastName, STRING_FUNCTIONS } from "./code-text.ts";
import type { ScriptContext, ScriptLanguage } from "./model.ts";
import { attributePath } from "./places.ts";
import type { Region } from "./scripts.ts";
import { attrNames, bare, bindingsOf, isAttrset, nodeAt, parts, type SyntaxNode } from "./syntax.ts";

/** The string literals that touch a region: the one around it, and those within it; and names that may stand for one. */
export function* textsIn(root: SyntaxNode, region: Region): Generator<SyntaxNode> {
  const inside = nodeAt(root, region.start, region.end);
  for (let up: SyntaxNode | null = inside; up; up = up.parent) {
    if (isString(up)) {
      yield up;
      break;
    }
  }
  const stack = [inside];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.end < region.start || node.start > region.end) continue;
    if (isString(node) || isBoundName(node)) yield node;
    else
      for (let index = node.children.length - 1; index >= 0; index--)
        stack.push(node.children[index] as SyntaxNode);
  }
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

/** Functions whose string argument is a script, by name. */
const WRITERS: Readonly<Record<string, { context: ScriptContext; language: ScriptLanguage | null }>> = {
  writeShellScript: { context: "run", language: "bash" },
  writeShellScriptBin: { context: "run", language: "bash" },
  writeScript: { context: "run", language: null },
  writeScriptBin: { context: "run", language: null },
  writeBash: { context: "run", language: "bash" },
  writeBashBin: { context: "run", language: "bash" },
  writeDash: { context: "run", language: "bash" },
  writeDashBin: { context: "run", language: "bash" },
  writePython2: { context: "run", language: "python" },
  writePython2Bin: { context: "run", language: "python" },
  writePython3: { context: "run", language: "python" },
  writePython3Bin: { context: "run", language: "python" },
  writePyPy3: { context: "run", language: "python" },
  writePyPy3Bin: { context: "run", language: "python" },
  writePerl: { context: "run", language: "other" },
  writePerlBin: { context: "run", language: "other" },
  writeJS: { context: "run", language: "other" },
  writeJSBin: { context: "run", language: "other" },
  runCommand: { context: "build", language: "bash" },
  runCommandLocal: { context: "build", language: "bash" },
  runCommandCC: { context: "build", language: "bash" },
  runCommandNoCC: { context: "build", language: "bash" },
  runTest: { context: "test", language: "python" },
};

/** Attributes whose string is a script, by their last name, the first match deciding. */
const ATTRIBUTES: readonly (readonly [RegExp, ScriptContext])[] = [
  [/^(updateScript|update)$/, "update"],
  [
    /^(pre|post)(Fetch|Checkout)$|^(extraPostFetch|netrcPhase|fetchPhase|modPostBuild|modConfigurePhase)$/,
    "fetch",
  ],
  [/^(testScript|nodes)$/, "test"],
  [/^(shellHook|profileExtra)$/, "shell"],
  [
    /^(pre|post)(Start|Stop|Shutdown|Up|Down|Setup|StartCommands|Boot|Mount\w*|Device\w*|LVM\w*|Reload)$/,
    "run",
  ],
  [/^Exec\w*$|^(script|reload|preStop|runScript|extraInit|activationScript|text|command|onFailure)$/, "run"],
  [
    /^(login|interactive)?[sS]hell(Init|Aliases)$|^(loginShellInit|interactiveShellInit|promptInit|extraConfigEarly)$/,
    "run",
  ],
  [/^(makeWrapperArgs|qtWrapperArgs|gappsWrapperArgs|wrapperArgs|makeQtWrapperArgs|wrapArgs)$/, "run"],
  [
    /Phase$|^(pre|post)[A-Z]\w*$|^(buildCommand|buildScript|installScript|unpackCmd|setupHook|builder)$/,
    "build",
  ],
  [/^(extra)?\w*Commands$|^extraInstall$|^(install|build|check)Command$/, "build"],
];

/** When the script of an attribute runs, where that is one of `contexts`; null for other attributes. */
export function contextOfAttribute(name: string, contexts: readonly ScriptContext[]): ScriptContext | null {
  const context = ATTRIBUTES.find(([names]) => names.test(name))?.[1];
  return context !== undefined && contexts.includes(context) ? context : null;
}

/** Attributes whose string is text for people or a value, never a script. */
const TEXT =
  /^(description|longDescription|example|message|homepage|changelog|downloadPage|license|url|urls|name|pname|version|rev|tag|owner|repo|hash|sha256|sha512|platforms|mainProgram|defaultText|title|comment|knownVulnerabilities|warnings|assertions|extraConfig|config|configFile|email|github|matrix)$/;

/** The script that a literal (or name) is a part of; null when it stands where no script does. */
export function placeOf(source: string, literal: SyntaxNode, depth = MOST_DEPTH): Placed | null {
  const { root, function: writer, binding } = climb(source, literal);
  if (isBoundName(literal) && !isTextName(source, literal)) return null;
  const path = binding ? attributePath(source, binding) : [];
  const last = path.at(-1) ?? "";
  const whole = path.join(".");
  const isUpdate = /(^|\.)updateScript\b/.test(whole);
  if (writer !== null) {
    const known = Object.hasOwn(WRITERS, writer) ? WRITERS[writer] : undefined;
    if (!known) return null;
    const context = isUpdate ? "update" : inTests(path) ? "test" : known.context;
    return { root, context, language: known.language };
  }
  // What a whole file is may be a script of who imports it.
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
  const named = ATTRIBUTES.find(([names]) => names.test(last))?.[1];
  if (named === undefined && !mayBeScript(source, literal)) return null;
  const context = named ?? contextOfUse(source, binding, last, depth) ?? "unknown";
  if (context === "test") return { root, context, language: "python" };
  return { root, context: inTests(path) ? "test" : context, language: null };
}

/** How far a name is followed, and at how many places that look like it. */
const MOST_DEPTH = 3;
const MOST_USES = 20;

/** When a name of a `let` is used in a script: the context of that; null when it is not told. */
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

/** Functions that write a text to a file; an attribute that takes scripts runs it. */
const WRITES_FILE = new Set(["writeText", "toFile"]);
const TAKES_FILE = /^(?:setupHook|builder|updateScript|\w+Phase|(?:pre|post)[A-Z]\w*)$/;

function fileBinding(source: string, node: SyntaxNode): SyntaxNode | null {
  const binding = bindingOf(node);
  return binding && TAKES_FILE.test(attributePath(source, binding).at(-1) ?? "") ? binding : null;
}

/** Is a function given to another one? */
function isArgument(node: SyntaxNode): boolean {
  let up = node.parent;
  while (up?.type === "parenthesized_expression") up = up.parent;
  return up?.type === "apply_expression";
}

/** From a literal to the whole expression that it is a part of the text of, and to what takes that. */
function climb(source: string, literal: SyntaxNode) {
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
        if (WRITES_FILE.has(name)) return { root, function: null, binding: fileBinding(source, up) };
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
        return { root, function: null, binding: null };
    }
    if (up.type !== "interpolation") root = up;
  }
  return { root, function: null, binding: null };
}

function bindingOf(node: SyntaxNode): SyntaxNode | null {
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "binding") return up;
    if (isAttrset(up) || up.type === "source_code") return null;
  }
  return null;
}

/** The function that takes the attribute set around a binding. */
function appliedTo(source: string, binding: SyntaxNode): string {
  const set = binding.parent?.parent;
  let up = set?.parent;
  while (up && (up.type === "parenthesized_expression" || up.type === "function_expression")) up = up.parent;
  return up?.type === "apply_expression" ? lastName(source, appliedFunction(up)) : "";
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
