/** A review as the output of a check run, within GitHub's limits. https://docs.github.com/en/rest/checks/runs */
import { createHash } from "node:crypto";
import { formatMarkdown } from "../report/markdown.ts";
import type { Finding, Review, Severity } from "../report/review.ts";
import { bySeverity, isAtLeast, type Threshold } from "../report/status.ts";
import { summary } from "../report/summary.ts";
import { unansweredWords } from "../report/upstream-words.ts";
import { visible, visibleLines } from "../report/visible.ts";
import { type Acknowledged, isAcknowledged, NOTHING, standingLines } from "./acknowledgements.ts";
import { pinTable } from "./pin-table.ts";

export type Conclusion = "success" | "neutral" | "failure" | "action_required";

/** In bytes: GitHub says characters, and a database may count either. */
const LONGEST_TEXT = 65_000;
const LONGEST_TITLE = 250;
/** Nobody reads more, and every 50 take a request. The report has all. */
const MOST_ANNOTATIONS = 1_000;

export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: "notice" | "warning" | "failure";
  readonly title: string;
  readonly message: string;
}

export interface CheckOutput {
  readonly conclusion: Conclusion;
  readonly title: string;
  readonly summary: string;
  readonly text: string | null;
  readonly annotations: readonly Annotation[];
  /** How many acknowledgements the text holds. */
  readonly acknowledged: number;
  /** Equal for equal outputs, to tell whether something is left to publish. */
  readonly digest: string;
}

/**
 * The conclusion for a review: green only when everything was checked. Acknowledged findings are shown, but do not count.
 */
export function conclusionOf(
  review: Review,
  failOn: Threshold,
  acknowledged: Acknowledged = NOTHING,
): Conclusion {
  if (failing(review, failOn, acknowledged).length > 0) return "failure";
  if (!review.complete) return "action_required";
  // A question to upstream without an answer was not checked, even if no rule needs it.
  if (unansweredWords(review) !== null) return "neutral";
  return review.findings.every((finding) => isAcknowledged(acknowledged, finding)) ? "success" : "neutral";
}

/** The findings that fail a check run: severe enough, and not acknowledged. */
export function failing(
  { findings }: Review,
  failOn: Threshold,
  acknowledged: Acknowledged,
): readonly Finding[] {
  return findings.filter(
    (finding) => isAtLeast(finding.severity, failOn) && !isAcknowledged(acknowledged, finding),
  );
}

/** The output for a review. `notes`: Markdown of ours to put before it. */
export function checkOutput(
  review: Review,
  failOn: Threshold,
  notes: readonly string[] = [],
  acknowledged: Acknowledged = NOTHING,
): CheckOutput {
  const conclusion = conclusionOf(review, failOn, acknowledged);
  const title = visible(titleOf(review, conclusion, acknowledged), LONGEST_TITLE);
  const before = notes.map((note) => `${note}\n\n`).join("");
  const room = LONGEST_TEXT - Buffer.byteLength(before);
  const remarks = ({ fingerprint }: Finding) => {
    const standing = acknowledged.standings.get(fingerprint);
    return standing === undefined ? [] : standingLines(standing);
  };
  const table = pinTable(review, LONGEST_TEXT - acknowledged.state.length);
  const text = `${table ?? ""}${acknowledged.state}`;
  const output = {
    conclusion,
    title,
    summary: before + withinBytes(room, (limit) => formatMarkdown(review, { limit, pins: false, remarks })),
    text: text === "" ? null : text,
    annotations: bySeverity(review.findings)
      .slice(0, MOST_ANNOTATIONS)
      .map((finding) => annotation(finding, isAcknowledged(acknowledged, finding))),
    acknowledged: acknowledged.count,
  };
  const digest = createHash("sha256")
    .update(JSON.stringify([review.base, output]))
    .digest("hex")
    .slice(0, 16);
  return { ...output, digest };
}

function titleOf(review: Review, conclusion: Conclusion, acknowledged: Acknowledged): string {
  const count = review.findings.filter((finding) => isAcknowledged(acknowledged, finding)).length;
  const text = count === 0 ? summary(review) : `${summary(review)}; ${count} acknowledged`;
  return conclusion === "action_required" ? `Could not check everything: ${text}` : capitalized(text);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The longest text of at most `bytes` bytes that `format` gives; its own limit counts characters. */
function withinBytes(bytes: number, format: (limit: number) => string): string {
  let limit = bytes;
  for (;;) {
    const text = format(limit);
    const size = Buffer.byteLength(text);
    if (size <= bytes) return text;
    limit = Math.floor((limit * bytes) / size) - 100;
  }
}

const LEVELS: Record<Severity, Annotation["annotation_level"]> = {
  block: "failure",
  high: "failure",
  medium: "warning",
  low: "notice",
};

function annotation(finding: Finding, isAcknowledged: boolean): Annotation {
  const { path, side, severity, rule, title, message, before, after, help, fingerprint } = finding;
  const { startLine, endLine, startColumn, endColumn } = finding;
  // Annotations are on the head: a finding on the base is shown at the top of the file, with its line in the text.
  const region =
    side === "base"
      ? { start_line: 1, end_line: 1 }
      : {
          start_line: startLine,
          end_line: endLine,
          // GitHub takes columns only within one line.
          ...(startLine === endLine && {
            start_column: startColumn,
            end_column: Math.max(startColumn, endColumn),
          }),
        };
  const value = (text: string | null): string => (text === null ? "(none)" : visible(text, 300));
  const lines = [
    ...(side === "base" ? [`Line ${startLine} before the change:`] : []),
    visible(title, 300),
    ...(before === null && after === null ? [] : [`${value(before)} → ${value(after)}`]),
    "",
    ...visibleLines(message, 20),
    "",
    `${help} (finding ${fingerprint.slice(0, 12)})`,
  ];
  return {
    path,
    ...region,
    annotation_level: isAcknowledged ? "notice" : LEVELS[severity],
    title: visible(`${rule} (${severity}${isAcknowledged ? ", acknowledged" : ""})`, 200),
    message: lines.join("\n").slice(0, 16_000),
  };
}
