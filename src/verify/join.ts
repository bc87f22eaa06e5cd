/** Joins a static review and a verification of the same change into one review. */
import type { Unchecked } from "../change/change.ts";
import type { Finding, Review, Severity } from "../report/review.ts";
import { applyEvaluation, applyVerdicts } from "./evidence.ts";
import type { Verification } from "./verify.ts";

/**
 * The review with what the verification knows: evaluated locations in its pins, the verdicts, and the findings that these
 * confirm, lower, raise or add. `severityOf`: the configured severity of findings that verdicts add.
 */
export function joinVerification(
  review: Review,
  { verdicts, unchecked }: Verification,
  severityOf: (rule: string, path: string) => Severity | "off" | null,
): Review {
  const { sources, disagreements } = applyEvaluation(review.sources, verdicts);
  const before = new Set(review.findings.map(({ fingerprint }) => fingerprint));
  const findings = applyVerdicts(review.findings, sources, verdicts).flatMap((finding): Finding[] => {
    if (before.has(finding.fingerprint)) return [finding];
    const severity = severityOf(finding.rule, finding.path) ?? finding.severity;
    return severity === "off" ? [] : [{ ...finding, severity }];
  });
  const open = new Map<string, Unchecked>();
  for (const each of [...review.unchecked, ...unchecked, ...disagreements]) {
    open.set(`${each.what}\0${each.reason}`, each);
  }
  // A source that was proven neither good nor bad leaves the whole unproven.
  const proven = verdicts.every(({ outcome }) => ["match", "mismatch", "unstable"].includes(outcome));
  return {
    ...review,
    complete: review.complete && proven && unchecked.length === 0 && disagreements.length === 0,
    findings,
    sources,
    verdicts,
    unchecked: [...open.values()],
  };
}
