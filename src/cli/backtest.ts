/** `verifod backtest`: every commit of a range, one JSON review a line. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { type CommitPair, nonMergeCommits } from "../change/history.ts";
import { openRepository } from "../change/repository.ts";
import { VerifodError } from "../errors.ts";
import { readConfigFile } from "../load-config.ts";
import { formatJson } from "../report/json.ts";
import { EXIT, exitStatus, type Threshold } from "../report/status.ts";
import { reviewPairs } from "../threads/backtest-threads.ts";
import { addRepositoryOptions, failOnOption, type RepositoryOptions } from "./options.ts";
import { writeOut } from "./output.ts";
import { createProgress } from "./progress.ts";
import { createTally } from "./tally.ts";

type Options = RepositoryOptions & { readonly stdin?: true; readonly failOn?: Threshold };

export function register(program: Command): void {
  const command = program
    .command("backtest")
    .description("review each commit of a range: a JSON review a line on stdout, a table on stderr")
    .argument("[range]", "BASE..HEAD, or one revision for all of its history (default: HEAD)")
    .option("--stdin", "review the pairs on stdin, a line `BASE HEAD` each, instead of a range")
    .addOption(failOnOption());
  addRepositoryOptions(command).action(run);
}

async function run(range: string | undefined, options: Options): Promise<void> {
  if (range !== undefined && options.stdin) {
    throw new VerifodError("usage", "name a range or use --stdin, not both");
  }
  // The threads read it, too; a mistake in it is told before they start.
  if (options.config !== undefined) await readConfigFile(options.config);
  const repository = await openRepository(options.repo);
  const progress = createProgress();
  const tally = createTally();
  try {
    // Only a range has an end that is known.
    const listed = options.stdin ? null : await collect(nonMergeCommits(repository, range));
    const reviews = reviewPairs(listed ?? pairsOfStdin(), {
      repository: repository.directory,
      configFile: options.config ?? null,
    });
    for await (const { result, failOn, bug } of reviews) {
      if (bug) progress.note(`${result.head}: this is a bug in verifod, please report it\n${bug}`);
      tally.add(result);
      process.exitCode = worse(process.exitCode, exitStatus(result, options.failOn ?? failOn, "json"));
      await writeOut(formatJson(result, true));
      progress.update(tally.progress(listed?.length ?? null));
    }
    progress.end();
    process.stderr.write(tally.table());
  } finally {
    progress.end();
    repository.close();
  }
}

/** The exit status of both: a finding outweighs what was not checked, as in one review. */
function worse(known: typeof process.exitCode, status: number): number {
  if (known === EXIT.findings || status === EXIT.findings) return EXIT.findings;
  return Math.max(Number(known ?? EXIT.clean), status);
}

async function collect(pairs: AsyncIterable<CommitPair>): Promise<CommitPair[]> {
  const all: CommitPair[] = [];
  for await (const pair of pairs) all.push(pair);
  return all;
}

async function* pairsOfStdin(): AsyncGenerator<CommitPair> {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number += 1;
    const [base, head, ...rest] = line.trim().split(/\s+/);
    if (base === "") continue;
    if (base === undefined || head === undefined || rest.length > 0) {
      throw new VerifodError("usage", `line ${number} of stdin is not BASE HEAD`);
    }
    yield { base, head };
  }
}
