/** `verifod verify`: evaluate what a change touches, and fetch its changed sources again. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { openGitChange } from "../change/git.ts";
import { openRepository } from "../change/repository.ts";
import { configuredSeverity } from "../config.ts";
import { VerifodError } from "../errors.ts";
import { formatReview } from "../report/format.ts";
import { type Review, SCHEMA } from "../report/review.ts";
import { EXIT, exitStatus } from "../report/status.ts";
import { rules } from "../rules/index.ts";
import { joinVerification } from "../verify/join.ts";
import { DEFAULTS, type VerifyOptions } from "../verify/options.ts";
import { selfTest } from "../verify/self-test.ts";
import { verify, withNix } from "../verify/verify.ts";
import { VERSION } from "../version.ts";
import {
  addReportOptions,
  addRepositoryOptions,
  configFor,
  type ReportOptions,
  type RepositoryOptions,
} from "./options.ts";
import { wantsColor, writeOut, writeReport } from "./output.ts";
import { createVerifyProgress, verdictTable } from "./verify-progress.ts";

interface Options extends RepositoryOptions, ReportOptions {
  readonly attr: readonly string[];
  readonly entry: string;
  readonly everyUrl?: true;
  readonly allowHost: readonly string[];
  readonly allowUri: readonly string[];
  readonly substituter: readonly string[];
  readonly trustedKey: readonly string[];
  readonly nix?: string;
  readonly acceptNix?: string;
  readonly unsafeNoSandbox?: true;
  readonly jobs: number;
  readonly jobsPerHost: number;
  readonly maxTime: number;
  readonly maxBytes: number;
  readonly selfTest?: true;
}

export function register(program: Command): void {
  const command = program
    .command("verify")
    .description("evaluate what a change touches, and fetch its changed sources again")
    .argument("[range]", "BASE..HEAD, BASE...HEAD (from their merge base) or a commit", "HEAD");
  addReportOptions(addRepositoryOptions(command))
    .option(
      "--attr <attr>",
      "look at this attribute instead of those that the change touches; repeatable",
      collect,
      [],
    )
    .option("--entry <file>", "the file with the packages", DEFAULTS.entry)
    .option("--every-url", "fetch from each location of a source, not only from the first that answers")
    .option(
      "--allow-host <host>",
      "allow fetches from this host[:port], private or not; repeatable",
      collect,
      [],
    )
    .option(
      "--allow-uri <prefix>",
      "allow evaluation to fetch what begins so, as github:owner/; repeatable",
      collect,
      [],
    )
    .option("--substituter <url>", "where tools of fetchers may come from; repeatable", collect, [])
    .option("--trusted-key <key>", "a key that signs what substituters give; repeatable", collect, [])
    .option("--nix <dir>", "the folder of Nix's commands, instead of those in PATH")
    .option("--accept-nix <reason>", "let a Nix with known ways out of its sandbox run the change's builders")
    .option(
      "--unsafe-no-sandbox",
      "run the change's builders without a sandbox: on machines that are thrown away",
    )
    .addOption(new Option("--jobs <n>", "fetches at a time").default(DEFAULTS.parallel).argParser(positive))
    .addOption(
      new Option("--jobs-per-host <n>", "fetches at a time from one host")
        .default(DEFAULTS.perHost)
        .argParser(positive),
    )
    .addOption(
      new Option("--max-time <seconds>", "for all fetches together")
        .default(DEFAULTS.totalSeconds)
        .argParser(positive),
    )
    .addOption(
      new Option("--max-bytes <n>", "for all fetches together")
        .default(DEFAULTS.totalBytes)
        .argParser(positive),
    )
    .option("--self-test", "only test whether the Nix at hand can be relied on")
    .action((range: string, options: Options) => (options.selfTest ? testNix(options) : run(range, options)));
}

async function run(range: string, options: Options): Promise<void> {
  const started = performance.now();
  const repository = await openRepository(options.repo);
  const interrupt = onInterrupt();
  const progress = createVerifyProgress();
  try {
    const change = await openGitChange(repository, range);
    const config = await configFor(change.base, options);
    const verification = await verify(change, {
      ...verifyOptions(options),
      repository,
      signal: interrupt.signal,
      onProgress: progress.update,
    });
    progress.end();
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
    await writeReport(table + report, options.output);
    process.exitCode = exitStatus(review, options.failOn ?? config.failOn, options.format);
  } finally {
    progress.end();
    interrupt.end();
    repository.close();
  }
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

function verifyOptions(options: Options): Omit<VerifyOptions, "repository"> {
  if (options.unsafeNoSandbox && options.acceptNix !== undefined) {
    throw new VerifodError(
      "usage",
      "--accept-nix is about the sandbox, which --unsafe-no-sandbox turns off: choose one",
    );
  }
  return {
    ...DEFAULTS,
    environment: process.env,
    nix: {
      bin: options.nix,
      substituters: options.substituter.length > 0 ? options.substituter : DEFAULTS.nix.substituters,
      trustedKeys: [...DEFAULTS.nix.trustedKeys, ...options.trustedKey],
      allowedUris: options.allowUri,
    },
    sandbox: options.unsafeNoSandbox === undefined,
    acceptNix: options.acceptNix ?? null,
    entry: options.entry,
    attrs: options.attr,
    refetch: options.offline === undefined,
    everyUrl: options.everyUrl === true,
    allowedHosts: options.allowHost,
    parallel: options.jobs,
    perHost: options.jobsPerHost,
    totalSeconds: options.maxTime,
    totalBytes: options.maxBytes,
  };
}

/** Ctrl-C and its like end what was started, in order; what is known by then is still reported. */
function onInterrupt(): { readonly signal: AbortSignal; end(): void } {
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

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError("it has to be a positive whole number.");
  return number;
}
