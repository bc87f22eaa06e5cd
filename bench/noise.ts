// What the rules say of honest commits: `npm run bench:noise -- REPOSITORY[=PAIRS]…`.
// Each repository's whole history is reviewed, or the pairs in a file (a line `BASE HEAD` each), by the built program;
// the table is Markdown. docs/noise.md has a run.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Review, SEVERITIES, type Severity } from "../src/report/review.ts";

const program = fileURLToPath(new URL("../dist/cli.mjs", import.meta.url));

type Counts = Record<Severity, number>;

interface Noise {
  commits: number;
  unchecked: number;
  /** Commits with at least one finding of medium severity or above. */
  loud: number;
  readonly rules: Map<string, Counts>;
}

async function listen(repository: string, pairs: string | undefined): Promise<Noise> {
  const noise: Noise = { commits: 0, unchecked: 0, loud: 0, rules: new Map() };
  const child = spawn(
    process.execPath,
    [program, "backtest", "--repo", repository, ...(pairs === undefined ? [] : ["--stdin"])],
    { stdio: [pairs === undefined ? "ignore" : "pipe", "pipe", "inherit"] },
  );
  if (pairs !== undefined && child.stdin) createReadStream(pairs).pipe(child.stdin);
  if (!child.stdout) throw new Error("no output to read");
  for await (const line of createInterface({ input: child.stdout })) {
    const review: Review = JSON.parse(line);
    noise.commits += 1;
    if (!review.complete) noise.unchecked += 1;
    if (review.findings.some(({ severity }) => severity !== "low")) noise.loud += 1;
    for (const { rule, severity } of review.findings) {
      const counts = noise.rules.get(rule) ?? { block: 0, high: 0, medium: 0, low: 0 };
      counts[severity] += 1;
      noise.rules.set(rule, counts);
    }
  }
  return noise;
}

function table({ commits, unchecked, loud, rules }: Noise): string {
  const per100 = (count: number) => ((100 * count) / Math.max(1, commits)).toFixed(2);
  const row = (name: string, counts: Counts) => {
    const { block, high, medium, low } = counts;
    return `| ${[name, block, high, medium, low, per100(block + high + medium), per100(low)].join(" | ")} |`;
  };
  const all: Counts = { block: 0, high: 0, medium: 0, low: 0 };
  for (const counts of rules.values()) for (const severity of SEVERITIES) all[severity] += counts[severity];
  return [
    `${commits} commits, ${unchecked} not fully checked; ${loud} (${per100(loud)} of 100) with a finding of medium or above`,
    "",
    "| rule | block | high | medium | low | medium and above of 100 commits | low of 100 commits |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...[...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([rule, counts]) => row(rule, counts)),
    row("**all**", all),
    "",
  ].join("\n");
}

const targets = process.argv.slice(2);
if (targets.length === 0) {
  console.error("name at least one repository: npm run bench:noise -- REPOSITORY[=PAIRS]…");
  process.exitCode = 2;
}
for (const target of targets) {
  const [repository = "", pairs] = target.split("=");
  console.log(table(await listen(repository, pairs)));
}
