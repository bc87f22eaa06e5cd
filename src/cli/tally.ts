/** What a backtest counts: findings by rule, and reasons for what was not checked. */
import { type Review, SEVERITIES, type Severity } from "../report/review.ts";
import { visible } from "../report/visible.ts";

export interface Tally {
  add(review: Review): void;
  /** How far it is, at which rate, and, of a known total, how long it will take, in one line. */
  progress(total: number | null): string;
  /** The table at the end, each line ended. */
  table(): string;
}

/** Reasons differ by paths and numbers: beyond these many, the rest is one line. */
const MOST_REASONS = 20;

export function createTally(now: () => number = () => performance.now()): Tally {
  const started = now();
  const byRule = new Map<string, Record<Severity, number>>();
  const reasons = new Map<string, number>();
  let reviews = 0;
  let incomplete = 0;
  const seconds = () => Math.max(0.001, (now() - started) / 1_000);
  return {
    add(review) {
      reviews += 1;
      if (!review.complete) incomplete += 1;
      for (const { rule, severity } of review.findings) {
        const counts = byRule.get(rule) ?? { block: 0, high: 0, medium: 0, low: 0 };
        counts[severity] += 1;
        byRule.set(rule, counts);
      }
      for (const { reason } of review.unchecked) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    },
    progress(total) {
      const rate = reviews / seconds();
      if (total === null) return `${reviews} reviews, ${rate.toFixed(1)}/s`;
      const left = Math.ceil((total - reviews) / rate);
      return `${reviews} of ${total} reviews, ${rate.toFixed(1)}/s, ${duration(left)} left`;
    },
    table() {
      const rows = [...byRule]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([rule, counts]) =>
          row(
            rule,
            SEVERITIES.map((severity) => counts[severity]),
            reviews,
          ),
        );
      const all = SEVERITIES.map((severity) =>
        [...byRule.values()].reduce((sum, counts) => sum + counts[severity], 0),
      );
      const listed = [...reasons].sort(([, a], [, b]) => b - a);
      const others = listed.slice(MOST_REASONS).reduce((sum, [, count]) => sum + count, 0);
      return [
        `${reviews} reviews in ${duration(seconds())} (${(reviews / seconds()).toFixed(1)}/s), ${incomplete} not fully checked`,
        ["rule".padEnd(32), ...["findings", "per 100", ...SEVERITIES].map((name) => name.padStart(8))].join(
          " ",
        ),
        ...rows,
        row("all", all, reviews),
        ...(listed.length > 0 ? ["not checked:"] : []),
        ...listed
          .slice(0, MOST_REASONS)
          .map(([reason, count]) => `${String(count).padStart(8)}  ${visible(reason, 200)}`),
        ...(others > 0 ? [`${String(others).padStart(8)}  for other reasons`] : []),
        "",
      ].join("\n");
    },
  };
}

function row(name: string, counts: readonly number[], reviews: number): string {
  const sum = counts.reduce((a, b) => a + b, 0);
  const perHundred = reviews === 0 ? "0.00" : ((100 * sum) / reviews).toFixed(2);
  return [name.padEnd(32), ...[sum, perHundred, ...counts].map((cell) => String(cell).padStart(8))].join(" ");
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown time";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
