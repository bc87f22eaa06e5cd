/** `verifod gate`: what of a release nobody has verified. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Change } from "../change/change.ts";
import { openGitPair } from "../change/git.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import type { GatePolicy } from "../config.ts";
import { VerifodError } from "../errors.ts";
import type { DuePin } from "../ledger/due.ts";
import { GATE_STATES, type Gate, type GatedPin, type GateState, gate } from "../ledger/gate.ts";
import { openLedgerReader } from "../ledger/ledger.ts";
import { checkMayWrite, ledgerLocation } from "../ledger/places.ts";
import { recordVerdicts, WAIT_SECONDS } from "../ledger/record-verdict.ts";
import { patrol } from "../patrol.ts";
import { formatGate, type GateFormat } from "../report/gate.ts";
import type { Review } from "../report/review.ts";
import { EXIT } from "../report/status.ts";
import { reviewAlone } from "../threads/review-threads.ts";
import { withPinVerifier } from "../verify/verify-pins.ts";
import { addRepositoryOptions, configFor, configPlace } from "./options.ts";
import { writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";
import { onInterrupt } from "./verify.ts";
import { addFetchOptions, type FetchOptions, verifyOptions } from "./verify-options.ts";

interface Options extends FetchOptions {
  readonly since: string;
  readonly format: GateFormat;
  readonly output?: string;
  readonly enforce?: true;
  readonly tolerate: readonly GateState[];
  readonly fix?: true;
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
    .option("--fix", "verify what nobody has verified, within the budgets, and record the verdicts");
  addFetchOptions(addRepositoryOptions(command)).action(run);
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
    const reviewed = await reviewAlone(change, configPlace(options));
    let result = await ask(reviewed, config.gate);
    const missing = result.pins.filter(({ state }) => state === "never" || state === "expired");
    if (options.fix && missing.length > 0) {
      await fix(repository, change, missing, options);
      result = await ask(reviewed, config.gate);
    }
    process.exitCode = statusOf(result, config.gate, options);
    await writeReport(formatGate(result, options.format), options.output);
  } finally {
    repository.close();
  }
}

async function ask(reviewed: Review, { maxAge }: GatePolicy): Promise<Gate> {
  const ledger = await openLedgerReader(ledgerLocation(process.env), WAIT_SECONDS);
  try {
    return await gate(reviewed, ledger, new Date(maxAge === null ? 0 : Date.now() - maxAge * 86_400_000));
  } finally {
    await ledger?.close();
  }
}

/** Verifies the pins that nobody has verified, in rounds, each recorded before the next. */
async function fix(
  repository: Repository,
  change: Change,
  missing: readonly GatedPin[],
  options: Options,
): Promise<void> {
  const progress = createProgress();
  const interrupt = onInterrupt();
  const due = missing.flatMap(({ pin, binding, fetcher, attrs }): DuePin[] => {
    const { path, line, version, urls, rev, hash } = pin;
    if (hash === null) return [];
    const name = attrs[0] ?? null;
    return [{ path, line, binding, fetcher, pname: null, version, urls, rev, hash, name, last: null }];
  });
  const { head } = change;
  const verifying = { ...verifyOptions(options), repository, signal: interrupt.signal };
  try {
    await withPinVerifier(head, verifying, (verifier) =>
      patrol(head.commit, due, verifier, {
        seconds: options.maxTime,
        bytes: options.maxBytes,
        signal: interrupt.signal,
        // What is to be released is accepted.
        record: async (verdicts, pins) => {
          await recordVerdicts(process.env, verdicts, { commit: head.commit, trust: "accepted", pins });
        },
        onRound: (_, looked) => progress.update(`verifying: ${looked} of ${due.length} pins`),
      }),
    );
  } finally {
    progress.end();
    interrupt.end();
  }
}

function statusOf(
  { pins, unchecked }: Gate,
  policy: GatePolicy,
  { enforce, tolerate }: Pick<Options, "enforce" | "tolerate">,
): number {
  const passing = new Set<GateState>(["match", ...policy.tolerate, ...tolerate]);
  const passes = ({ state, pin }: GatedPin) => passing.has(state) || policy.excludes(pin.path);
  if (enforce && !pins.every(passes)) return EXIT.findings;
  return unchecked.length > 0 ? EXIT.incomplete : EXIT.clean;
}
