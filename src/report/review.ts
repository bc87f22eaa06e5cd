/**
 * The result of a review, as it is published (`verifod-review-v1`). Other programs rely on these shapes:
 * additions are fine, changes are not.
 */
import type { Side, Unchecked } from "../change/change.ts";

export const SCHEMA = "verifod-review-v1";

/** From the most severe to the least. */
export const SEVERITIES = ["block", "high", "medium", "low"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Confidence = "high" | "medium" | "low";
export type Evidence = "static" | "evaluated" | "refetched" | "forge" | "ledger";

export interface Related {
  readonly path: string;
  readonly line: number;
  readonly note: string;
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  /** One line, no full stop. */
  readonly title: string;
  /** What changed, why it matters, what would clear it. Plain text. */
  readonly message: string;
  readonly path: string;
  readonly side: Side;
  /** Lines and columns count from 1; `endColumn` is the column after the last character. */
  readonly startLine: number;
  readonly endLine: number;
  readonly startColumn: number;
  readonly endColumn: number;
  readonly attrs: readonly string[];
  readonly before: string | null;
  readonly after: string | null;
  readonly evidence: readonly Evidence[];
  readonly related: readonly Related[];
  readonly fingerprint: string;
  /** The address of the rule's page. */
  readonly help: string;
}

/** One side of a pin in the report. */
export interface Pin {
  readonly path: string;
  readonly line: number;
  readonly version: string | null;
  readonly urls: readonly string[];
  readonly rev: string | null;
  readonly hash: string | null;
  readonly resolved: boolean;
}

/** What upstream says of a pin of the head. What could not be asked is in `unknown`, and its values are null. */
export interface PinUpstream {
  /** As it is called now: `github.com/acme/frob`, `crates.io serde`. */
  readonly project: string | null;
  /** The commit that the tag or branch names now, or the commit that the pin names. */
  readonly commit: string | null;
  /** When the release, tag or version was published; ISO 8601. */
  readonly published: string | null;
  readonly publisher: string | null;
  /** The page on which the forge compares the two sides. */
  readonly compare: string | null;
  /** What the pin names and upstream does not have: `the tag or branch`. */
  readonly missing?: readonly string[];
  /** Only of what a registry has: its checksum of the file beside the pin's hash. */
  readonly checksum?: PinChecksum;
  /** Only where its registry says that nobody should use the version. */
  readonly withdrawn?: { readonly kind: "yanked" | "deprecated"; readonly reason: string | null };
  readonly unknown: readonly string[];
}

/** `registry`: its checksum, as SRI, in the algorithm of the pin's hash. */
export type PinChecksum =
  | { readonly kind: "agrees" | "disagrees"; readonly registry: string }
  /** It is of other bytes, or of another algorithm. */
  | { readonly kind: "not-comparable"; readonly reason: string };

interface PinChangeOf<C extends string, B, A> {
  readonly path: string;
  readonly binding: string;
  readonly fetcher: string | null;
  readonly attrs: readonly string[];
  readonly change: C;
  readonly before: B;
  readonly after: A;
  /** Only where upstream was asked. */
  readonly upstream?: PinUpstream;
}
export type PinChange =
  | PinChangeOf<"added", null, Pin>
  | PinChangeOf<"removed", Pin, null>
  | PinChangeOf<"changed" | "moved", Pin, Pin>;

export const OUTCOMES = [
  "match",
  "mismatch",
  "unstable",
  "unavailable",
  "unsupported",
  "not-checked",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface FetchedUrl {
  readonly url: string;
  readonly finalUrl: string | null;
  readonly status: number | null;
  readonly bytes: number | null;
}

/** What a refetch of one fixed-output derivation showed. */
export interface Verdict {
  readonly name: string;
  readonly drvPath: string;
  readonly attrs: readonly string[];
  readonly declared: string;
  readonly got: string | null;
  readonly outcome: Outcome;
  readonly reason: string;
  /** False: the base has the same outcome. */
  readonly introduced: boolean;
  readonly urls: readonly FetchedUrl[];
  readonly seconds: number;
}

/** A finding that a comment in the base silences; listed, not counted. */
export interface Suppressed {
  readonly rule: string;
  readonly path: string;
  readonly line: number;
  readonly reason: string;
  readonly fingerprint: string;
}

/** A suppression that the change itself adds or moves: it silences nothing until it stands in the base. */
export interface AddedSuppression {
  readonly path: string;
  readonly line: number;
  readonly rules: readonly string[];
  readonly reason: string;
}

/** How upstream was asked. */
export interface Provenance {
  readonly requests: number;
  /** What was asked and not answered. It clears nothing. */
  readonly unanswered: readonly { readonly what: string; readonly reason: string }[];
}

export interface Review {
  readonly schema: typeof SCHEMA;
  readonly tool: { readonly name: "verifod"; readonly version: string };
  readonly base: string;
  readonly head: string;
  /** False: see `unchecked`. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
  readonly sources: readonly PinChange[];
  readonly verdicts: readonly Verdict[];
  readonly unchecked: readonly Unchecked[];
  readonly suppressed: readonly Suppressed[];
  readonly addedSuppressions: readonly AddedSuppression[];
  /** Only where upstream was asked. */
  readonly provenance?: Provenance;
  readonly stats: { readonly files: number; readonly milliseconds: number };
}
