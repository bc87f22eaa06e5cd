/**
 * The review as workflow commands, which the runner shows as annotations.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
import type { Finding, Review, Severity } from "./review.ts";
import { bySeverity } from "./status.ts";
import { summary } from "./summary.ts";
import { visible } from "./visible.ts";

const COMMAND: Record<Severity, string> = { block: "error", high: "error", medium: "warning", low: "notice" };

// The two escapings of the runner: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function command(name: string, properties: Record<string, string | number>, message: string): string {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${property(String(value))}`);
  return `::${name} ${list.join(",")}::${data(message)}`;
}

function annotation(finding: Finding): string {
  const { severity, rule, title, startLine, endLine, startColumn, endColumn } = finding;
  // Annotations show the head: a finding on the base is shown at the file, without a line.
  const lines = finding.side === "base" ? {} : { line: startLine, endLine };
  // GitHub takes columns only within one line.
  const columns =
    finding.side === "head" && startLine === endLine ? { col: startColumn, endColumn: endColumn } : {};
  const message = [
    ...finding.message.split(/\r?\n/, 20).map((line) => visible(line, 2_000)),
    ...change(finding),
    finding.help,
  ].join("\n");
  return command(
    COMMAND[severity],
    // A path with hidden characters finds no file then, and does nothing to the log.
    {
      file: visible(finding.path, 5_000),
      ...lines,
      ...columns,
      title: `${rule} (${severity}): ${visible(title, 200)}`,
    },
    message,
  );
}

function change({ before, after }: Finding): string[] {
  if (before === null && after === null) return [];
  const side = (value: string | null) => (value === null ? "(none)" : visible(value, 200));
  return [`${side(before)} → ${side(after)}`];
}

/**
 * One command a line, the most severe first: the runner shows only ten of a kind for a step. Every line begins with
 * text of ours, so that nothing of the change can give a command of its own.
 */
export function formatGithub(review: Review): string {
  const unchecked = review.unchecked.map(({ what, reason }) =>
    command(
      "warning",
      { title: "verifod could not check" },
      `${visible(what, 300)}: ${visible(reason, 500)}`,
    ),
  );
  return [
    ...bySeverity(review.findings).map(annotation),
    ...unchecked,
    `verifod: ${summary(review)}`,
    "",
  ].join("\n");
}
