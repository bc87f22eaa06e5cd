/** The changed source pins as a table, with links to what upstream changed between the two. */
import { compareLink } from "../report/compare-link.ts";
import { code } from "../report/markdown-escape.ts";
import type { Pin, PinChange, PinUpstream, Review, Verdict } from "../report/review.ts";

/** A value as code within a cell, where a bar would end the cell whatever stands before it. */
function cell(value: string, limit = 80): string {
  return code(value, limit).replaceAll("|", "\\u{7c}");
}

/** The version of a pin, else its revision, else the end of its location. */
function label(pin: Pin | null): string {
  if (pin === null) return "(none)";
  const name = pin.version ?? pin.rev ?? pin.urls[0];
  return name === undefined ? "(unknown)" : cell(name);
}

function verdictOf(pin: Pin | null, verdicts: readonly Verdict[]): string {
  const found = pin?.hash ? verdicts.filter(({ declared }) => declared === pin.hash) : [];
  return [...new Set(found.map(({ outcome }) => outcome))].join(", ") || "–";
}

/** What upstream says of the new side, where it was asked: as `4f1c0de4f1c0, 2026-03-01 by ada`. */
function upstreamOf(said: PinUpstream | undefined): string | null {
  if (!said) return null;
  const { commit, published, publisher } = said;
  const when = [published && cell(published.slice(0, 10)), publisher && `by ${cell(publisher)}`];
  const parts = [commit && cell(commit.slice(0, 12)), when.filter(Boolean).join(" ")];
  return parts.filter(Boolean).join(", ") || null;
}

function row(change: PinChange, verdicts: readonly Verdict[]): string {
  const { path, binding, before, after } = change;
  const link = compareLink(change);
  const versions = `${label(before)} → ${label(after)}`;
  const upstream = upstreamOf(change.upstream);
  const hashes = before?.hash === after?.hash ? "unchanged" : cell(after?.hash ?? "none");
  const columns = [
    `${cell(path, 120)} ${cell(binding)}`,
    change.change,
    `${link === null ? versions : `[${versions}](${link})`}${upstream === null ? "" : ` (${upstream})`}`,
    hashes,
    verdictOf(after, verdicts),
  ];
  return `| ${columns.join(" | ")} |`;
}

const HEAD =
  "### Source pins\n\n| Pin | Change | From → to | Hash | Fetched again |\n| --- | --- | --- | --- | --- |";

/** The table as Markdown of at most `limit` bytes; null when no pin changed. What does not fit is counted. */
export function pinTable({ sources, verdicts }: Review, limit: number): string | null {
  if (sources.length === 0) return null;
  let room = limit - Buffer.byteLength(HEAD) - 100;
  const rows: string[] = [];
  for (const change of sources) {
    const line = row(change, verdicts);
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    rows.push(line);
  }
  const left = sources.length - rows.length;
  const more = left === 0 ? [] : [`\n${left} more source pins changed; they are in the report.`];
  return [HEAD, ...rows, ...more].join("\n");
}
