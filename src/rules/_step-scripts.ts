/** What the script of a workflow's step does with text, commits and files of strangers. */
import type { Command, Script } from "../nix/model.ts";
import { type RemoteCode, remoteCode } from "./_remote.ts";

const PULL = /\brefs\/pull\/|\bpull\/(?:\d|\$)/;
const GIT_TAKES = /^(?:fetch|pull|checkout|switch|reset|merge|clone|worktree|cherry-pick)$/;
const GH_TAKES = /\bpr (?:checkout|co)\b/;
const GH_SHOWS = /\bpr diff\b/;
const APPLIES = /\b(?:apply|am)\b/;

/** Whether a script takes a pull request's commit into its work tree. `isStrangers`: whether a text names such a commit. */
export function takesPull(script: Script, isStrangers: (text: string) => boolean): boolean {
  // Commands of other languages are not read, but all of them name such a commit in this way.
  if (script.language === "other") return PULL.test(script.text);
  return script.commands.some((command) => {
    const words = command.words.join(" ");
    switch (command.name) {
      case "git":
        return (
          (command.words.some((word) => GIT_TAKES.test(word)) && (PULL.test(words) || isStrangers(words))) ||
          (APPLIES.test(words) && readsPull(script, command))
        );
      case "patch":
        return readsPull(script, command);
      case "gh":
        return GH_TAKES.test(words);
      default:
        return false;
    }
  });
}

function readsPull(script: Script, command: Command): boolean {
  return command.reads.some((index) => {
    const source = script.commands[index];
    return source?.name === "gh" && GH_SHOWS.test(source.words.join(" "));
  });
}

/** Code that a script runs as it comes from the network. */
export interface Fetched extends RemoteCode {
  /** A release of a package, or a file whose checksum the script checks: whoever serves it can change little. */
  readonly isFixed: boolean;
}

/** All code that a script runs as it comes from the network. */
export function runsFetched(script: Script): readonly Fetched[] {
  const checks = script.commands.some(isChecksum);
  return remoteCode(script).map((seen) => ({
    ...seen,
    isFixed: seen.runner === seen.fetcher || (checks && seen.runner.reads.length === 0),
  }));
}

function isChecksum({ name, words, tolerated }: Command): boolean {
  return /^(?:sha\d+sum|shasum|b2sum|gpg|cosign|minisign)$/.test(name) && !tolerated && words.some(isCheck);
}

const isCheck = (word: string) => /^(?:-\w*c|--check|--verify|verify|verify-blob|-V\w*)$/.test(word);

/** The command that runs a text of a stranger, as `isStrangers` says; undefined when none does. */
export function runsText(script: Script, isStrangers: (text: string) => boolean): Command | undefined {
  return script.commands.find(({ name, words }) => {
    if (isStrangers(name)) return true;
    if (name === "eval") return words.some(isStrangers);
    return words.some((word, index) => /^-\w*c$/.test(words[index - 1] ?? "") && isStrangers(word));
  });
}

/** The command that puts such a text where later steps take their environment from; undefined when none does. */
export function setsEnvironment(script: Script, isStrangers: (text: string) => boolean): Command | undefined {
  return script.commands.find(
    ({ words, input, redirects }) =>
      redirects.some(({ target }) => /\bGITHUB_(?:ENV|PATH)\b/.test(target)) &&
      [...words, input ?? ""].some(isStrangers),
  );
}
