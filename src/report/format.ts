/** All forms of a report, by name. */
import { unreachable } from "../errors.ts";
import type { Rule } from "../rules/rule.ts";
import { formatGithub } from "./github.ts";
import { formatJson } from "./json.ts";
import { formatMarkdown } from "./markdown.ts";
import type { Review } from "./review.ts";
import { formatSarif } from "./sarif.ts";
import { formatText } from "./text.ts";

export const FORMATS = ["text", "json", "sarif", "github", "markdown"] as const;
export type Format = (typeof FORMATS)[number];

export interface FormatOptions {
  /** For text: with colours, for a terminal. */
  readonly color: boolean;
  /** For SARIF: what it says of the rules. */
  readonly rules: readonly Rule[];
}

/** The report of a review in a form; ends with a line feed. */
export function formatReview(review: Review, format: Format, options: FormatOptions): string {
  switch (format) {
    case "text":
      return formatText(review, options);
    case "json":
      return formatJson(review);
    case "sarif":
      return formatSarif(review, options.rules);
    case "github":
      return formatGithub(review);
    case "markdown":
      return formatMarkdown(review);
    default:
      return unreachable(format);
  }
}
