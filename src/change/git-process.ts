/** How git is run: without a shell, without the network, without anything that a repository could make it run. */
import { execFile } from "node:child_process";
import { messageOf, VerifodError } from "../errors.ts";

/** Longer than any honest answer takes; a git that hangs (a dead network disk) is ended. */
export const GIT_TIMEOUT_MS = 60_000;

/** What git needs of our environment. Tokens and `GIT_DIR`, which a hook sets, are not among it. */
const inherited = [
  "PATH",
  "HOME",
  "XDG_CONFIG_HOME",
  "USERPROFILE",
  "SYSTEMROOT",
  "TMPDIR",
  "TEMP",
  "LD_LIBRARY_PATH",
  "GIT_EXEC_PATH",
  // Where the user allows foreign repositories: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
  "SUDO_UID",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_CEILING_DIRECTORIES",
  "GIT_DISCOVERY_ACROSS_FILESYSTEM",
];

/** The environment of every git that we start. */
export function gitEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    // From git 2.45. Before that a partial clone does try to fetch, and the empty list of transports refuses it.
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "",
    // Grafts would make up another history: https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-infografts
    GIT_GRAFT_FILE: "/dev/null",
  };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** Options before the git command; they win over every configuration file. */
export const gitOptions: readonly string[] = [
  "--no-pager",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "protocol.allow=never",
  // A replacement object would show another content than its id names. The variable GIT_NO_REPLACE_OBJECTS gives way
  // to the repository's configuration, this does not.
  "-c",
  "core.useReplaceRefs=false",
];

export interface GitOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What git is given to read, and how much it may say. */
export interface GitInput {
  readonly input?: string;
  readonly mostBytes?: number;
}

/**
 * Runs git in `directory` to its end. A failing status is an answer, not an error; at most 1 MiB of output, or `mostBytes`.
 * @throws VerifodError (outside) when git cannot be started, hangs, or says too much.
 */
export function runGit(
  directory: string,
  args: readonly string[],
  { input = "", mostBytes: maxBuffer = 1_048_576 }: GitInput = {},
): Promise<GitOutput> {
  return new Promise((resolve, reject) => {
    const git = execFile(
      "git",
      [...gitOptions, ...args],
      { cwd: directory, env: gitEnvironment(), timeout: GIT_TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer },
      (error, stdout, stderr) => {
        if (error === null) resolve({ status: 0, stdout, stderr });
        else if (typeof error.code === "number") resolve({ status: error.code, stdout, stderr });
        else reject(cannotRun(error));
      },
    );
    // One that ended before it read all of it has said why.
    git.stdin?.on("error", () => {}).end(input);
  });
}

/** The error for a git that could not be run to its end. */
export function cannotRun(error: Error): VerifodError {
  const missing = "code" in error && error.code === "ENOENT";
  const message = missing
    ? "git was not found: install git and make sure that it is on the PATH"
    : `git could not be run: ${messageOf(error)}`;
  return new VerifodError("outside", message, { cause: error });
}

/** The line of git's stderr that says most, without its `fatal:`. */
export function complaint(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const line =
    lines.find((candidate) => candidate.startsWith("fatal: ")) ?? lines.at(-1) ?? "no reason given";
  return line.replace(/^(fatal|error): /, "");
}
