/** What a verification does right now, on stderr, and its verdicts as a table. */
import type { WriteStream } from "node:tty";
import { value as visible } from "../report/text.ts";
import type { Progress } from "../verify/options.ts";
import type { FodVerdict } from "../verify/verdict.ts";
import type { Verification } from "../verify/verify.ts";

export interface VerifyProgress {
  readonly update: (progress: Progress) => void;
  /** Takes the live lines away. */
  end(): void;
}

interface Row {
  readonly label: string;
  state: "waiting" | "getting its tools" | "fetching";
  bytes: number;
}

const REDRAW_MILLISECONDS = 100;
const MOST_ROWS = 12;

/**
 * On a terminal: a line for each source that is fetched right now, below those that are done. Elsewhere: a plain line
 * for each step and each verdict.
 */
export function createVerifyProgress(
  stream: Pick<WriteStream, "write" | "isTTY" | "columns"> = process.stderr,
): VerifyProgress {
  const rows = new Map<string, Row>();
  let step = "";
  let drawn = 0;
  let last = 0;
  const clear = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const draw = () => {
    const active = [...rows.values()].filter(({ state }) => state !== "waiting");
    const waiting = rows.size - active.length;
    const lines = [
      ...active
        .slice(0, MOST_ROWS)
        .map(({ label, state, bytes }) => `  ${label}: ${state}${bytes > 0 ? `, ${size(bytes)}` : ""}`),
      ...(active.length > MOST_ROWS ? [`  and ${active.length - MOST_ROWS} more`] : []),
      rows.size > 0 ? `${waiting} waiting` : step,
    ];
    clear();
    const width = Math.max(20, (stream.columns ?? 80) - 1);
    stream.write(lines.map((line) => `${line.slice(0, width)}\n`).join(""));
    drawn = lines.length;
  };
  const changed = (now: boolean) => {
    if (!stream.isTTY) return;
    const time = performance.now();
    if (!now && time - last < REDRAW_MILLISECONDS) return;
    last = time;
    draw();
  };
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    update(progress) {
      switch (progress.kind) {
        case "step":
          step = progress.text;
          if (!stream.isTTY) line(step);
          changed(true);
          return;
        case "evaluating":
          step = `evaluating ${progress.attr}${progress.system ? ` on ${progress.system}` : ""}`;
          changed(false);
          return;
        case "waiting":
          rows.set(progress.id, { label: visible(progress.label, 60), state: "waiting", bytes: 0 });
          changed(false);
          return;
        case "inputs":
        case "fetching": {
          const row = rows.get(progress.id);
          if (row) row.state = progress.kind === "inputs" ? "getting its tools" : "fetching";
          if (row && progress.kind === "fetching") row.bytes = progress.bytes;
          changed(false);
          return;
        }
        case "verdict": {
          const label = rows.get(progress.id)?.label ?? visible(progress.verdict.name, 60);
          rows.delete(progress.id);
          line(`${progress.verdict.outcome.padEnd(11)} ${label}`);
          changed(true);
        }
      }
    },
    end: clear,
  };
}

/** The verdicts of a verification, one a line, with the commands that show the same by hand; "" when there are none. */
export function verdictTable({ verdicts, evaluated, nix }: Verification): string {
  const attrs = new Set(evaluated.map(({ attr }) => attr));
  const head = `Nix ${nix.version}: ${attrs.size} attribute${attrs.size === 1 ? "" : "s"} evaluated, ${verdicts.length} changed source${verdicts.length === 1 ? "" : "s"}`;
  if (verdicts.length === 0) return `${head}\n\n`;
  const cells = verdicts.map((verdict) => [
    verdict.outcome,
    visible(verdict.attrs[0] ?? "", 40),
    visible(verdict.name, 50),
    verdict.change,
    verdict.builder === null
      ? size(verdict.urls.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0))
      : "not seen",
    `${verdict.seconds.toFixed(1)} s`,
    tlsOf(verdict),
  ]);
  const rows = [["verdict", "attribute", "source", "change", "fetched", "time", "server"], ...cells];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const commands = verdicts.flatMap(({ command }) =>
    command === null ? [] : [`  ${visible(command, 2_000)}`],
  );
  const forged = verdicts.filter(({ forgedReports }) => forgedReports > 0);
  return [
    head,
    "",
    ...lines,
    "",
    ...forged.map(
      ({ name, forgedReports }) =>
        `${visible(name, 60)}: its builder printed ${forgedReports} reports that look like Nix's own`,
    ),
    ...(commands.length > 0 ? ["To see the same by hand:", ...commands, ""] : []),
    "",
  ].join("\n");
}

function tlsOf({ authenticated, builder }: FodVerdict): string {
  if (builder !== null) return `unknown: by ${visible(builder, 60)}`;
  switch (authenticated) {
    case "yes":
      return "authenticated";
    case "no":
      return "not authenticated";
    case "mixed":
      return "partly authenticated";
    case null:
      return "";
  }
}

/** Bytes for people, as `3.2 MB`. */
function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** power).toFixed(1)} ${units[power - 1]}`;
}
