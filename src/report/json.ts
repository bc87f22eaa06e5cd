/** The review for programs. */
import type { Review } from "./review.ts";
import { visibleJson } from "./visible.ts";

/** The whole review as JSON, on one line when `compact`, ending with a line feed. Equal reviews give equal bytes. */
export function formatJson(review: Review, compact = false): string {
  return `${visibleJson(JSON.stringify(review, null, compact ? 0 : 2))}\n`;
}
