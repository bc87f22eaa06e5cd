/** What a review means for a gate. */
import { type Finding, type Review, SEVERITIES, type Severity } from "./review.ts";

/** From which severity on a finding fails a run. */
export const THRESHOLDS = [...SEVERITIES, "never"] as const;
export type Threshold = (typeof THRESHOLDS)[number];

export function isAtLeast(severity: Severity, threshold: Threshold): boolean {
  return threshold !== "never" && SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(threshold);
}

/** The most severe first, else in the order of the review. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

/** How many findings there are of each severity, from the most severe to the least; without severities that have none. */
export function countBySeverity(findings: readonly Finding[]): [Severity, number][] {
  return SEVERITIES.map((severity): [Severity, number] => [
    severity,
    findings.filter((finding) => finding.severity === severity).length,
  ]).filter(([, count]) => count > 0);
}

export const EXIT = { clean: 0, findings: 1, wrongUsage: 2, incomplete: 3 } as const;

/**
 * The exit status of a run: 1 when a finding reaches the threshold, else 3 when something could not be checked.
 * SARIF is for upload, which a failing step would prevent: always 0.
 */
export function exitStatus(review: Review, threshold: Threshold, format: string): number {
  if (format === "sarif") return EXIT.clean;
  if (review.findings.some(({ severity }) => isAtLeast(severity, threshold))) return EXIT.findings;
  return review.complete ? EXIT.clean : EXIT.incomplete;
}
