/** Artifacts of another run from which a privileged run executes files: whoever opened a pull request may have filled them. */
import type { Command, Script } from "../nix/model.ts";
import { codeOf } from "../workflow/step-scripts.ts";
import type { Job, Step, Value } from "../workflow/workflow.ts";
import { downloadedFiles, isInterpreter, operandsOf, sourceAmong } from "./_commands.ts";
import { shownCommand } from "./_scripts.ts";

export interface ArtifactRun {
  /** What runs it: a command, or a step's action. */
  readonly shown: string;
  readonly at: Value;
}

/** Conditions that only runs pass which somebody with write access to the repository caused. */
const TRUSTED =
  /workflow_run\.event\s*(?:==\s*'(?:push|schedule|workflow_dispatch|release)'|!=\s*'pull_request')|head_repository\.(?:full_name|id|owner\.login)\s*==|(?:!\s*github\.event\.workflow_run\.head_repository\.fork|head_repository\.fork\s*==\s*false)\b|event_name\s*==\s*'(?:push|schedule|workflow_dispatch)'/;

/** Whether no run of a stranger passes the job's condition, whichever of its alternatives holds. */
function isTrusted({ condition }: Job): boolean {
  return condition?.text.split("||").every((each) => TRUSTED.test(each)) ?? false;
}

/** Where files that strangers made lie: folders with a `/` at the end (the workspace is ""), and single files. */
type Places = Set<string>;

/** A path as seen from the workspace; one that starts with `/` or `$` lies outside. */
function inWorkspace(path: string, folder = ""): string {
  const plain = path
    .replace(/\$\{\{\s*github\.workspace\s*\}\}|\$\{?GITHUB_WORKSPACE\}?/, ".")
    .replace(/\$\{\{\s*runner\.temp\s*\}\}|\$\{RUNNER_TEMP\}/, "$RUNNER_TEMP");
  const whole = /^[/$~]/.test(plain) ? plain : `${folder}${plain}`;
  return whole.replace(/(^|\/)(?:\.\/+)+/g, "$1").replace(/(^|\/)\.$/, "$1");
}

const asFolder = (path: string) => (path === "" || path.endsWith("/") ? path : `${path}/`);

function isIn(places: Places, path: string): boolean {
  const isOutside = /^[/$~]/.test(path);
  for (const place of places) {
    if (place === "" ? !isOutside : place.endsWith("/") ? path.startsWith(place) : path === place)
      return true;
  }
  return false;
}

/** What else fetches artifacts is for those of other runs: their own, everybody fetches with the action above. */
const OTHERS_ACTION =
  /^(?!actions\/)[\w.-]{1,100}\/[\w.-]{0,100}(?:download[\w.-]{0,40}artifact|artifact[\w.-]{0,40}download)/;

/** The folder that an action unpacks the artifacts of another run into; null: it does no such thing. */
function unpackedBy({ uses, with: inputs }: Step): string | null {
  const action = uses?.text.toLowerCase() ?? "";
  const isOfAnother = action.startsWith("actions/download-artifact@")
    ? inputs.has("run-id")
    : action.startsWith("dawidd6/action-download-artifact@")
      ? ["run_id", "pr", "commit"].some((name) => inputs.has(name)) ||
        inputs.get("allow_forks")?.text === "true"
      : OTHERS_ACTION.test(action);
  return isOfAnother ? asFolder(inWorkspace(inputs.get("path")?.text ?? "")) : null;
}

/** `actions/checkout` empties the workspace, unless it has a folder of its own. */
function emptiesWorkspace({ uses, with: inputs }: Step): boolean {
  return /^actions\/checkout@/i.test(uses?.text ?? "") && !inputs.has("path");
}

/** Where the archive of an artifact is: https://docs.github.com/rest/actions/artifacts, and a well-known mirror. */
const ARCHIVE = /\bactions\/artifacts\/[^\s/]{1,100}\/zip\b|\barchive_download_url\b|\bnightly\.link\//;

/** The commands of a script that fetch an artifact's archive, or print where it is. */
function archiveFetchers({ commands }: Script): Set<Command> {
  return new Set(commands.filter(({ words }) => words.some((word) => ARCHIVE.test(word))));
}

