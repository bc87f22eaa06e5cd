/** What the script of a workflow's step does with what strangers serve or send, however it is padded. */

/** A command on one line, with single blanks: continued lines and what follows a pipe are drawn together. */
function linesOf(script: string): readonly string[] {
  return script
    .replace(/\\\r?\n/g, " ")
    .replace(/\|&?\s*(?:#[^\n]*\n\s*)*/g, "| ")
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim());
}

/** Whether a text has these one after the other, whatever stands between. */
function holdsInTurn(text: string, marks: readonly RegExp[]): boolean {
  let rest = text;
  for (const mark of marks) {
    const found = mark.exec(rest);
    if (!found) return false;
    rest = rest.slice(found.index + found[0].length);
  }
  return true;
}

const PULL = /\brefs\/pull\/|\bpull\/\$\{\{/;
const GH_TAKES_PULL = [/\bgh /, /\bpr (?:checkout|co)\b/];
const GIT_TAKES_HEAD = [/\bgit /, /\b(?:fetch|checkout)\b/, /\bhead\.(?:sha|ref)\b/];

/** Whether a script takes a pull request's commit into its work tree. */
export function fetchesPull(script: string): boolean {
  return linesOf(script).some(
    (line) => PULL.test(line) || holdsInTurn(line, GH_TAKES_PULL) || holdsInTurn(line, GIT_TAKES_HEAD),
  );
}

const FETCHER = /\b(?:curl|wget)\b/;
const RUNNER = /^(?:[\w./-]*\/)?(?:(?:ba|z|da|k)?sh|python[\d.]*|perl|node|ruby)$/;
/** Programs that run the one that is named behind them, among options and settings. */
const WRAPPER = /^(?:[\w./-]*\/)?(?:sudo|doas|env|command|exec|nohup|nice|time|timeout)$/;

/** Whether a stretch of a pipeline runs what it is given. */
function runsInput(stretch: string): boolean {
  let isWrapped = false;
  let before = "";
  for (const word of stretch.split(/[\s;&()"'`{}]+/)) {
    if (RUNNER.test(word)) return true;
    const isOfWrapper = isWrapped && (/^[-\d]/.test(word) || before.startsWith("-"));
    if (WRAPPER.test(word)) isWrapped = true;
    else if (word !== "" && !/^\w+=/.test(word) && !isOfWrapper) return false;
    before = word;
  }
  return false;
}

/** `curl … | sh`: the text from the fetcher to the pipe's end; null when nothing runs what is fetched. */
function pipedToRunner(line: string): string | null {
  const at = line.search(FETCHER);
  if (at < 0) return null;
  const stretches = line.slice(at).split("|");
  // What stands behind `||` is given nothing.
  const isPiped = (index: number): boolean => index > 0 && stretches[index - 1]?.trim() !== "";
  return stretches.some((stretch, index) => isPiped(index) && runsInput(stretch)) ? line.slice(at) : null;
}

const SUBSTITUTED = /(?:<\(|\$\(|`) ?(?:[\w./-]*\/)?(?:curl|wget)\b/g;
const SHELL = /^(?:[\w./-]*\/)?(?:(?:ba|z|da|k)?sh|source|eval|\.)$/;
/** Options, and the name of one (`-o pipefail`). */
const BESIDE_CODE = /^(?:[-+][\w-]*|pipefail|errexit|nounset|xtrace)?$/;

/** `bash <(curl …)`, `eval "$(wget …)"`: the command up to the fetcher; null when it is not run. */
function substitutedForCode(line: string): string | null {
  let from = 0;
  for (const { 0: fetcher, index } of line.matchAll(SUBSTITUTED)) {
    const before = line.slice(from, index);
    from = index + fetcher.length;
    const command = before.split(/[;&|]/).at(-1) ?? "";
    const words = command.replace(/["'({]/g, "").split(" ");
    const code = words.findLastIndex((word) => !BESIDE_CODE.test(word));
    if (SHELL.test(words[code] ?? "")) return command.trim() + fetcher;
  }
  return null;
}

/** What a script runs as it comes from the network; null when it runs nothing so. */
export function runsFetched(script: string): string | null {
  for (const line of linesOf(script)) {
    const found = pipedToRunner(line) ?? substitutedForCode(line);
    if (found !== null) return found;
  }
  return null;
}
