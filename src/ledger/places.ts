/** Where the memory is kept, and who may write it. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { VerifodError } from "../errors.ts";
import { isServer } from "./database.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** https://specifications.freedesktop.org/basedir-spec/latest/: a path that is not absolute is to be ignored. */
function directory(environment: Environment, name: string, fallback: string): string {
  const value = environment[name];
  return join(value?.startsWith("/") ? value : join(homedir(), fallback), "verifod");
}

/** The directory for what can be made again at any time. */
export function cacheDirectory(environment: Environment): string {
  return directory(environment, "XDG_CACHE_HOME", ".cache");
}

/** The file of a repository's index, by its git directory. */
export function indexFile(environment: Environment, gitDirectory: string): string {
  const name = createHash("sha256").update(gitDirectory).digest("hex").slice(0, 32);
  return join(cacheDirectory(environment), `index-${name}.jsonl`);
}

/**
 * Where the ledger is: `VERIFOD_DATABASE_URL`, else a directory that is no cache.
 * @throws VerifodError (usage) when that is neither a server nor a directory
 */
export function ledgerLocation(environment: Environment): string {
  const { VERIFOD_DATABASE_URL: url } = environment;
  if (url && !isServer(url) && !url.startsWith("/")) {
    // As a directory, an address with a slip would be an empty ledger in which nothing was ever seen.
    throw new VerifodError("usage", "VERIFOD_DATABASE_URL is no address like postgres://USER@HOST/DATABASE");
  }
  return url || join(directory(environment, "XDG_STATE_HOME", ".local/state"), "ledger");
}

/**
 * Events of GitHub Actions in whose runs nothing of a pull request can have run or been fetched. Other runs only read the
 * memory: an attacker could decide what they write.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
 */
const WRITING_EVENTS = new Set(["push", "schedule", "workflow_dispatch", "repository_dispatch", "release"]);

export function mayWriteMemory({ GITHUB_ACTIONS, GITHUB_EVENT_NAME = "" }: Environment): boolean {
  return GITHUB_ACTIONS !== "true" || WRITING_EVENTS.has(GITHUB_EVENT_NAME);
}

/** @throws VerifodError (usage) in a run that may only read. */
export function checkMayWrite(environment: Environment, what: string): void {
  if (mayWriteMemory(environment)) return;
  throw new VerifodError(
    "usage",
    `${what} is not written in a run for ${environment.GITHUB_EVENT_NAME ?? "an unknown event"}: run this for pushes to the base branch, or on a schedule`,
  );
}

/** Where a run takes place, for the record: the address of the workflow run, else the machine. */
export function vantageOf(environment: Environment, host: string): string {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : host;
}
