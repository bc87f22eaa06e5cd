/** The counts of a review in one sentence, the same in every report. */
import { plural } from "./pins.ts";
import type { Review } from "./review.ts";
import { countBySeverity } from "./status.ts";
import { unansweredWords } from "./upstream-words.ts";

/** As `2 findings (1 high, 1 low); 3 source pins changed; 1 not checked`. */
export function summary(review: Review): string {
  const { findings, sources, verdicts, unchecked, suppressed } = review;
  const counts = countBySeverity(findings).map(([severity, count]) => `${count} ${severity}`);
  const parts = [
    findings.length === 0 ? "no findings" : `${plural(findings.length, "finding")} (${counts.join(", ")})`,
    sources.length === 0 ? "no source pins changed" : `${plural(sources.length, "source pin")} changed`,
  ];
  if (verdicts.length > 0) {
    const matching = verdicts.filter(({ outcome }) => outcome === "match").length;
    parts.push(`${matching} of ${plural(verdicts.length, "fetched source")} as declared`);
  }
  if (suppressed.length > 0) parts.push(`${suppressed.length} suppressed`);
  const unanswered = unansweredWords(review);
  if (unanswered !== null) parts.push(unanswered);
  if (!review.complete) parts.push(`${Math.max(1, unchecked.length)} not checked`);
  return parts.join("; ");
}
