/** What a rule is. A rule is a pure function of facts: no I/O, no clock, no environment. */
import type { FileChange, Side } from "../change/change.ts";
import type { Impurity, Script, Source, Span } from "../nix/model.ts";
import type { Reuse } from "../pair/reuse.ts";
import type { ScriptChange } from "../pair/scripts.ts";
import type { SettingChange } from "../pair/settings.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { UpstreamFacts } from "../provenance/answers.ts";
import type { Confidence, Evidence, Severity } from "../report/review.ts";

/** A place for a finding or a related line. */
export interface Place {
  readonly side: Side;
  readonly span: Span;
}

/** A line that explains a finding; in a file that the change does not touch, given by path and number. */
export type RelatedPlace =
  | { readonly at: Place; readonly note: string }
  | { readonly path: string; readonly line: number; readonly note: string };

/** What a rule reports; the review adds lines, attributes, fingerprint and help. */
export interface RuleFinding {
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly title: string;
  readonly message: string;
  readonly at: Place;
  readonly before: string | null;
  readonly after: string | null;
  readonly evidence: readonly Evidence[];
  readonly related: readonly RelatedPlace[];
  /** What tells this finding from others of the same rule and path: values, never positions or spellings. */
  readonly identity: readonly string[];
}

/** What a rule could not decide, since it lacks an answer or a file is too much for it: the review is not complete. */
export interface Undecided {
  readonly undecided: string;
  readonly at: Place;
}

/** Everything that a rule may look at. */
export interface Facts {
  /** Changed files, with their texts where they are texts. */
  readonly files: readonly FileFacts[];
  /** Source pins that differ, paired. */
  readonly sources: readonly SourceChange[];
  /**
   * All pins of the changed files, also those that did not change; the sources above are among them. Files are left out
   * whose change cannot reach any of their pins, unless one has a hash that is new elsewhere or a patch may be dropped.
   */
  readonly pins: Readonly<Record<Side, readonly Source[]>>;
  /** Hashes that the change introduces although another pin has or had them, as far as is remembered. */
  readonly reuses: readonly Reuse[];
  /** Scripts whose text differs, paired. */
  readonly scripts: readonly ScriptChange[];
  /** All scripts of the steps of changed workflows, also those that did not change. */
  readonly steps: Readonly<Record<Side, readonly Script[]>>;
  /** Settings whose value differs, paired. */
  readonly settings: readonly SettingChange[];
  /** What evaluation reads because of the changed stretches of each side. */
  readonly impurities: Readonly<Record<Side, readonly Impurity[]>>;
  /** The title of the pull request and the first lines of its commit messages; null when not known. */
  readonly subjects: readonly string[] | null;
  /** What upstream says of the pins; null: it was not asked. */
  readonly upstream: UpstreamFacts | null;
}

/** What is known of a binary file: its first and last bytes, each as a character (0–255). */
export interface BinaryFacts {
  readonly bytes: number;
  /** At most 64 bytes. */
  readonly first: string;
  /** At most 64 bytes. */
  readonly last: string;
}

/** One changed file as rules see it. */
export interface FileFacts {
  readonly change: FileChange;
  /** The text of each side; null when it has none, is not a file, is binary or not available. */
  readonly base: string | null;
  readonly head: string | null;
  /** Stretches of the head's text that were added or replaced, in order; the whole text of an added file. */
  readonly changed: readonly { readonly start: number; readonly end: number }[];
  /** Stretches of the head's text that the parser could not read (Nix files only). */
  readonly parseErrors: readonly { readonly start: number; readonly end: number }[];
  /** The same for the base's text; read only where the head's text has such stretches. */
  readonly baseParseErrors: readonly { readonly start: number; readonly end: number }[];
  /** Where a symbolic link points to, as it stands in the tree. */
  readonly target: { readonly base: string | null; readonly head: string | null };
  /** What is known of a side that is binary. */
  readonly binary: { readonly base: BinaryFacts | null; readonly head: BinaryFacts | null };
}

export interface Rule {
  /** Such as `hash-changed-alone`: also the name of its file, page and fixtures. */
  readonly id: string;
  /** The entry in the catalogue of threats, such as `A03`. */
  readonly threat: string;
  /** One line for lists: what it finds. */
  readonly description: string;
  /** The severity that a finding has unless something raises or lowers it. */
  readonly severity: Severity;
  readonly check: (facts: Facts) => Iterable<RuleFinding>;
  /** What the rule could not decide: upstream did not answer, or a file is too much for it. */
  readonly undecided?: (facts: Facts) => Iterable<Undecided>;
}
