/** What comparisons of releases with their tags mean for a review. A pure function of public facts. */
import { createHash } from "node:crypto";
import type { Unchecked } from "../change/change.ts";
import { helpAddress } from "../report/help.ts";
import { linesOf } from "../report/release-words.ts";
import type { Evidence, Finding, Review, Severity } from "../report/review.ts";
import { type Comparison, type Entry, suspicious } from "./compare.ts";
import { type ComparedPin, notCompared } from "./pins.ts";

const RULE = "release-asset-instead-of-git";
/** Files that a message names. */
const NAMED = 5;
/** What could not be compared of one review, in its list. */
const MOST_UNCHECKED = 50;

/**
 * The review with what the comparisons say: a finding about an archive in place of the repository is raised, or lowered
 * when the pinned archive holds nothing that has to be read; what hides something in any release is a finding of its own.
 * What could not be compared lowers nothing.
 */
export function joinComparisons(
  review: Review,
  compared: readonly ComparedPin[],
  severityOf: (rule: string, path: string) => Severity | "off" | null,
): Review {
  const told = new Set<ComparedPin>();
  const findings = review.findings.map((finding) => {
    const about = compared.find((each) => isAbout(finding, each));
    if (finding.rule !== RULE || about === undefined) return finding;
    told.add(about);
    return judged(finding, about);
  });
  const found = compared.flatMap((each): Finding[] => {
    const finding = told.has(each) ? null : findingOf(each);
    const severity = finding && (severityOf(RULE, finding.path) ?? finding.severity);
    return finding === null || severity === null || severity === "off" ? [] : [{ ...finding, severity }];
  });
  const open: readonly Unchecked[] = notCompared(compared).slice(0, MOST_UNCHECKED);
  return {
    ...review,
    complete: review.complete && open.length === 0,
    findings: [...findings, ...found],
    unchecked: [...review.unchecked, ...open],
  };
}

function isAbout({ path, after, startLine, endLine }: Finding, { pin }: ComparedPin): boolean {
  if (pin.path !== path) return false;
  return (after !== null && pin.urls.includes(after)) || (pin.line >= startLine && pin.line <= endLine);
}

function judged(finding: Finding, { outcome, release }: ComparedPin): Finding {
  if (outcome.kind === "could-not") {
    return {
      ...finding,
      message: `${finding.message}\nNot compared with the tag ${release.tag}: ${outcome.reason}.`,
    };
  }
  const evidence: readonly Evidence[] = [...new Set<Evidence>([...finding.evidence, "forge"])];
  const { comparison, pinned } = outcome;
  const found = suspicious(comparison);
  if (found.length > 0) {
    return {
      ...finding,
      severity: hidden(comparison).length > 0 ? "block" : finding.severity,
      message: `${finding.message}\n${saying(found, outcome, release)}`,
      evidence,
    };
  }
  const whole = comparison.unchecked.length === 0;
  const clears = whole && pinned;
  const but = !whole
    ? ", but not all of it could be compared"
    : pinned
      ? ""
      : ", but the hash is of the unpacked files, so that the archive may have been another when it was pinned";
  return {
    ...finding,
    severity: clears ? "low" : finding.severity,
    message: `${finding.message}\nCompared with the tag ${release.tag}: the archive has no build file, source or binary that the tag has not, or has otherwise, and that no tool accounts for${but}.`,
    evidence,
  };
}

/** The entries that hide what runs. */
function hidden({ entries }: Comparison): readonly Entry[] {
  return entries.filter(({ danger }) => danger === "build-hiding" || danger === "binary-read");
}

function saying(
  found: readonly Entry[],
  { pinned }: Extract<ComparedPin["outcome"], { kind: "compared" }>,
  { asset, repository, tag }: ComparedPin["release"],
): string {
  const named = found
    .slice(0, NAMED)
    .map(({ path, why, traits }) => `${path} (${[why, ...traits].join("; ")})`);
  const more = found.length > NAMED ? `, and ${found.length - NAMED} more` : "";
  const caution = pinned ? "" : " The hash is of the unpacked files: this is the archive as it is there now.";
  return `Compared with the tag ${tag}: ${found.length} files of the archive have to be read (${linesOf(found)} lines): ${named.join(", ")}${more}.${caution}\nverifod compare ${asset} ${repository} ${tag} shows them.`;
}

/** A finding for a release that hides something, whatever the source was before. */
function findingOf({ pin, binding, attrs, outcome, release }: ComparedPin): Finding | null {
  if (outcome.kind === "could-not") return null;
  const found = hidden(outcome.comparison);
  const [first] = found;
  if (first === undefined) return null;
  return {
    rule: RULE,
    severity: "high",
    confidence: "medium",
    title: `${attrs[0] ?? binding}: the uploaded archive has ${first.path}, which its tag does not have so`,
    message: `The archive is not what the repository holds at the tag: ${first.path} is the shape of the backdoor of xz 5.6 (CVE-2024-3094).\n${saying(found, outcome, release)}`,
    path: pin.path,
    side: "head",
    startLine: pin.line,
    endLine: pin.line,
    startColumn: 1,
    endColumn: 1,
    attrs,
    before: null,
    after: release.asset,
    evidence: ["forge"],
    related: [],
    fingerprint: createHash("sha256")
      .update(JSON.stringify([RULE, pin.path, binding, first.path]))
      .digest("hex"),
    help: helpAddress(RULE),
  };
}
