/** `verifod patrol`: fetch again what was not looked at lately. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { openRepository, type Repository } from "../change/repository.ts";
import { repositoryTree } from "../change/tree.ts";
import { VerifodError } from "../errors.ts";
import { type DuePin, duePins } from "../ledger/due.ts";
import { openLedgerReader } from "../ledger/ledger.ts";
import { readIndex } from "../ledger/pin-index.ts";
import { checkMayWrite, indexFile, ledgerLocation } from "../ledger/places.ts";
import { recordVerdicts, WAIT_SECONDS } from "../ledger/record-verdict.ts";
import { updateIndex } from "../ledger/update-index.ts";
import { type Patrol, patrol } from "../patrol.ts";
import type { GateFormat } from "../report/gate.ts";
import { formatPatrol, sectionsOf } from "../report/patrol.ts";
import { EXIT } from "../report/status.ts";
import { visible } from "../report/visible.ts";
import { readOnThreads } from "../threads/index-threads.ts";
import { withPinVerifier } from "../verify/verify-pins.ts";
import { addRepositoryOptions } from "./options.ts";
import { writeReport } from "./output.ts";
import { bar, createProgress, type Progress } from "./progress.ts";
import { onInterrupt } from "./verify.ts";
import { addFetchOptions, type FetchOptions, verifyOptions } from "./verify-options.ts";

interface Options extends FetchOptions {
  readonly index?: string;
  readonly olderThan: number;
  readonly delay: number;
  readonly format: GateFormat;
  readonly output?: string;
}

export function register(program: Command): void {
  const command = program
    .command("patrol")
    .description("fetch again the pins of a revision that were not looked at lately, within budgets")
    .argument("[revision]", "the revision whose pins are looked at", "HEAD")
    .option("--index <file>", "where the index is (default: in the cache directory)")
    .addOption(
      new Option("--older-than <days>", "look at what nobody has looked at for so many days")
        .argParser(notNegative)
        .default(30),
    )
    .addOption(
      new Option("--delay <seconds>", "between two fetches from one host").argParser(notNegative).default(1),
    )
    .addOption(
      new Option("--format <format>", "the form of the report")
        .choices(["text", "json", "markdown"])
        .default("text"),
    )
    .option("--output <file>", "write the report there instead of to stdout");
  addFetchOptions(addRepositoryOptions(command)).action(run);
}

function notNegative(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0)
    throw new InvalidArgumentError("it has to be a number that is not negative.");
  return number;
}

async function run(revision: string, options: Options): Promise<void> {
  checkMayWrite(process.env, "the ledger");
  if (options.offline) throw new VerifodError("usage", "a patrol fetches: it cannot be --offline");
  const repository = await openRepository(options.repo);
  const progress = createProgress();
  const interrupt = onInterrupt();
  try {
    const result = await patrolRevision(repository, revision, options, progress, interrupt.signal);
    progress.end();
    process.exitCode = statusOf(result);
    await writeReport(formatPatrol(result, options.format), options.output);
  } finally {
    progress.end();
    interrupt.end();
    repository.close();
  }
}

async function patrolRevision(
  repository: Repository,
  revision: string,
  options: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<Patrol> {
  const commit = await repository.resolve(revision);
  const index = await updateIndex(
    repository,
    commit,
    await readIndex(options.index ?? indexFile(process.env, repository.directory)),
    {
      readMany: readOnThreads(repository.directory),
      onProgress: (done, total) => progress.update(`indexing: ${done} of ${total} files`),
    },
  );
  const due = await dueNow(
    [...index.files.values()].flatMap(({ pins }) => pins),
    options.olderThan,
  );
  const started = performance.now();
  let looked = 0;
  let inRound = 0;
  const show = () => {
    const spent = (performance.now() - started) / 1_000;
    const left = Math.max(0, options.maxTime - spent);
    progress.update(bar("pins", Math.min(due.length, looked + inRound), due.length, { spent, left }));
  };
  const verifying = {
    ...verifyOptions(options),
    repository,
    hostDelaySeconds: options.delay,
    signal,
    onProgress(step: { readonly kind: string }) {
      if (step.kind === "verdict") inRound += 1;
      show();
    },
  };
  const budget = { seconds: options.maxTime, bytes: options.maxBytes, signal };
  if (due.length === 0) return patrol(commit.oid, due, { verify: async () => [] }, { ...budget, record });
  const tree = repositoryTree(repository, commit.oid, commit.tree);
  return withPinVerifier(tree, verifying, (verifier) =>
    patrol(commit.oid, due, verifier, {
      ...budget,
      record,
      onRound(pins, all) {
        looked = all;
        inRound = 0;
        for (const pin of pins) {
          if (pin.outcome === "match") continue;
          const place = `${pin.pin.path}:${pin.pin.line}`;
          progress.note(`${pin.outcome.padEnd(11)} ${visible(place)}: ${visible(pin.reason, 200)}`);
        }
        show();
      },
    }),
  );

  async function record(...[verdicts, pins]: Parameters<Parameters<typeof patrol>[3]["record"]>) {
    // What is patrolled is a base branch: its code is accepted.
    await recordVerdicts(process.env, verdicts, { commit: commit.oid, trust: "accepted", pins });
  }
}

/** Asks the ledger, and lets go of it: others may use it while this one fetches. */
async function dueNow(pins: Parameters<typeof duePins>[0], days: number): Promise<readonly DuePin[]> {
  const ledger = await openLedgerReader(ledgerLocation(process.env), WAIT_SECONDS);
  try {
    return await duePins(pins, ledger, new Date(Date.now() - days * 86_400_000));
  } finally {
    await ledger?.close();
  }
}

function statusOf({ pins }: Patrol): number {
  const sections = new Set(pins.flatMap((pin) => sectionsOf(pin)));
  if (sections.has("changed") || sections.has("died")) return EXIT.findings;
  return sections.has("unchecked") ? EXIT.incomplete : EXIT.clean;
}
