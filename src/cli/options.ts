/** The options that the commands share. */
import { type Command, Option } from "commander";
import type { Tree } from "../change/change.ts";
import { CONFIG_PATH, type Config } from "../config.ts";
import { loadConfig, readConfigFile } from "../load-config.ts";
import { FORMATS, type Format } from "../report/format.ts";
import { THRESHOLDS, type Threshold } from "../report/status.ts";
import type { ConfigPlace } from "../threads/review-threads.ts";

export interface RepositoryOptions {
  readonly repo: string;
  readonly config?: string;
  readonly offline?: true;
}

export interface ReportOptions {
  readonly format: Format;
  readonly output?: string;
  readonly failOn?: Threshold;
}

export function addRepositoryOptions(command: Command): Command {
  return command
    .option("--repo <dir>", "the git repository: a work tree or a bare one", ".")
    .option("--config <file>", "a configuration to use instead of the base's .github/verifod.yml")
    .option("--offline", "never touch the network");
}

export function addReportOptions(command: Command): Command {
  return command
    .addOption(new Option("--format <format>", "the form of the report").choices(FORMATS).default("text"))
    .option("--output <file>", "write the report there instead of to stdout")
    .addOption(failOnOption());
}

export function failOnOption(): Option {
  return new Option(
    "--fail-on <severity>",
    "the least severity that makes the exit status 1 (default: as configured, else high)",
  ).choices(THRESHOLDS);
}

/** The configuration that the user names, else that of the base. */
export function configFor(base: Tree, { config }: Pick<RepositoryOptions, "config">): Promise<Config> {
  return config === undefined ? loadConfig(base) : readConfigFile(config);
}

/** Where that is. */
export function configPlace({ config }: Pick<RepositoryOptions, "config">): ConfigPlace {
  return config === undefined ? { of: "tip", path: CONFIG_PATH } : { of: "machine", path: config };
}

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
