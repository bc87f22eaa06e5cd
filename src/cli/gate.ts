/** `verifod gate`: what of a release nobody has verified. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Change } from "../change/change.ts";
import { openGitPair } from "../change/git.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { VerifodError } from "../errors.ts";
import { GATE_STATES, type Gate, type GateState, gate } from "../ledger/gate.ts";
import { openLedgerReader } from "../ledger/ledger.ts";
import { checkMayWrite, ledgerLocation } from "../ledger/places.ts";
import { recordVerdicts } from "../ledger/record-verdict.ts";
import { formatGate, type GateFormat } from "../report/gate.ts";
import type { Review } from "../report/review.ts";
import { EXIT } from "../report/status.ts";
import { createTools, review } from "../review.ts";
import { DEFAULTS } from "../verify/options.ts";
import { verify } from "../verify/verify.ts";
import { addRepositoryOptions, configFor, type RepositoryOptions } from "./options.ts";
import { writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";

interface Options extends RepositoryOptions {
  readonly since: string;
  readonly format: GateFormat;
  readonly output?: string;
  readonly enforce?: true;
  readonly tolerate: readonly GateState[];
  readonly fix?: true;
  readonly maxTime: number;
}

export function register(program: Command): void {
  const command = program
    .command("gate")
    .description("list the pins that differ between two revisions, each with its newest verdict")
    .argument("[revision]", "the revision to release", "HEAD")
    .requiredOption("--since <revision>", "the revision before it")
    .addOption(
      new Option("--format <format>", "the form of the report")
        .choices(["text", "json", "markdown"])
        .default("text"),
    )
    .option("--output <file>", "write the report there instead of to stdout")
    .option("--enforce", "exit with 1 when a pin is not verified")
    .addOption(
      new Option("--tolerate <state>", "let pins in this state pass; repeatable")
        .argParser(collect)
        .default([]),
    )
    .option("--fix", "verify what the two revisions changed, and record the verdicts")
    .addOption(
      new Option("--max-time <seconds>", "for all fetches of --fix")
        .argParser(Number)
        .default(DEFAULTS.totalSeconds),
    );
  addRepositoryOptions(command).action(run);
}

function collect(value: string, before: readonly GateState[]): readonly GateState[] {
  const state = GATE_STATES.find((known) => known === value);
  if (state === undefined) throw new InvalidArgumentError(`Known states: ${GATE_STATES.join(", ")}.`);
  return [...before, state];
}

async function run(revision: string, options: Options): Promise<void> {
  if (options.fix) checkMayWrite(process.env, "the ledger");
  if (options.fix && options.offline)
    throw new VerifodError("usage", "--fix fetches: it cannot be --offline");
  const repository = await openRepository(options.repo);
  try {
    const change = await openGitPair(repository, options.since, revision);
    const config = await configFor(change.base, options);
    const reviewed = await review(change, await createTools(), { config });
    let result = await ask(reviewed);
    if (options.fix && result.pins.some(({ state }) => state === "never")) {
      await fix(repository, change, reviewed, options);
      result = await ask(reviewed);
    }
    await writeReport(formatGate(result, options.format), options.output);
    process.exitCode = statusOf(result, options);
  } finally {
    repository.close();
  }
}

async function ask(reviewed: Review): Promise<Gate> {
  const ledger = await openLedgerReader(ledgerLocation(process.env));
  try {
    return await gate(reviewed, ledger);
  } finally {
    await ledger?.close();
  }
}

async function fix(
  repository: Repository,
  change: Change,
  reviewed: Review,
  options: Options,
): Promise<void> {
  const progress = createProgress();
  try {
    const { verdicts } = await verify(change, {
      ...DEFAULTS,
      environment: process.env,
      repository,
      totalSeconds: options.maxTime,
      onProgress: (step) => progress.update(step.kind === "step" ? step.text : `verifying: ${step.kind}`),
    });
    // What is to be released is accepted.
    await recordVerdicts(process.env, verdicts, {
      commit: reviewed.head,
      sources: reviewed.sources,
      trust: "accepted",
    });
  } finally {
    progress.end();
  }
}

function statusOf({ pins, unchecked }: Gate, { enforce, tolerate }: Options): number {
  const passes = ({ state }: { state: GateState }) => state === "match" || tolerate.includes(state);
  if (enforce && !pins.every(passes)) return EXIT.findings;
  return unchecked.length > 0 ? EXIT.incomplete : EXIT.clean;
}
