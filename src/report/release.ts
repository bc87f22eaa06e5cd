/** A release against its tag, for readers and programs. */
import { suspicious } from "../asset/compare.ts";
import type { ReleaseResult } from "../asset/release.ts";
import { unreachable } from "../errors.ts";
import { VERSION } from "../version.ts";
import { code, codeBlock, prose } from "./markdown-escape.ts";
import { formatReleaseHtml } from "./release-html.ts";
import {
  byDanger,
  DANGER_TITLES,
  diffLines,
  extent,
  foldTitle,
  type ReleaseReport,
  reason,
  releaseSummary,
} from "./release-words.ts";
import { EXIT } from "./status.ts";
import { value } from "./text.ts";

const RELEASE_SCHEMA = "verifod-compare-v1";
export const RELEASE_FORMATS = ["text", "json", "markdown", "html"] as const;
export type ReleaseFormat = (typeof RELEASE_FORMATS)[number];

/** The report in a form; ends with a line feed. */
export function formatRelease(report: ReleaseReport, format: ReleaseFormat): string {
  switch (format) {
    case "text":
      return formatText(report);
    case "json":
      return formatJson(report);
    case "markdown":
      return formatMarkdown(report);
    case "html":
      return formatReleaseHtml(report);
    default:
      return unreachable(format);
  }
}

/** 1: something to read; 3: not all could be compared; 0: neither. */
export function releaseStatus(result: ReleaseResult): number {
  if (result.kind === "failed") return EXIT.incomplete;
  if (suspicious(result.comparison).length > 0) return EXIT.findings;
  return result.comparison.unchecked.length > 0 ? EXIT.incomplete : EXIT.clean;
}

function formatJson({ release, result }: ReleaseReport): string {
  const compared = result.kind === "compared" ? { commit: result.commit, ...result.comparison } : null;
  const report = {
    schema: RELEASE_SCHEMA,
    tool: { name: "verifod", version: VERSION },
    ...release,
    commit: null,
    reason: result.kind === "failed" ? result.reason : null,
    suspicious: result.kind === "compared" ? suspicious(result.comparison).length : null,
    ...compared,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Lines of one file in the text report; HTML and JSON show more. */
const TEXT_LINES = 40;

function formatText(report: ReleaseReport): string {
  const { release, result } = report;
  const lines = [
    `${value(release.asset)} against ${value(release.tag)} of ${value(release.repository)}`,
    ...(result.kind === "compared" ? [`commit ${result.commit}`] : []),
  ];
  if (result.kind === "compared") {
    const { entries, folded, unchecked } = result.comparison;
    for (const [danger, group] of byDanger(entries)) {
      lines.push("", DANGER_TITLES[danger]);
      for (const entry of group) {
        lines.push(`  ${value(entry.path)}  (${value(extent(entry))})`, `    ${value(reason(entry))}`);
        // Documentation is listed; its text is in the other forms.
        if (danger !== "other")
          lines.push(...diffLines(entry, TEXT_LINES).map((line) => `    | ${value(line, 200)}`));
      }
    }
    if (folded.length > 0)
      lines.push("", "Accounted for", ...folded.map((fold) => `  ${value(foldTitle(fold))}`));
    if (unchecked.length > 0) {
      lines.push(
        "",
        "Not compared",
        ...unchecked.map(({ what, reason }) => `  ${value(what)}: ${value(reason)}`),
      );
    }
  }
  return `${[...lines, "", value(releaseSummary(report), 1_000)].join("\n")}\n`;
}

/** GitHub takes no longer summaries and comments. */
const MOST_MARKDOWN = 60_000;

function formatMarkdown(report: ReleaseReport): string {
  const { release, result } = report;
  const parts = [
    `**${prose(releaseSummary(report))}**`,
    `${code(release.asset)} against ${code(release.tag)} of ${code(release.repository)}`,
  ];
  if (result.kind === "compared") {
    for (const [danger, group] of byDanger(result.comparison.entries)) {
      parts.push(`### ${DANGER_TITLES[danger]}`);
      for (const entry of group) {
        parts.push(`- ${code(entry.path)} (${prose(extent(entry))}): ${prose(reason(entry))}`);
        const lines = danger === "other" ? [] : diffLines(entry, TEXT_LINES);
        if (lines.length > 0) parts.push(codeBlock(lines, "diff"));
      }
    }
    const rest = [
      ...result.comparison.folded.map((fold) => `- ${prose(foldTitle(fold))}`),
      ...result.comparison.unchecked.map(
        ({ what, reason }) => `- not compared: ${code(what)}: ${prose(reason)}`,
      ),
    ];
    if (rest.length > 0) parts.push("### The rest", rest.join("\n"));
  }
  const kept: string[] = [];
  let size = 0;
  for (const part of parts) {
    size += part.length + 2;
    if (size > MOST_MARKDOWN) {
      kept.push("The rest is too long to be shown here: `--format html` has it.");
      break;
    }
    kept.push(part);
  }
  return `${kept.join("\n\n")}\n`;
}
