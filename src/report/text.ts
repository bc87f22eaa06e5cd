/** The review for people at a terminal. */
import { styleText } from "node:util";
import { compareLink } from "./compare-link.ts";
import { groupPins, type PinGroup, pinDifferences } from "./pins.ts";
import type { Finding, PinChange, Review, Severity, Verdict } from "./review.ts";
import { summary } from "./summary.ts";
import { upstreamWords } from "./upstream-words.ts";
import { visible, visibleLines } from "./visible.ts";

/** At most so many findings of a file are shown, the others counted: JSON has all. */
const MOST_FINDINGS_OF_A_FILE = 50;

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const SEVERITY_STYLE: Record<Severity, Style> = {
  block: ["bold", "red"],
  high: "red",
  medium: "yellow",
  low: "cyan",
};

const SIGN: Record<PinChange["change"], string> = { added: "+", removed: "-", changed: "~", moved: ">" };

/**
 * The review grouped by file: source pins that changed, then findings, each with its short before → after and its
 * reason; then what was fetched, suppressed and not checked, and the counts.
 */
export function formatText(review: Review, options: { readonly color: boolean }): string {
  const paint: Paint = options.color
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
  const sections = [
    ...fileSections(review, paint),
    section("Fetched again", review.verdicts.filter(isRemarkable).map(verdictLine), paint),
    section(
      "Suppressed",
      review.suppressed.map(
        ({ path, line, rule, reason }) =>
          `${value(path)}:${line} ${rule}: ${value(reason) || "no reason given"}`,
      ),
      paint,
    ),
    section(
      "Suppressions that this change adds: they count once they stand in the base",
      review.addedSuppressions.map(
        ({ path, line, rules, reason }) =>
          `${value(path)}:${line} ${value(rules.join(", "))}: ${value(reason)}`,
      ),
      paint,
    ),
    section(
      "Not checked",
      review.unchecked.map(({ what, reason }) => `${value(what)}: ${value(reason)}`),
      paint,
    ),
  ].filter((lines) => lines.length > 0);
  return `${[...sections, [paint("bold", summary(review))]].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/**
 * A value in a line of this report. A runner of GitHub or Azure takes a line that begins with `::`, and `##[` anywhere,
 * for a command, so that neither may come from a value.
 */
export function value(text: string, limit = 300): string {
  return visible(text, limit)
    .replace(/^( *):/, "$1\\u{003a}")
    .replace(/#(?=#[\w[])/g, "\\u{0023}");
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint("bold", title), ...lines.map((line) => `  ${line}`)];
}

function fileSections(review: Review, paint: Paint): string[][] {
  const groups = new Map(groupPins(review.sources).map((group) => [group.path, group]));
  const paths = [...new Set([...groups.keys(), ...review.findings.map(({ path }) => path)])];
  return paths.sort().map((path) => {
    const findings = review.findings.filter((finding) => finding.path === path);
    const more = findings.length - MOST_FINDINGS_OF_A_FILE;
    return [
      paint("bold", value(path)),
      ...pinLines(groups.get(path), paint),
      ...findings.slice(0, MOST_FINDINGS_OF_A_FILE).flatMap((finding) => findingLines(finding, paint)),
      ...(more > 0 ? [`  and ${more} more findings in this file: --format json has them all`] : []),
    ];
  });
}

function pinLines(group: PinGroup | undefined, paint: Paint): string[] {
  if (group === undefined) return [];
  if (group.kind === "mass") return [`  ${group.summary}`];
  return group.pins.flatMap((pin) => {
    const name = [pin.binding, pin.fetcher && `(${pin.fetcher})`].filter(Boolean).join(" ");
    const differences = pinDifferences(pin).map(
      ({ what, before, after }) => `      ${paint("dim", what.padEnd(7))} ${arrow(before, after)}`,
    );
    return [
      `  ${SIGN[pin.change]} ${value(name)} ${paint("dim", pin.change)}`,
      ...differences,
      ...upstreamLine(pin, paint),
    ];
  });
}

function upstreamLine(pin: PinChange, paint: Paint): string[] {
  const words = upstreamWords(pin, { value, sentence: value });
  const link = pin.upstream && compareLink(pin);
  return words === null ? [] : [`      ${paint("dim", "asked  ")} ${words}${link ? `, ${value(link)}` : ""}`];
}

function arrow(before: string | null, after: string | null): string {
  if (before === null) return value(after ?? "", 200);
  if (after === null) return value(before, 200);
  return `${value(before, 200)} → ${value(after, 200)}`;
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const { severity, rule, title, before, after, startLine, startColumn, side } = finding;
  const place = `${startLine}:${startColumn}${side === "base" ? " (before)" : ""}`;
  return [
    `  ${place}  ${paint(SEVERITY_STYLE[severity], severity)}  ${value(title, 200)}  ${paint("dim", rule)}`,
    ...(before === null && after === null ? [] : [`      ${arrow(before, after)}`]),
    ...visibleLines(finding.message, 20).map((line) => `      ${value(line, 2_000)}`),
    ...finding.related
      .slice(0, 5)
      .map(({ path, line, note }) => `      ${value(path)}:${line}: ${value(note)}`),
    `      ${paint("dim", `explained by: verifod explain ${rule}; finding ${finding.fingerprint.slice(0, 12)}`)}`,
  ];
}

/** Matches are expected, and only counted in the last line. */
function isRemarkable({ outcome }: Verdict): boolean {
  return outcome !== "match";
}

function verdictLine({ name, outcome, reason, declared, got }: Verdict): string {
  const hashes =
    outcome === "mismatch" ? `: declared ${value(declared)}, got ${value(got ?? "nothing")}` : "";
  return `${value(name)}: ${outcome}${hashes}${reason ? `: ${value(reason)}` : ""}`;
}
