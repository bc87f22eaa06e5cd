/** `verifod verify`: evaluate what a change touches, and fetch its changed sources again. */
import { randomBytes } from "node:crypto";
import { type Command, Option } from "commander";
import { type Change, pathOf } from "../change/change.ts";
import { openGitChange } from "../change/git.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { type Config, configuredSeverity } from "../config.ts";
import { VerifodError } from "../errors.ts";
import { chooseCanaries, type FetcherFile } from "../ledger/canaries.ts";
import { readIndex } from "../ledger/pin-index.ts";
import { indexFile, mayWriteMemory } from "../ledger/places.ts";
import { pinsOfChange, recordVerdicts, TRUSTS, type Trust } from "../ledger/record-verdict.ts";
import { updateIndex } from "../ledger/update-index.ts";
import { isFetcherFile } from "../nix/fetcher-files.ts";
import { formatReview } from "../report/format.ts";
import { type Review, SCHEMA } from "../report/review.ts";
import { EXIT, exitStatus } from "../report/status.ts";
import { visible } from "../report/visible.ts";
import { rules } from "../rules/index.ts";
import { readOnThreads } from "../threads/index-threads.ts";
import { reviewAlone } from "../threads/review-threads.ts";
import { joinVerification } from "../verify/join.ts";
import type { Canaries } from "../verify/options.ts";
import { selfTest } from "../verify/self-test.ts";
import { type Verification, verify, withNix } from "../verify/verify.ts";
import { VERSION } from "../version.ts";
import {
  addReportOptions,
  addRepositoryOptions,
  configFor,
  configPlace,
  type ReportOptions,
} from "./options.ts";
import { wantsColor, writeOut, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";
import { addVerificationOptions, type VerificationOptions, verifyOptions } from "./verify-options.ts";
import { createVerifyProgress, verdictTable } from "./verify-progress.ts";

interface Options extends VerificationOptions, ReportOptions {
  readonly selfTest?: true;
  readonly record: boolean;
  readonly trust: Trust;
}

export function register(program: Command): void {
  const command = program
    .command("verify")
    .description("evaluate what a change touches, and fetch its changed sources again")
    .argument("[range]", "BASE..HEAD, BASE...HEAD (from their merge base) or a commit", "HEAD");
  addVerificationOptions(addReportOptions(addRepositoryOptions(command)))
    .option("--no-record", "keep the verdicts out of the ledger")
    .addOption(
      new Option(
        "--trust <whom>",
        "whose verdicts clear something later: accepted (code of a base branch), change (of a change's code only what Nix itself fetched), none",
      )
        .choices(TRUSTS)
        .default("change"),
    )
    .option("--self-test", "only test whether the Nix at hand can be relied on")
    .action((range: string, options: Options) => (options.selfTest ? testNix(options) : run(range, options)));
}

async function run(range: string, options: Options): Promise<void> {
  const started = performance.now();
  const repository = await openRepository(options.repo);
  try {
    const change = await openGitChange(repository, range);
    const config = await configFor(change.base, options);
    const verification = await verifyShowing(change, repository, config, options);
    const nothing: Review = {
      schema: SCHEMA,
      tool: { name: "verifod", version: VERSION },
      base: change.base.commit,
      head: change.head.commit,
      complete: true,
      findings: [],
      sources: [],
      verdicts: [],
      unchecked: [],
      suppressed: [],
      addedSuppressions: [],
      stats: { files: change.files.length, milliseconds: Math.round(performance.now() - started) },
    };
    const review = joinVerification(nothing, verification, (rule, path) =>
      configuredSeverity(config, rule, path),
    );
    const color = options.output === undefined && wantsColor(process.env, process.stdout.isTTY);
    const report = formatReview(review, options.format, { color, rules });
    const table = options.format === "text" ? verdictTable(verification) : "";
    process.exitCode = exitStatus(review, options.failOn ?? config.failOn, options.format);
    await writeReport(table + report, options.output);
    if (options.record && !options.offline) await record(change, verification, options);
  } finally {
    repository.close();
  }
}

/** Records the verdicts, where this run may. */
async function record(change: Change, { verdicts }: Verification, options: Options): Promise<void> {
  if (verdicts.length === 0) return;
  if (!mayWriteMemory(process.env)) {
    process.stderr.write("not recorded: a run for a pull request does not write the ledger\n");
    return;
  }
  // The text says by which fetcher and at which revision.
  const { sources } = await reviewAlone(change, configPlace(options));
  try {
    await recordVerdicts(process.env, verdicts, {
      commit: change.head.commit,
      trust: options.trust,
      pins: pinsOfChange(sources),
    });
  } catch (error) {
    if (!(error instanceof VerifodError)) throw error;
    // The report is out: what it says stands, but whoever relies on the record must see that there is none.
    process.stderr.write(`not recorded: ${error.message} (--no-record does without)\n`);
    if (process.exitCode === EXIT.clean && options.format !== "sarif") process.exitCode = EXIT.incomplete;
  }
}

/** Verifies with a live display; Ctrl-C ends it, and what is known by then is the answer. */
export async function verifyShowing(
  change: Change,
  repository: Repository,
  config: Config,
  options: VerificationOptions,
): Promise<Verification> {
  const interrupt = onInterrupt();
  const progress = createVerifyProgress();
  try {
    return await verify(change, {
      ...verifyOptions(options),
      canaries: await canariesOf(change, repository, config, options),
      repository,
      signal: interrupt.signal,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
    interrupt.end();
  }
}

/** The canaries of the fetchers that a change defines anew; null when it defines none, or none are wanted. */
async function canariesOf(
  change: Change,
  repository: Repository,
  config: Config,
  options: VerificationOptions,
): Promise<Canaries | null> {
  const size = options.canaries ?? config.canaries;
  const files: FetcherFile[] = [];
  for (const { base, head } of change.files) {
    if (base === null || head === null || !isFetcherFile(head.path)) continue;
    const content = await change.base.read(base);
    if (content.kind === "text") files.push({ path: base.path, text: content.text });
  }
  if (files.length === 0 || size === 0 || options.offline) return null;
  const progress = createProgress();
  const commit = await repository.resolve(change.base.commit);
  const known = await readIndex(indexFile(process.env, repository.directory));
  const index = await updateIndex(repository, commit, known, {
    readMany: readOnThreads(repository.directory),
    onProgress: (done, total) => progress.update(`indexing the base: ${done} of ${total} files`),
  });
  progress.end();
  // Chosen by chance: a sample that the change's author can know beforehand can be passed by.
  const seed = options.seed ?? randomBytes(8).toString("hex");
  const touched = new Set(change.files.map(pathOf));
  const pins = chooseCanaries(index, files, touched, size, seed);
  progress.note(
    `${pins.length} canaries for ${files.map(({ path }) => visible(path)).join(", ")}: --seed ${visible(seed)}`,
  );
  return { files: files.map(({ path }) => path), seed, pins };
}

async function testNix(options: Options): Promise<void> {
  const interrupt = onInterrupt();
  try {
    const results = await withNix(verifyOptions(options), async (nix) => {
      await writeOut(`Nix ${nix.version}\n`);
      return selfTest(nix, interrupt.signal);
    });
    for (const { what, failure } of results) {
      await writeOut(
        `${failure === null ? "holds" : "FAILS"}: ${what}${failure === null ? "" : `: ${failure}`}\n`,
      );
    }
    process.exitCode = results.every(({ failure }) => failure === null) ? EXIT.clean : EXIT.findings;
  } finally {
    interrupt.end();
  }
}

/** Ctrl-C and its like end what was started, in order; what is known by then is still reported. */
export function onInterrupt(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, abort);
  return {
    signal: controller.signal,
    end() {
      for (const signal of signals) process.off(signal, abort);
    },
  };
}
