/** Code from elsewhere that a script runs: it fetches something and gives it to an interpreter. */
import type { Command, Script } from "../nix/model.ts";
import {
  downloadedFiles,
  isDecoder,
  isInterpreter,
  isNetwork,
  opensConnection,
  operandsOf,
  runsItsInput,
  runsWhatItHolds,
  sourceAmong,
} from "./_commands.ts";
import { type Sighting, shownCommand } from "./_scripts.ts";

export interface RemoteCode extends Sighting {
  /** What runs the code. */
  readonly runner: Command;
  /** What fetches it; the runner itself for `npx` and its like. */
  readonly fetcher: Command;
}

/** What is fetched, and what runs it, for a message. */
export function flowOf({ runner, fetcher }: RemoteCode): string {
  return runner === fetcher ? shownCommand(fetcher) : `${shownCommand(fetcher)} → ${shownCommand(runner)}`;
}

/** Whether a single command fetches a program and runs it. */
function fetchesAndRuns(command: Command): boolean {
  if (opensConnection(command) && isInterpreter(command)) return true;
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
  if (isInterpreter(command))
    for (const { operator, target } of command.redirects) if (operator === "<") files.push(target);
  if (!isInterpreter(command) || command.name === "eval") return files;
  const [script] = operandsOf(command);
  return script === undefined ? files : [...files, script];
}

/** Whether a command runs what comes to it through a pipe or `$(…)`. */
function runsWhatReachesIt(command: Command): boolean {
  return (
    (command.reads.length > 0 && (runsItsInput(command) || /^(source|\.|exec|eval)$/.test(command.name))) ||
    (command.holds.length > 0 && runsWhatItHolds(command))
  );
}

const readsDescriptor = ({ redirects }: Command) => redirects.some(({ operator }) => operator === "<&");

/** Where what was fetched lies: files, and folders with a `/` at the end. Commands that print such files join `fetchers`. */
function downloadsOf(script: Script, fetchers: Set<Command>): ReadonlyMap<string, Command> {
  const downloads = new Map<string, Command>();
  if (fetchers.size === 0) return downloads;
  const keep = (file: string, fetcher: Command) => {
    const path = withoutDot(file);
    if (!downloads.has(path)) downloads.set(path, fetcher);
  };
  for (const command of script.commands) {
    if (fetchers.has(command)) {
      for (const file of downloadedFiles(command)) keep(file, command);
      continue;
    }
    const operands = operandsOf(command);
    const known = operands.flatMap((word) => downloads.get(withoutDot(word)) ?? [])[0];
    switch (command.name) {
      case "tee":
      case "tar":
      case "unzip":
      case "bsdtar": {
        const fetcher = known ?? sourceAmong(script, command, fetchers);
        if (!fetcher) break;
        if (command.name === "tee") for (const file of operands) keep(file, fetcher);
        else for (const folder of foldersOf(command)) keep(`${folder}/`, fetcher);
        break;
      }
      case "cp":
      case "mv":
      case "ln":
      case "install":
        if (known) keep(operands.at(-1) ?? "", known);
        break;
      case "cat":
      case "gunzip":
      case "zcat":
      case "sed":
      case "head":
      case "tail":
        if (known) fetchers.add(command);
        break;
    }
  }
  return downloads;
}

/** What `tar -C folder` and `unzip -d folder` unpack into. */
function foldersOf({ words }: Command): readonly string[] {
  return words.filter((_, index) => /^(?:-C|--directory|-d)$/.test(words[index - 1] ?? ""));
}

/** The command that downloaded a file, or a folder that it is in. */
function downloadAt(downloads: ReadonlyMap<string, Command>, file: string): Command | undefined {
  const path = withoutDot(file);
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const folder = downloads.get(path.slice(0, at + 1));
    if (folder) return folder;
  }
  return downloads.get(path);
}

/** The places of a script where code that is fetched is run. */
export function remoteCode(script: Script): readonly RemoteCode[] {
  const found: RemoteCode[] = [];
  const add = (runner: Command, fetcher: Command) =>
    found.push({ runner, fetcher, key: `${runner.name}<-${shownCommand(fetcher)}`, span: runner.span });
  const fetchers = new Set(script.commands.filter(isNetwork));
  const downloads = downloadsOf(script, fetchers);
  const isConnected = script.commands.some((command) => command.name === "exec" && opensConnection(command));
  for (const command of script.commands) {
    if (fetchesAndRuns(command) || (isConnected && isInterpreter(command) && readsDescriptor(command))) {
      add(command, command);
      continue;
    }
    const fetcher = runsWhatReachesIt(command) ? sourceAmong(script, command, fetchers) : undefined;
    if (fetcher) {
      add(command, fetcher);
      continue;
    }
    const [download] = filesRunBy(command).flatMap((file) => downloadAt(downloads, file) ?? []);
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
      found.push({
        runner: command,
        decoder,
        key: `${command.name}<-${shownCommand(decoder)}`,
        span: command.span,
      });
    }
  }
  return found;
}
