/** Code from elsewhere that a script runs: what is fetched goes into an interpreter. */
import type { Command, Script } from "../nix/model.ts";
import {
  downloadedFiles,
  isDecoder,
  isInterpreter,
  isNetwork,
  runsItsInput,
  runsWhatItHolds,
  sourcesOf,
} from "./_commands.ts";
import { type Sighting, shown } from "./_scripts.ts";

export interface RemoteCode extends Sighting {
  /** What runs the code. */
  readonly runner: Command;
  /** What fetches it; the runner itself for `npx` and its like. */
  readonly fetcher: Command;
}

/** Commands that fetch a program and run it in one. */
function fetchesAndRuns(command: Command): boolean {
  const words = command.words.join(" ");
  switch (command.name) {
    case "npx":
    case "bunx":
      return (
        !/--no-install|--offline/.test(words) && /(^|\s)(-y|--yes|-p|--package)\b|\S@[\w.^~]/.test(words)
      );
    case "uvx":
      return true;
    case "pipx":
      return /^run\b/.test(words);
    case "npm":
      return /^(exec|x|create|init)\b.*(--yes|-y|\S@[\w.^~])/.test(words) && !/--offline/.test(words);
    case "pnpm":
    case "yarn":
      return /^dlx\b/.test(words);
    case "go":
      return /^run\s.*\S@\S/.test(words);
    case "deno":
      return /^run\b.*https?:/.test(words);
    case "nix":
      return /^(run|shell|develop)\b.*\b(github|gitlab|sourcehut|https?|git\+https?|tarball\+https?):/.test(
        words,
      );
    case "nix-shell":
    case "nix-build":
      return (
        /-I\s*\S*=https?:|^https?:|\s\(?import\s*\(?fetchTarball/.test(words) && !/[0-9a-f]{40}/.test(words)
      );
    default:
      return false;
  }
}

const sameFile = (a: string, b: string) => withoutDot(a) === withoutDot(b);
const withoutDot = (path: string) => path.replace(/^\.\//, "");

/** Does this command run one of these files? */
function runsFile(command: Command, files: readonly string[]): boolean {
  const isOne = (word: string) => files.some((file) => sameFile(file, word));
  if (/[/.$]/.test(command.name) && isOne(command.name)) return true;
  if (!isInterpreter(command) || command.name === "eval") return false;
  const script = command.words.find((word) => !word.startsWith("-"));
  return script !== undefined && isOne(script);
}

/** The places of a script where code that is fetched is run. */
export function remoteCode(script: Script): readonly RemoteCode[] {
  const found: RemoteCode[] = [];
  const add = (runner: Command, fetcher: Command) =>
    found.push({ runner, fetcher, key: `${runner.name}<-${shown(fetcher)}`, span: runner.span });
  const downloads = script.commands
    .filter(isNetwork)
    .map((command) => ({ command, files: downloadedFiles(command) }))
    .filter(({ files }) => files.length > 0);
  for (const command of script.commands) {
    if (fetchesAndRuns(command)) {
      add(command, command);
      continue;
    }
    const runs =
      (command.reads.length > 0 && (runsItsInput(command) || /^(source|\.|exec|eval)$/.test(command.name))) ||
      (command.holds.length > 0 && runsWhatItHolds(command));
    const fetcher = runs ? sourcesOf(script, command).find(isNetwork) : undefined;
    if (fetcher) {
      add(command, fetcher);
      continue;
    }
    const download = downloads.find(({ files }) => runsFile(command, files));
    if (download) add(command, download.command);
  }
  return found;
}

export interface HiddenCode extends Sighting {
  readonly runner: Command;
  readonly decoder: Command;
}

/** The places of a script where text that was decoded is run. */
export function decodedCode(script: Script): readonly HiddenCode[] {
  const found: HiddenCode[] = [];
  for (const command of script.commands) {
    const runs =
      (command.reads.length > 0 && (runsItsInput(command) || /^(source|\.|exec|eval)$/.test(command.name))) ||
      (command.holds.length > 0 && runsWhatItHolds(command));
    const decoder = runs ? sourcesOf(script, command).find(isDecoder) : undefined;
    if (decoder) {
      found.push({ runner: command, decoder, key: `${command.name}<-${shown(decoder)}`, span: command.span });
    }
  }
  return found;
}