const wordAfter = (words: readonly string[], option: RegExp) =>
  words.find((_, index) => option.test(words[index - 1] ?? "")) ??
  words.flatMap((word) => /^--(?:dir|directory)=(.+)$/.exec(word)?.[1] ?? [])[0];

/** What a command makes of such places: more of them. `isFed`: it is given an artifact's archive, or where that is. */
function spread(command: Command, places: Places, folder: string, isFed: boolean): void {
  const path = (word: string) => inWorkspace(word, folder);
  const operands = operandsOf(command);
  const takes = isFed || operands.some((word) => isIn(places, path(word)));
  switch (command.name) {
    case "gh": {
      const words = command.words.join(" ");
      if (/^run download\b/.test(words))
        places.add(asFolder(path(wordAfter(command.words, /^(?:-D|--dir)$/) ?? ".")));
      if (isFed) for (const file of downloadedFiles(command)) places.add(path(file));
      break;
    }
    case "curl":
    case "wget":
      if (isFed) for (const file of downloadedFiles(command)) places.add(path(file));
      break;
    case "unzip":
    case "tar":
    case "bsdtar":
      if (takes) places.add(asFolder(path(wordAfter(command.words, /^(?:-d|-C|--directory)$/) ?? ".")));
      break;
    case "cp":
    case "mv":
    case "install": {
      const to = path(operands.at(-1) ?? "");
      if (!takes || operands.length < 2) break;
      places.add(to);
      const from = operands[0] ?? "";
      places.add(`${asFolder(to)}${from.slice(from.lastIndexOf("/") + 1)}`);
      break;
    }
  }
}

/** Options of interpreters behind which stands code or a module's name, and no file. */
const GIVES_CODE = /^-(?:\w*[cemp]$|-eval\b|-print\b)/;
const IS_PATH = /^[\w./@+${}-]+$/;

/** The files that a command runs, or makes ready to be run. */
function filesRun(command: Command): readonly string[] {
  const files = /[/$]/.test(command.name) ? [command.name] : [];
  const operands = operandsOf(command);
  if (command.name === "chmod" && /^[ugoa]*\+\w*x|^0?[1357]\d\d$|^7/.test(operands[0] ?? ""))
    files.push(...operands.slice(1));
  const isCode = command.name === "eval" || /awk$/.test(command.name);
  if (isInterpreter(command) && !isCode && !command.words.some((word) => GIVES_CODE.test(word)))
    files.push(...operands.slice(0, 1));
  return files.filter((file) => IS_PATH.test(file));
}

/** In a script that is not shell: that it saves an artifact, and the files that it may save it as. */
const SAVES = /\bdownloadArtifact\b|archive_download_url/;
const ARCHIVES = /(?<![\w-])[\w-]{1,100}\.zip\b/g;

function* runsOfScript(script: Script, at: Value, places: Places, start: string): Generator<ArtifactRun> {
  if (script.language === "other") {
    if (SAVES.test(script.text)) for (const [file] of script.text.matchAll(ARCHIVES)) places.add(file);
    return;
  }
  let folder = start;
  const fetchers = archiveFetchers(script);
  for (const command of script.commands) {
    const isFed = fetchers.has(command) || sourceAmong(script, command, fetchers) !== undefined;
    if (command.name === "cd" && command.words[0] !== undefined)
      folder = asFolder(inWorkspace(command.words[0], folder));
    if (filesRun(command).some((file) => isIn(places, inWorkspace(file, folder))))
      yield { shown: shownCommand(command), at };
    spread(command, places, folder, isFed);
  }
}

/** What a job runs from artifacts that a stranger's run left, in order. */
export function* artifactRuns(
  job: Job,
  scriptAt: (value: Value) => Script | undefined,
): Generator<ArtifactRun> {
  if (isTrusted(job)) return;
  const places: Places = new Set();
  for (const step of job.steps) {
    if (emptiesWorkspace(step)) for (const place of places) if (!/^[/$~]/.test(place)) places.delete(place);
    const folder = unpackedBy(step);
    if (folder !== null) places.add(folder);
    if (step.uses?.text.startsWith("./") && isIn(places, inWorkspace(step.uses.text)))
      yield { shown: step.uses.text, at: step.uses };
    for (const code of codeOf(step)) {
      const script = scriptAt(code);
      if (script) yield* runsOfScript(script, code, places, asFolder(inWorkspace(step.folder?.text ?? "")));
    }
  }
}
