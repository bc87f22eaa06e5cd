/** The report of a review that could not be done. */
import { VERSION } from "../version.ts";
import { type Review, SCHEMA } from "./review.ts";

/** A review without findings that is not complete, and says why. */
export function failedReview(base: string, head: string, reason: string): Review {
  return {
    schema: SCHEMA,
    tool: { name: "verifod", version: VERSION },
    base,
    head,
    complete: false,
    findings: [],
    sources: [],
    verdicts: [],
    unchecked: [{ what: head, reason }],
    suppressed: [],
    addedSuppressions: [],
    stats: { files: 0, milliseconds: 0 },
  };
}
