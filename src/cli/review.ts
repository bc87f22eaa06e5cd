/** `verifod review`: one change. */
import type { Command } from "commander";
import type { Range } from "../change/change.ts";
import { openGitPair, openGitRange } from "../change/git.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { type Config, configuredSeverity } from "../config.ts";
import { VerifodError } from "../errors.ts";
import { openMemory } from "../ledger/memory.ts";
import { cacheDirectory, mayWriteMemory } from "../ledger/places.ts";
import type { Upstream } from "../provenance/upstream.ts";
import { formatReview } from "../report/format.ts";
import type { Review } from "../report/review.ts";
import { exitStatus } from "../report/status.ts";
import { openReviewThread, type ReviewThreads, reviewHere } from "../threads/review-threads.ts";
import { compileLess } from "../v8-flags.ts";
import {
  addReportOptions,
  addRepositoryOptions,
  configFor,
  configPlace,
  type ReportOptions,
} from "./options.ts";
import { wantsColor, writeReport } from "./output.ts";
import { addVerificationOptions, type VerificationOptions } from "./verify-options.ts";

const NO_RULES = { rules: [] };

interface Options extends VerificationOptions, ReportOptions {
  readonly verify?: true;
  readonly ask?: true;
  readonly compare?: true;
}

export function register(program: Command): void {
  const command = program
    .command("review")
    .description("review the change between two commits")
    .argument("[range]", "BASE..HEAD, or BASE...HEAD from their merge base (default: HEAD^..HEAD)");
  addReportOptions(addRepositoryOptions(command))
    .option("--verify", "evaluate what the change touches and fetch its changed sources again, too")
    .option(
      "--ask",
      "ask forges, registries and hosts what they know of the changed sources, too (needs GITHUB_TOKEN)",
    )
    .option("--compare", "compare archives that were uploaded to releases with their tags, too");
  addVerificationOptions(command).action(run);
}

async function run(range: string | undefined, options: Options): Promise<void> {
  compileLess();
  const thread = openReviewThread();
  try {
    await runOn(thread, range, options);
  } finally {
    await thread.close();
  }
}

async function runOn(thread: ReviewThreads, range: string | undefined, options: Options): Promise<void> {
  const repository = await openRepository(options.repo);
  try {
    // What differs is found out by the thread: of a hundred thousand files, a second list would take 60 MB.
    const change = await openGitRange(repository, range);
    const config = await configFor(change.base, options);
    if (options.compare && options.offline)
      throw new VerifodError("usage", "--compare fetches, which --offline forbids: leave one of them out");
    const reviewed = await reviewRemembering(thread, change, options);
    // Its memory is needed for the report.
    await thread.close();
    const known = options.verify ? await verified(reviewed, repository, config, options) : reviewed;
    const result = options.compare ? await compared(known, config, options) : known;
    process.exitCode = exitStatus(result, options.failOn ?? config.failOn, options.format);
    const color = options.output === undefined && wantsColor(process.env, process.stdout.isTTY === true);
    // All rules are loaded by the thread: only what tells of them has need of them here.
    const { rules } = options.format === "sarif" ? await import("../rules/index.ts") : NO_RULES;
    await writeReport(formatReview(result, options.format, { color, rules }), options.output);
  } finally {
    repository.close();
  }
}

/** The review with what Nix says. It is loaded here: a review without it does not wait for it. */
async function verified(
  reviewed: Review,
  repository: Repository,
  config: Config,
  options: Options,
): Promise<Review> {
  const [{ verifyShowing }, { joinVerification }] = await Promise.all([
    import("./verify.ts"),
    import("../verify/join.ts"),
  ]);
  const change = await openGitPair(repository, reviewed.base, reviewed.head);
  const verification = await verifyShowing(change, repository, config, options);
  return joinVerification(reviewed, verification, (rule, path) => configuredSeverity(config, rule, path));
}

/** The review with what a comparison of pinned releases with their tags says; loaded when it is asked for, too. */
async function compared(reviewed: Review, config: Config, { allowHost }: Options): Promise<Review> {
  const [{ comparePins, forgeRelease, MOST_COMPARED }, { joinComparisons }, { RELEASE_DEFAULTS }] =
    await Promise.all([
      import("../asset/pins.ts"),
      import("../asset/evidence.ts"),
      import("../asset/release.ts"),
    ]);
  const pins = await comparePins(reviewed.sources, {
    ...RELEASE_DEFAULTS,
    allowedHosts: allowHost,
    releaseOf: forgeRelease,
    most: MOST_COMPARED,
  });
  return joinComparisons(reviewed, pins, (rule, path) => configuredSeverity(config, rule, path));
}

/** The review with what the index and the ledger remember. */
async function reviewRemembering(thread: ReviewThreads, change: Range, options: Options): Promise<Review> {
  const { offline, ask } = options;
  const upstream = ask ? await upstreamFrom(process.env, offline ?? false) : null;
  const environment = offline ? { ...process.env, VERIFOD_DATABASE_URL: undefined } : process.env;
  const memory = await openMemory(environment, change.directory);
  try {
    const about = { config: configPlace(options), subjects: null, upstream, memory };
    return await reviewHere(thread, change, about);
  } finally {
    await memory.close();
  }
}

/**
 * Upstream, with the user's token. It is loaded here: a review that asks nobody does not wait for it.
 * @throws VerifodError (usage) when nobody may be asked
 */
async function upstreamFrom(environment: NodeJS.ProcessEnv, offline: boolean): Promise<Upstream> {
  if (offline)
    throw new VerifodError(
      "usage",
      "--ask asks forges, registries and hosts, which --offline forbids: leave one of them out",
    );
  const token = environment.GITHUB_TOKEN ?? "";
  if (token === "")
    throw new VerifodError(
      "usage",
      "--ask needs a token, since GitHub answers nobody else: set GITHUB_TOKEN",
    );
  const [
    { openUpstream, upstreamApi, upstreamPlaces },
    { openUpstreamMemory, upstreamFile },
    { createGitHubApi },
  ] = await Promise.all([
    import("../provenance/open.ts"),
    import("../provenance/memory.ts"),
    import("../github/client.ts"),
  ]);
  return openUpstream({
    api: createGitHubApi({ token, apiUrl: upstreamApi(environment), patient: false }),
    places: upstreamPlaces(environment),
    memory: await openUpstreamMemory(upstreamFile(cacheDirectory(environment)), mayWriteMemory(environment)),
  });
}
