/** `verifod backtest`: every commit of a range, one JSON review a line. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { openGitPair } from "../change/git.ts";
import { type CommitPair, nonMergeCommits } from "../change/history.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { type Config, loadConfig, readConfigFile } from "../config.ts";
import { VerifodError } from "../errors.ts";
import { failedReview } from "../report/failed.ts";
import { formatJson } from "../report/json.ts";
import type { Review } from "../report/review.ts";
import { EXIT, exitStatus, type Threshold } from "../report/status.ts";
import { createTools, review, type Tools } from "../review.ts";
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
  const config = options.config === undefined ? null : await readConfigFile(options.config);
  const repository = await openRepository(options.repo);
  const progress = createProgress();
  const tally = createTally();
  try {
    const pairs = await collect(options.stdin ? pairsOfStdin() : nonMergeCommits(repository, range));
    const tools = await createTools();
    for (const pair of pairs) {
      const { result, failOn, bug } = await reviewPair(repository, pair, tools, config);
      if (bug) progress.note(`${pair.head}: this is a bug in verifod, please report it\n${bug}`);
      tally.add(result);
      process.exitCode = worse(process.exitCode, exitStatus(result, options.failOn ?? failOn, "json"));
      await writeOut(formatJson(result, true));
      progress.update(tally.progress(pairs.length));
    }
    progress.end();
    process.stderr.write(tally.table());
  } finally {
    progress.end();
    repository.close();
  }
}

interface Outcome {
  readonly result: Review;
  readonly failOn: Threshold;
  /** The stack of an error that should not be. */
  readonly bug: string | null;
}

/** One review; of a pair that cannot be reviewed, a report that says why: a backtest goes on. */
async function reviewPair(
  repository: Repository,
  { base, head }: CommitPair,
  tools: Tools,
  fixed: Config | null,
): Promise<Outcome> {
  try {
    const change = await openGitPair(repository, base, head);
    const config = fixed ?? (await loadConfig(change.base));
    return { result: await review(change, tools, { config }), failOn: config.failOn, bug: null };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    const bug = failure instanceof VerifodError ? null : (failure.stack ?? failure.message);
    return { result: failedReview(base, head, failure.message), failOn: "high", bug };
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
