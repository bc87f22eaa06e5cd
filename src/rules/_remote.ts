/** Code from elsewhere that a script runs: what is fetched goes into an interpreter. */
import type { Command, Script } from "../nix/model.ts";
import {
  downloadedFiles,
  isDecoder,
  isInterpreter,
  isNetwork,
  runsItsInput,
  runsWhatItHolds,
  sourceAmong,
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
        /(?:^|\s)-I\s*\S*=https?:|^https?:|\s\(?import\s*\(?fetchTarball/.test(words) &&
        !/[0-9a-f]{40}/.test(words)
      );
    default:
      return false;
  }
}

const withoutDot = (path: string) => path.replace(/^\.\//, "");

/** The files that a command may run: itself, and an interpreter's script. */
function filesRunBy(command: Command): readonly string[] {
  const files = /[/.$]/.test(command.name) ? [command.name] : [];
  if (!isInterpreter(command) || command.name === "eval") return files;
  const script = command.words.find((word) => !word.startsWith("-"));
  return script === undefined ? files : [...files, script];
}

/** Whether a command runs what comes to it through a pipe or `$(…)`. */
function runsWhatReachesIt(command: Command): boolean {
  return (
    (command.reads.length > 0 && (runsItsInput(command) || /^(source|\.|exec|eval)$/.test(command.name))) ||
    (command.holds.length > 0 && runsWhatItHolds(command))
  );
}

/** The places of a script where code that is fetched is run. */
export function remoteCode(script: Script): readonly RemoteCode[] {
  const found: RemoteCode[] = [];
  const add = (runner: Command, fetcher: Command) =>
    found.push({ runner, fetcher, key: `${runner.name}<-${shown(fetcher)}`, span: runner.span });
  const fetchers = new Set(script.commands.filter(isNetwork));
  const downloads = new Map<string, Command>();
  for (const command of fetchers) {
    for (const file of downloadedFiles(command).map(withoutDot))
      if (!downloads.has(file)) downloads.set(file, command);
  }
  for (const command of script.commands) {
    if (fetchesAndRuns(command)) {
      add(command, command);
      continue;
    }
    const fetcher = runsWhatReachesIt(command) ? sourceAmong(script, command, fetchers) : undefined;
    if (fetcher) {
      add(command, fetcher);
      continue;
    }
    const [download] = filesRunBy(command).flatMap((file) => downloads.get(withoutDot(file)) ?? []);
    if (download) add(command, download);
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
  const decoders = new Set(script.commands.filter(isDecoder));
  for (const command of script.commands) {
    const decoder = runsWhatReachesIt(command) ? sourceAmong(script, command, decoders) : undefined;
    if (decoder) {
      found.push({ runner: command, decoder, key: `${command.name}<-${shown(decoder)}`, span: command.span });
    }
  }
  return found;
}
