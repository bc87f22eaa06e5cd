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

/** A source pin: an attribute set (or call) that carries a hash, as one side has it. */
export interface Source {
  readonly path: string;
  /** The attribute path that the pin is bound to in its file, as `src` or `sources.x86_64-linux`; "" when none. */
  readonly binding: string;
  /** The name of the function that takes the hash (`fetchFromGitHub`), null when the text does not say. */
  readonly fetcher: string | null;
  readonly role: SourceRole;
  /** The version that the pin's package carries; null when the text does not say. */
  readonly version: string | null;
  readonly versionSpan: Span | null;
  /** The package's name without version, when the text says it. */
  readonly pname: string | null;
  /** What the fetcher would download, in order; for `fetchgit` the clone URL, with `rev` beside it. */
  readonly urls: readonly Text[];
  readonly rev: Text | null;
  /** SRI, whatever the spelling; null when the hash is empty or not a literal that could be read. */
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
  /** Identifies the package expression around the pin within its file: pins of one package share it. */
  readonly packageSpan: Span | null;
}
