/** The changed source pins as a table, with links to what upstream changed between the two. */
import { compareLink } from "../report/compare-link.ts";
import { code, prose } from "../report/markdown-escape.ts";
import type { Pin, PinChange, Review, Verdict } from "../report/review.ts";
import { upstreamWords } from "../report/upstream-words.ts";

/** A value as code in a table cell, where any bar would end the cell. */
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

/** What upstream says of the new side; if nobody was asked, the cell says so. */
function upstreamOf(change: PinChange): string {
  if (change.after === null) return "–";
  return (
    upstreamWords(change, {
      value: (text, limit) => cell(text, limit),
      sentence: (text, limit) => prose(text, limit).replaceAll("|", "\\u{7c}"),
    }) ?? "not asked"
  );
}

function row(change: PinChange, verdicts: readonly Verdict[], asked: boolean): string {
  const { path, binding, before, after } = change;
  const link = compareLink(change);
  const versions = `${label(before)} → ${label(after)}`;
  const hashes = before?.hash === after?.hash ? "unchanged" : cell(after?.hash ?? "none");
  const columns = [
    `${cell(path, 120)} ${cell(binding)}`,
    change.change,
    link === null ? versions : `[${versions}](${link})`,
    hashes,
    verdictOf(after, verdicts),
    ...(asked ? [upstreamOf(change)] : []),
  ];
  return `| ${columns.join(" | ")} |`;
}

function headOf(asked: boolean): string {
  const columns = ["Pin", "Change", "From → to", "Hash", "Fetched again", ...(asked ? ["Upstream"] : [])];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return ["### Source pins", "", line(columns), line(columns.map(() => "---"))].join("\n");
}

/** The table as Markdown of at most `limit` bytes; null when no pin changed. Pins that do not fit are counted. */
export function pinTable({ sources, verdicts, provenance }: Review, limit: number): string | null {
  if (sources.length === 0) return null;
  const asked = provenance !== undefined;
  const head = headOf(asked);
  let room = limit - Buffer.byteLength(head) - 100;
  const rows: string[] = [];
  for (const change of sources) {
    const line = row(change, verdicts, asked);
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    rows.push(line);
  }
  const left = sources.length - rows.length;
  const more = left === 0 ? [] : [`\n${left} more source pins changed; they are in the report.`];
  return [head, ...rows, ...more].join("\n");
}
