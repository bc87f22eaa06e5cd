/** The review as Markdown: for a job summary, and for people who paste it. */
import { compareLink } from "./compare-link.ts";
import { code, prose } from "./markdown-escape.ts";
import { groupPins, type PinGroup, pinDifferences } from "./pins.ts";
import type { Finding, PinChange, Review } from "./review.ts";
import { summary } from "./summary.ts";
import { upstreamWords } from "./upstream-words.ts";

/** A check run's summary and a comment hold 65,535 characters. https://docs.github.com/en/rest/checks/runs */
const LIMIT = 65_000;

export interface MarkdownOptions {
  /** The most characters that the text may have. */
  readonly limit?: number;
  /** Whether it lists the changed source pins. */
  readonly pins?: boolean;
  /** Lines of Markdown to add to a finding. */
  readonly remarks?: (finding: Finding) => readonly string[];
}

/**
 * The review as GitHub-flavoured Markdown. What does not fit is left out in whole pieces, the least important first,
 * and counted.
 */
export function formatMarkdown(review: Review, options: MarkdownOptions = {}): string {
  const { limit = LIMIT, pins = true, remarks = () => [] } = options;
  const parts: Part[] = [
    {
      heading: "Findings",
      noun: "finding",
      pieces: review.findings.map((finding) => findingPiece(finding, remarks(finding))),
    },
    {
      heading: "Not checked",
      noun: "part not checked",
      pieces: review.unchecked.map(({ what, reason }) => `- ${code(what)}: ${prose(reason, 500)}`),
    },
    {
      heading: "Fetched again",
      noun: "fetched source",
      pieces: review.verdicts.map(
        ({ name, outcome, reason, declared, got }) =>
          `- ${code(name)}: ${outcome}${outcome === "mismatch" ? ` (declared ${code(declared)}, got ${code(got ?? "")})` : ""}${reason ? `, ${prose(reason, 500)}` : ""}`,
      ),
    },
    {
      heading: "Suppressed",
      noun: "suppressed finding",
      pieces: review.suppressed.map(
        ({ path, line, rule, reason }) => `- ${code(`${path}:${line}`)} ${rule}: ${prose(reason, 500)}`,
      ),
    },
    {
      heading: "Suppressions that this change adds",
      noun: "added suppression",
      pieces: review.addedSuppressions.map(
        ({ path, line, rules, reason }) =>
          `- ${code(`${path}:${line}`)} ${code(rules.join(", "))}: ${prose(reason, 500)} (counts once it stands in the base)`,
      ),
    },
    {
      heading: "Source pins",
      noun: "source pin",
      pieces: pins ? groupPins(review.sources).flatMap(pinPieces) : [],
    },
  ];
  const title = `**Verifod**: ${summary(review)}\n`;
  let room = limit - title.length - parts.length * 60;
  const blocks = [title];
  for (const { heading, noun, pieces } of parts.filter((part) => part.pieces.length > 0)) {
    const kept: string[] = [];
    for (const piece of pieces) {
      if (piece.length + 2 > room) break;
      room -= piece.length + 2;
      kept.push(piece);
    }
    const left = pieces.length - kept.length;
    const more = left > 0 ? [`\n${left} more not shown: ${noun}${left === 1 ? "" : "s"}.`] : [];
    blocks.push([`### ${heading}\n`, ...kept, ...more, ""].join("\n"));
  }
  return blocks.join("\n");
}

interface Part {
  readonly heading: string;
  readonly noun: string;
  readonly pieces: readonly string[];
}

function findingPiece(finding: Finding, remarks: readonly string[]): string {
  const { severity, confidence, rule, title, path, startLine, side, message, help, fingerprint } = finding;
  const place = `${code(`${path}:${startLine}`)}${side === "base" ? " (before the change)" : ""}`;
  const change = arrow(finding.before, finding.after);
  const related = finding.related
    .slice(0, 5)
    .map(({ path, line, note }) => `  - ${code(`${path}:${line}`)}: ${prose(note, 300)}`);
  return [
    `- **${severity}** ${place}: ${prose(title, 200)}`,
    ...(change === "" ? [] : [`  ${change}`]),
    ...message.split(/\r?\n/, 20).flatMap((line) => (line.trim() === "" ? [] : [`  ${prose(line, 2_000)}`])),
    ...related,
    ...remarks.map((remark) => `  ${remark}`),
    `  [${rule}](${help}), ${confidence} confidence, ${code(fingerprint.slice(0, 12))}`,
  ].join("\n");
}

function arrow(before: string | null, after: string | null): string {
  if (before === null && after === null) return "";
  if (before === null) return `now ${code(after ?? "")}`;
  if (after === null) return `was ${code(before)}`;
  return `${code(before)} → ${code(after)}`;
}

function pinPieces(group: PinGroup): string[] {
  if (group.kind === "mass") return [`- ${code(group.path)}: ${group.summary}`];
  return group.pins.map((pin) => pinPiece(pin));
}

function pinPiece(pin: PinChange): string {
  const name = [pin.binding, pin.fetcher && `(${pin.fetcher})`].filter(Boolean).join(" ");
  const differences = pinDifferences(pin).map(
    ({ what, before, after }) => `  - ${what}: ${arrow(before, after)}`,
  );
  const words = upstreamWords(pin, { value: code, sentence: prose });
  const link = pin.upstream && compareLink(pin);
  const asked = words === null ? [] : [`  - asked: ${words}${link ? `, [compare](${link})` : ""}`];
  return [`- ${code(pin.path)} ${code(name)} ${pin.change}`, ...differences, ...asked].join("\n");
}
