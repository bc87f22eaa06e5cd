/** From what the rules say to the findings that are published. */
import { createHash } from "node:crypto";
import { pathOf } from "../change/change.ts";
import type { FileFacts, RuleFinding } from "../rules/rule.ts";
import { condense } from "./condense.ts";
import { helpAddress } from "./help.ts";
import type { Positions } from "./positions.ts";
import type { AddedSuppression, Finding, Severity, Suppressed } from "./review.ts";
import { type FileSuppressions, readSuppressions } from "./suppress.ts";

/** A finding, and the rule that made it. */
export interface Raised {
  readonly rule: string;
  readonly finding: RuleFinding;
}

export interface AssembleOptions {
  /** The severity that the configuration gives a rule's findings at a path; `off`: none; null: as the rule says. */
  readonly severityOf: (rule: string, path: string) => Severity | "off" | null;
  /** The attributes that a file defines, as far as known. */
  readonly attrsOf: (path: string) => readonly string[];
}

export interface Assembled {
  readonly findings: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
  readonly addedSuppressions: readonly AddedSuppression[];
}

/** A change can hold values of megabytes; in a report so many characters are enough. */
const MOST_CHARACTERS = 10_000;

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

/** At most so many added suppressions are listed; nobody needs more. */
const MOST_ADDED = 100;

/**
 * The published findings, in the order of path, line, column and rule, with what the base suppresses set apart.
 */
export function assemble(
  raised: readonly Raised[],
  files: readonly FileFacts[],
  positions: Positions,
  options: AssembleOptions,
): Assembled {
  const suppressions = new Map<FileFacts, FileSuppressions | null>();
  const suppressionsOf = (file: FileFacts) => {
    let known = suppressions.get(file);
    if (known === undefined) {
      known = readSuppressions(file);
      suppressions.set(file, known);
    }
    return known;
  };

  const drafts = raised
    .flatMap(({ rule, finding }) => draft(rule, finding, positions, options))
    .sort((a, b) => compare(a.finding, b.finding));
  const findings: Finding[] = [];
  const suppressed: Suppressed[] = [];
  const seen = new Map<string, number>();
  for (const { finding, identity } of drafts) {
    const key = JSON.stringify([finding.rule, finding.path, ...identity]);
    const ordinal = (seen.get(key) ?? 0) + 1;
    seen.set(key, ordinal);
    const fingerprint = fingerprintOf(key, ordinal);
    const { rule, path, side, startLine } = finding;
    const file = positions.fileOf(side, path);
    const comment = file && suppressionsOf(file)?.find(rule, side, startLine);
    if (comment) suppressed.push({ rule, path, line: startLine, reason: comment.reason, fingerprint });
    else findings.push({ ...finding, fingerprint });
  }
  const addedSuppressions = files
    .flatMap((file) =>
      (suppressionsOf(file)?.added ?? []).map((comment) => ({ path: pathOf(file.change), ...comment })),
    )
    .slice(0, MOST_ADDED);
  return { findings: condense(findings), suppressed, addedSuppressions };
}

/** Made without line numbers, so that it stays when code moves; equal findings are told apart by their order. */
function fingerprintOf(key: string, ordinal: number): string {
  return createHash("sha256")
    .update(ordinal === 1 ? key : `${key}\n${ordinal}`)
    .digest("hex");
}

interface Draft {
  readonly finding: Omit<Finding, "fingerprint">;
  readonly identity: readonly string[];
}

function draft(
  rule: string,
  finding: RuleFinding,
  positions: Positions,
  { severityOf, attrsOf }: AssembleOptions,
): Draft[] {
  const { title, message, at, before, after, confidence, evidence, identity } = finding;
  const { path } = at.span;
  const severity = severityOf(rule, path) ?? finding.severity;
  if (severity === "off") return [];
  const published = {
    rule,
    severity,
    confidence,
    title: cut(title),
    message: cut(message),
    path,
    side: at.side,
    ...positions.regionOf(at),
    attrs: attrsOf(path),
    before: before && cut(before),
    after: after && cut(after),
    evidence,
    related: finding.related.map((related) => {
      const note = cut(related.note);
      if (!("at" in related)) return { ...related, note };
      const { at: place } = related;
      return { path: place.span.path, line: positions.regionOf(place).startLine, note };
    }),
    help: helpAddress(rule),
  };
  return [{ finding: published, identity }];
}

type Sortable = Pick<Finding, "path" | "startLine" | "startColumn" | "rule" | "title" | "message">;

function compare(a: Sortable, b: Sortable): number {
  return (
    compareText(a.path, b.path) ||
    a.startLine - b.startLine ||
    a.startColumn - b.startColumn ||
    compareText(a.rule, b.rule) ||
    compareText(a.title, b.title) ||
    compareText(a.message, b.message)
  );
}

/** By code units: the same everywhere, whatever the locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
