/** The options of verification, for the commands that verify. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { VerifodError } from "../errors.ts";
import { builderOf } from "../verify/builder.ts";
import { DEFAULTS, type VerifyOptions } from "../verify/options.ts";
import { collect, type RepositoryOptions } from "./options.ts";

export interface FetchOptions extends RepositoryOptions {
  readonly entry: string;
  readonly everyUrl?: true;
  readonly allowHost: readonly string[];
  readonly allowUri: readonly string[];
  readonly substituter: readonly string[];
  readonly trustedKey: readonly string[];
  readonly nix?: string;
  readonly acceptNix?: string;
  readonly builder: readonly string[];
  readonly unsafeNoSandbox?: true;
  readonly jobs: number;
  readonly jobsPerHost: number;
  readonly maxTime: number;
  readonly maxBytes: number;
}

export interface VerificationOptions extends FetchOptions {
  readonly attr: readonly string[];
  readonly canaries?: number;
  readonly seed?: string;
}

export function addVerificationOptions(command: Command): Command {
  return addFetchOptions(
    command.option(
      "--attr <attr>",
      "look at this attribute instead of those that the change touches; repeatable",
      collect,
      [],
    ),
  )
    .addOption(
      new Option(
        "--canaries <n>",
        "where the change defines fetchers: fetch so many sources with the old and the new definition (default: as configured, else 8)",
      ).argParser(count),
    )
    .option("--seed <text>", "choose the canaries that an earlier run with this seed has chosen");
}

export function addFetchOptions(command: Command): Command {
  return command
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
    .option(
      "--builder <uri>",
      "fetch on this remote builder, which no proxy guards: ssh-ng://HOST or unix:///SOCKET; repeatable",
      collect,
      [],
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
        .argParser(seconds),
    )
    .addOption(
      new Option("--max-bytes <n>", "for all fetches together")
        .default(DEFAULTS.totalBytes)
        .argParser(positive),
    );
}

/** What the verification takes of the options. */
export function verifyOptions(
  options: FetchOptions & Partial<VerificationOptions>,
): Omit<VerifyOptions, "repository"> {
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
    attrs: options.attr ?? [],
    refetch: options.offline === undefined,
    everyUrl: options.everyUrl === true,
    builders: options.builder.map(builderOf),
    allowedHosts: options.allowHost,
    parallel: options.jobs,
    perHost: options.jobsPerHost,
    totalSeconds: options.maxTime,
    totalBytes: options.maxBytes,
  };
}

function count(text: string): number {
  return text === "0" ? 0 : positive(text);
}

/** A clock that is set to more than 2^31 ms rings at once: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MOST_SECONDS = 2_000_000;

function seconds(text: string): number {
  const number = positive(text);
  if (number > MOST_SECONDS) throw new InvalidArgumentError(`it has to be at most ${MOST_SECONDS}.`);
  return number;
}

export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError("it has to be a positive whole number.");
  return number;
}
