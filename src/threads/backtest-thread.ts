/** A thread that reviews pairs of commits, one after the other. See backtest-threads.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { openGitPair } from "../change/git.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import type { Config } from "../config.ts";
import { VerifodError } from "../errors.ts";
import { loadConfig, readConfigFile } from "../load-config.ts";
import { failedReview } from "../report/failed.ts";
import { review } from "../review.ts";
import { createTools, type Tools } from "../tools.ts";
import type { BacktestThreadSettings, Job, PairReview } from "./backtest-threads.ts";
import { READY } from "./exchange.ts";

/** One review; of a pair that cannot be reviewed, a report that says why. */
async function reviewPair(
  repository: Repository,
  tools: Tools,
  { base, head }: Job["pairs"][number],
  fixed: Config | null,
): Promise<PairReview> {
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

if (!parentPort) throw new Error("backtest-thread runs as a thread only");
const port = parentPort;
const settings = workerData as BacktestThreadSettings;
const [repository, tools, config] = await Promise.all([
  openRepository(settings.repository),
  createTools(),
  settings.configFile === null ? null : readConfigFile(settings.configFile),
]);
async function run({ pairs }: Job): Promise<void> {
  for (const pair of pairs) port.postMessage(await reviewPair(repository, tools, pair, config));
}

port.on("message", (job: Job) => void run(job));
port.postMessage(READY);
