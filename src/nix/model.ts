/**
 * The facts about a file that rules and verification build on: plain data with positions.
 * Offsets are UTF-16 code units into the text of the file at that side, as JavaScript strings count.
 */

/** A stretch of a file. */
export interface Span {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/**
 * A text that static evaluation has, in whole or in part. What it could not know stands in `value` as
 * `${expression}`, and `resolved` is then false.
 */
export interface Text {
  readonly value: string;
  readonly resolved: boolean;
}

/** What a pin is for: a package's source, the dependencies vendored for it, a patch, or not known. */
export type SourceRole = "source" | "dependencies" | "patch" | "other";

/** An argument of a fetcher other than its location and hash: it can shape what is fetched. */
export interface Argument {
  readonly name: string;
  /** The source text without comments and needless white space, for comparing. */
  readonly text: string;
  readonly span: Span;
}

/** A part of what a pin is fetched with, as evaluation has it. */
export interface RecipePart {
  readonly name: string;
  readonly text: string;
}

/** A source pin: an attribute set (or call) that carries a hash, as one side has it. */
export interface Source {
  readonly path: string;
  /** The attribute path that leads to the pin in its file, as `src` or `sources.x86_64-linux`; "" when none. */
  readonly binding: string;
  /** The name of the function that takes the hash (`fetchFromGitHub`), null when the text does not say. */
  readonly fetcher: string | null;
  readonly role: SourceRole;
  /** The version that the pin's package carries; null when the text does not say. */
  readonly version: string | null;
  readonly versionSpan: Span | null;
  /** The package's name without version, when the text says it. */
  readonly pname: string | null;
  /** The name of what is fetched, as `fix-build.patch`: given, or the last part of the address. */
  readonly name: string | null;
  /** What the fetcher would download, in order; for `fetchgit` the clone URL, with `rev` beside it. */
  readonly urls: readonly Text[];
  readonly rev: Text | null;
  /** SRI, whatever the spelling; a text that is no valid hash as it stands; null when empty or not known. */
  readonly hash: string | null;
  /** The name of the attribute that carries the hash (`hash`, `sha256`, `vendorHash`). */
  readonly hashAttribute: string;
  readonly hashSpan: Span;
  /** The attribute set or call that makes the pin. */
  readonly span: Span;
  /** Where the (first) location stands, when it stands apart from the hash. */
  readonly urlSpan: Span | null;
  /** The fetcher's other arguments, by name. */
  readonly shape: readonly Argument[];
  /** Those of its arguments, given or laid over it, that decide which bytes come from the location. */
  readonly recipe: readonly RecipePart[];
  /** Identifies the package expression around the pin within its file: pins of one package share it. */
  readonly packageSpan: Span | null;
}

/** A redirection of a command: `> $out/x` is `{ operator: ">", target: "$out/x" }`. */
export interface Redirect {
  readonly operator: string;
  readonly target: string;
}

/**
 * A command of a shell script, or a call of a Python one, as far as the text decides: quoting and variables with
 * one known value are resolved, `$name` and `${nix expression}` stand for what is not known. Indexes are into the
 * list of the script's commands.
 */
export interface Command {
  /** The program's (or function's) name without folder; "" for an assignment that stands alone. */
  readonly name: string;
  readonly words: readonly string[];
  readonly assignments: readonly { readonly name: string; readonly value: string }[];
  readonly redirects: readonly Redirect[];
  /** The text of a here-document or here-string. */
  readonly input: string | null;
  /** The commands whose output it reads, by a pipe or `<(…)`. */
  readonly reads: readonly number[];
  /** The commands whose output stands in its words, by `$(…)` or through a variable. */
  readonly holds: readonly number[];
  /** Its name is put together from pieces (`c''url`, `$c"rl"`), as nobody writes by accident. */
  readonly disguised: boolean;
  /** Its failure is ignored, as by `|| true`. */
  readonly tolerated: boolean;
  /** What it is wrapped in, outermost first: `sh -c`, `--run`, `base64`, `file` (a script that this one writes), `computed` (put together by Nix). */
  readonly within: readonly string[];
  readonly span: Span;
}

/** When a script runs: decides how much harm it can do. `ci`: in a workflow; `unknown`: a text that may be a script. */
export type ScriptContext =
  | "build"
  | "fetch"
  | "update"
  | "run"
  | "test"
  | "shell"
  | "patch"
  | "ci"
  | "unknown";

export type ScriptLanguage = "bash" | "python" | "other";

/** Code in another language: a string of a Nix file that is a script, or a script file. */
export interface Script {
  readonly path: string;
  /** The attribute path that it is bound to (`postInstall`, `passthru.updateScript`); "" for a file. */
  readonly binding: string;
  readonly context: ScriptContext;
  readonly language: ScriptLanguage;
  /** As the interpreter gets it, interpolations as `${expression}`; indentation as in Nix taken away. */
  readonly text: string;
  /** Lines of code: no blank ones, no comments, no white space around. */
  readonly code: readonly string[];
  readonly commands: readonly Command[];
  /** False: the grammar could not read it, so `commands` may lack some. */
  readonly parsed: boolean;
  readonly span: Span;
  /** Identifies the package expression around it within its file; null for a file. */
  readonly packageSpan: Span | null;
}

/**
 * A value as far as it stands in the text; `list` items are literals' values or expressions' texts, and `when` has for each
 * the conditions that it stands under. `options`: what an `if` can give.
 */
export type SettingValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "null" }
  | { readonly kind: "list"; readonly items: readonly string[]; readonly when?: readonly string[] }
  | { readonly kind: "other"; readonly options?: readonly SettingValue[] };

/** Something that makes evaluation read its machine or the network. */
export interface Impurity {
  readonly path: string;
  /** What is used: `builtins.getEnv`, `<nixpkgs>`, `/etc/passwd`; of a `build`, what reads it: `import`. */
  readonly name: string;
  readonly kind:
    | "environment"
    | "fetch"
    | "revision"
    | "path"
    | "search-path"
    | "execution"
    | "clock"
    | "build"
    | "build-of-package"
    | "modules";
  /** What it is given, white space folded, where that decides what comes of it; "" for the others. */
  readonly argument: string;
  readonly span: Span;
}

/** A binding of a Nix file whose value is not an attribute set. */
export interface Setting {
  readonly path: string;
  /** The names from the file's root: `meta.maintainers`; through lists and calls, which add none. */
  readonly attributes: readonly string[];
  /** The value's source text without comments and needless white space. */
  readonly text: string;
  readonly value: SettingValue;
  /** `mkDefault`, `mkForce` or the like around the value. */
  readonly wrappers: readonly string[];
  /** The function that takes the set around it, as `overrideAttrs`; "" when none does. */
  readonly takenBy: string;
  /** The conditions that it stands under, as texts: of `mkIf`, `optional`, `if`. */
  readonly conditions: readonly string[];
  readonly span: Span;
  readonly packageSpan: Span | null;
}
