/** The scripts of a workflow's steps: they run beside the repository's token and secrets. */
import type { CodeText } from "../nix/code-text.ts";
import { readDataScript } from "../nix/data-script.ts";
import type { Script } from "../nix/model.ts";
import { languageOf, languageOfInterpreter, type ScriptParsers } from "../nix/scripts.ts";
import {
  type Environment,
  expressionsIn,
  type Job,
  readWorkflow,
  type Step,
  type Value,
} from "./workflow.ts";

/** Inputs by which actions are given a script, as those that repeat a failed command, or run one elsewhere. */
const SCRIPT_INPUTS = /^(?:run|script|command|commands|cmd|inline-?script)$/i;
/** Scripts that a step runs, with where each stands; also what actions are given to run. */
export function codeOf(step: Step): readonly Value[] {
  const inputs = [...step.with].flatMap(([name, value]) => (SCRIPT_INPUTS.test(name) ? [value] : []));
  return step.run ? [step.run, ...inputs] : inputs;
}

/** The scripts of a workflow or action, in order; none when it cannot be read. `onCut` is told what limits left unread. */
export function stepScripts(
  path: string,
  text: string,
  parsers: ScriptParsers,
  onCut: (what: string) => void = () => {},
): readonly Script[] {
  const workflow = readWorkflow(text);
  return (workflow?.jobs ?? []).flatMap((job) =>
    job.steps.flatMap((step) =>
      codeOf(step).map((value) =>
        scriptOf(path, job, step, value, [workflow?.env, job.env, step.env], parsers, onCut),
      ),
    ),
  );
}

function scriptOf(
  path: string,
  job: Job,
  step: Step,
  value: Value,
  environments: readonly (Environment | undefined)[],
  parsers: ScriptParsers,
  onCut: (what: string) => void,
): Script {
  const { standIn, restore } = standIns();
  const code: CodeText = { text: standIn(value.text), restore, fileOffset: () => value.start, cut: false };
  const variables = new Map<string, string>();
  for (const environment of environments)
    for (const [name, { text }] of environment ?? []) variables.set(name, standIn(text));
  const about = { path, span: value, binding: `jobs.${job.id}`, context: "ci" } as const;
  return readDataScript(code, languageOfStep(step, value), about, parsers, onCut, variables);
}

function languageOfStep({ uses, shell }: Step, value: Value) {
  if (/^actions\/github-script@/i.test(uses?.text ?? "")) return "other";
  const said = shell?.text ?? "";
  if (/^(?:pwsh|powershell|cmd)\b/.test(said)) return "other";
  return said === "" ? languageOf(value.text) : languageOfInterpreter(said);
}

/** Words that a shell can read, in place of expressions; equal expressions have one. */
function standIns() {
  const expressions: string[] = [];
  const numbers = new Map<string, number>();
  return {
    standIn: (text: string) => {
      let code = "";
      let at = 0;
      for (const { start, end } of expressionsIn(text)) {
        const expression = text.slice(start, end);
        const known = numbers.get(expression) ?? expressions.push(expression) - 1;
        numbers.set(expression, known);
        code += `${text.slice(at, start)}__nix_${known}__`;
        at = end;
      }
      return code + text.slice(at);
    },
    restore: (text: string) =>
      text.replace(/__nix_(\d+)__/g, (whole, index) => expressions[Number(index)] ?? whole),
  };
}
