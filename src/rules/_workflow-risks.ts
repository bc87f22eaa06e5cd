/** What gives strangers a way into a workflow. Each risk has a key, so that two sides can be compared. */
import type { Script } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { codeOf } from "../workflow/step-scripts.ts";
import {
  type Environment,
  type Job,
  type Permissions,
  expressionsIn as placesIn,
  type Step,
  type Value,
  type Workflow,
} from "../workflow/workflow.ts";
import { type ArtifactRun, artifactRuns } from "./_artifacts.ts";
import { flowOf } from "./_remote.ts";
import { shownCommand } from "./_scripts.ts";
import { runsFetched, runsText, setsEnvironment, takesPull } from "./_step-scripts.ts";
import { visible } from "./_text.ts";

export interface Risk {
  /** Equal for the same risk; holds no positions. */
  readonly key: string;
  /** A wider risk that includes this one. */
  readonly within?: string;
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly clear: string;
  readonly at: Value;
}

/** Triggers that strangers cause, and that run with the base repository's token and secrets. */
const PRIVILEGED = ["pull_request_target", "workflow_run", "issue_comment", "issues", "discussion_comment"];

/** https://docs.github.com/en/actions/reference/security/secure-use: text that a stranger chooses. */
const STRANGERS_TEXT =
  /github\.(?:head_ref|event\.(?:(?:issue|pull_request|discussion|comment|review|review_comment)\.(?:title|body|user\.(?:name|email)|head\.(?:ref|label|repo\.\w+))|head_commit\.(?:message|author\.\w+|committer\.\w+)|workflow_run\.(?:head_branch|display_title|head_commit\.\w+|head_repository\.\w+)|client_payload\b))/i;
/** Lists of such text, and the fields of their entries that a stranger chooses; an index of any length stands between. */
const STRANGERS_LIST = /github\.event\.(?:commits|pages)\b/i;
const STRANGERS_FIELD = /message|author|page_name/i;
const STRANGERS_COMMIT =
  /github\.(?:head_ref|event\.(?:pull_request\.(?:head\.(?:sha|ref)|merge_commit_sha)|workflow_run\.head_(?:sha|branch)|number|issue\.number))|refs\/pull\//i;
/** A whole event, or a whole part of one. */
const STRANGERS_EVENT =
  /tojson\(github(?:\.event(?:\.(?:issue|pull_request|discussion|comment|review|head_commit|commits|workflow_run))?)?\)|github\.event\.(?:issue|pull_request|discussion|comment|review)\.\*/i;
/** Text of strangers that can have several lines. */
const STRANGERS_LINES = /\.(?:body|message|client_payload)\b/i;
const FULL_COMMIT = /@[0-9a-f]{40}$/;

/** `owner/repo/path@ref` without the ref, an image without its tag; null for actions of the repository itself. */
export function actionOf(uses: string): string | null {
  if (uses.startsWith("./")) return null;
  if (uses.startsWith("docker://")) return uses.split("@", 1)[0]?.replace(/:[^:/]*$/, "") ?? null;
  return uses.replace(/@[^@]*$/, "").toLowerCase();
}

export function isPinned(uses: string): boolean {
  return FULL_COMMIT.test(uses) || /@sha256:[0-9a-f]{64}$/.test(uses);
}

function* triggerRisks(workflow: Workflow): Generator<Risk> {
  for (const name of PRIVILEGED) {
    const at = workflow.triggers.get(name);
    if (!at) continue;
    yield {
      key: `trigger ${name}`,
      severity: name === "pull_request_target" || name === "workflow_run" ? "high" : "medium",
      title: `Workflow runs on ${name}`,
      why: "Such runs have the repository's token and secrets, and strangers cause them: one step that uses their input owns the repository.",
      clear: "Clear it by `pull_request`, or by a review of every step by those who own CI.",
      at,
    };
  }
}

function* permissionRisks(permissions: Permissions, where: string): Generator<Risk> {
  for (const [scope, at] of permissions ?? []) {
    const level = at.text;
    if (!/\bwrite(?:-all)?$/.test(level)) continue;
    yield {
      key: `permission ${where} ${scope} ${level}`,
      within: `permission  ${scope} ${level}`,
      severity: "high",
      title: `Workflow token may write (${scope === "*" ? level : `${scope}: ${level}`})`,
      why: `Whatever runs in ${where === "" ? "this workflow" : `job \`${visible(where)}\``} can then change the repository${scope === "*" ? "" : `'s ${visible(scope)}`}.`,
      clear: "Clear it by the least permission, in the one job that needs it.",
      at,
    };
  }
}

/** An expression without blanks, and with `a.b` for `a['b']`. */
function plain(expression: string): string {
  return expression.replace(/\s+/g, "").replace(/\['([\w-]+)'\]/g, ".$1");
}

const expressionsIn = (text: string) => placesIn(text).map(({ expression }) => expression);

function givesStrangersText(expression: string): boolean {
  const names = plain(expression);
  const list = names.search(STRANGERS_LIST);
  return (
    STRANGERS_TEXT.test(names) ||
    STRANGERS_EVENT.test(names) ||
    (list >= 0 && STRANGERS_FIELD.test(names.slice(list)))
  );
}

const holdsStrangersText = (text: string) => expressionsIn(text).some(givesStrangersText);
const holdsStrangersLines = (text: string) =>
  expressionsIn(text).some((each) => givesStrangersText(each) && STRANGERS_LINES.test(plain(each)));
const holdsStrangersCommit = (text: string) => STRANGERS_COMMIT.test(plain(text));

/** An expression with the value of the variable in place of `env.NAME`. */
function resolved(expression: string, environments: readonly Environment[]): string {
  return expression.replace(/\benv\s*(?:\.\s*([\w-]+)|\[\s*'([\w-]+)'\s*\])/g, (whole, name, quoted) => {
    const value = environments.map((each) => each.get(name ?? quoted)).find((each) => each !== undefined);
    return value ? expressionsIn(value.text).join(" ") : whole;
  });
}

/** The surroundings of a step. */
interface Around {
  readonly job: Job;
  readonly privileged: boolean;
  /** The nearest first. */
  readonly environments: readonly Environment[];
  readonly scriptAt: (value: Value) => Script | undefined;
  /** What the job runs of other runs' artifacts, which is told as that. */
  readonly artifacts: readonly ArtifactRun[];
}

function injection(job: Job, what: string, why: string, at: Value): Risk {
  return {
    key: `injection ${job.id} ${what}`,
    severity: "high",
    title: "A stranger's text is pasted into a script",
    why,
    clear: "Clear it by passing it through `env:` and reading the variable as a word.",
    at,
  };
}

function* codeRisks(code: Value, around: Around): Generator<Risk> {
  const { job, privileged, environments, scriptAt, artifacts } = around;
  const expression = expressionsIn(code.text).find((each) =>
    givesStrangersText(resolved(each, environments)),
  );
  if (expression !== undefined) {
    const why = `\`\${{ ${visible(expression)} }}\` is put into the code before it runs: whoever names a branch or writes a title runs commands.`;
    yield injection(job, expression, why, code);
  }
  const script = scriptAt(code);
  if (!script) return;
  const run = runsText(script, holdsStrangersText);
  if (run && expression === undefined) {
    const why = `\`${shownCommand(run)}\` runs what a stranger wrote.`;
    yield injection(job, shownCommand(run), why, code);
  }
  const set = setsEnvironment(script, holdsStrangersLines);
  if (set) {
    const why = `\`${shownCommand(set)}\`: of several lines, each sets a variable for all later steps.`;
    yield injection(job, shownCommand(set), why, code);
  }
  if (privileged && takesPull(script, holdsStrangersCommit)) yield checkoutRisk(job, code);
  for (const fetched of runsFetched(script)) {
    if (artifacts.some((run) => run.at === code && run.shown === shownCommand(fetched.runner))) continue;
    const severity = fetched.isFixed ? (privileged ? "medium" : "low") : privileged ? "high" : "medium";
    yield {
      key: `fetched ${job.id} ${fetched.key}`,
      severity,
      title: "A step runs what it fetches",
      why: `\`${flowOf(fetched)}\`: whoever serves that address decides what the run does, today and later, and no review sees it.`,
      clear: "Clear it by a pinned action, or by a file of the repository.",
      at: code,
    };
  }
}

function* stepRisks(step: Step, around: Around): Generator<Risk> {
  const { job, privileged, environments } = around;
  for (const code of codeOf(step)) yield* codeRisks(code, around);
  if (privileged && step.uses && /^actions\/cache(?:\/save)?@/i.test(step.uses.text)) {
    yield {
      key: `cache ${job.id}`,
      severity: "medium",
      title: "A privileged run keeps a cache",
      why: "What it leaves there, other runs of the default branch take: one that touches anything of a pull request poisons them.",
      clear: "Clear it by `actions/cache/restore`, which only reads.",
      at: step.uses,
    };
  }
  if (!step.uses || !/^actions\/checkout@/i.test(step.uses.text)) return;
  const ref = step.with.get("ref") ?? step.with.get("repository");
  if (privileged && ref && holdsStrangersCommit(resolved(ref.text, environments)))
    yield checkoutRisk(job, ref);
  const persist = step.with.get("persist-credentials");
  if (persist?.text !== "false") {
    yield {
      key: `credentials ${job.id}`,
      severity: privileged ? "high" : "low",
      title: "Checkout leaves the token on disk",
      why: "Every later step of the job, and every artifact of the folder, can read the token from `.git/config`.",
      clear: "Clear it by `persist-credentials: false`.",
      at: persist ?? step.uses,
    };
  }
}

function checkoutRisk(job: Job, at: Value): Risk {
  return {
    key: `checkout ${job.id}`,
    severity: "high",
    title: "A stranger's commit is checked out in a privileged run",
    why: "What the pull request brings (build files, scripts, links, configuration of tools) then works beside the repository's token and secrets.",
    clear: "Clear it by a job under `pull_request` that has no secrets, and hand over its result as data.",
    at,
  };
}

function* jobRisks(
  job: Job,
  privileged: boolean,
  workflow: Workflow,
  scriptAt: Around["scriptAt"],
): Generator<Risk> {
  yield* permissionRisks(job.permissions, job.id);
  const artifacts = privileged ? [...artifactRuns(job, scriptAt)] : [];
  for (const step of job.steps) {
    const environments = [step.env, job.env, workflow.env];
    yield* stepRisks(step, { job, privileged, environments, scriptAt, artifacts });
  }
  for (const run of artifacts) {
    yield {
      key: `artifact ${job.id} ${run.shown}`,
      severity: "high",
      title: "A privileged run runs what another run left",
      why: `\`${visible(run.shown)}\`: an artifact of a pull request's run holds what the pull request wants, and its code works beside the repository's token and secrets here.`,
      clear:
        "Clear it by reading artifacts as data, from a folder of their own, or by `if: github.event.workflow_run.event == 'push'`.",
      at: run.at,
    };
  }
  for (const value of job.values) {
    for (const expression of expressionsIn(value.text)) {
      for (const [, name = "*"] of plain(expression).matchAll(/\bsecrets(?:\.(\w+|\*)|(?=[)[]))/gi)) {
        if (name.toUpperCase() === "GITHUB_TOKEN") continue;
        yield {
          key: `secret ${job.id} ${name}`,
          severity: privileged ? "high" : "low",
          title: `A secret is given to job ${visible(job.id)}`,
          why: `${name === "*" ? "Every secret" : `\`secrets.${name}\``} can be read by every action and program that the step runs.`,
          clear:
            "Clear it by giving it to the one step that needs it, in a job that touches nothing of a pull request.",
          at: value,
        };
      }
    }
  }
  if (job.inherits) {
    yield {
      key: `inherit ${job.id}`,
      severity: "medium",
      title: "All secrets are handed to another workflow",
      why: "`secrets: inherit` gives it every secret of the repository, those of later days too.",
      clear: "Clear it by naming the secrets that it needs.",
      at: job.inherits,
    };
  }
  const own = job.runsOn.find(({ text }) => /^self-hosted\b/.test(text));
  if (own) {
    yield {
      key: `runner ${job.id} ${own.text}`,
      severity: "medium",
      title: "Job runs on a machine of the project",
      why: "A self-hosted runner keeps what one run left behind: a pull request can leave something for the next.",
      clear: "Clear it by a hosted runner, or by a machine that is thrown away after each job.",
      at: own,
    };
  }
}

/** All risks of a workflow, each key once. `scripts`: those of its steps. */
export function risksOf(workflow: Workflow, scripts: readonly Script[]): ReadonlyMap<string, Risk> {
  const byStart = new Map(scripts.map((script) => [script.span.start, script]));
  const privileged = PRIVILEGED.some((name) => workflow.triggers.has(name));
  const risks = new Map<string, Risk>();
  const add = (risk: Risk) => {
    if (!risks.has(risk.key)) risks.set(risk.key, risk);
  };
  for (const risk of triggerRisks(workflow)) add(risk);
  for (const risk of permissionRisks(workflow.permissions, "")) add(risk);
  for (const job of workflow.jobs) {
    for (const risk of jobRisks(job, privileged, workflow, ({ start }) => byStart.get(start))) add(risk);
  }
  return risks;
}

/** Every action, reusable workflow and image that is used. */
export function usesOf(workflow: Workflow): readonly Value[] {
  return workflow.jobs.flatMap((job) => [
    ...(job.uses ? [job.uses] : []),
    ...job.images,
    ...job.steps.flatMap(({ uses }) => (uses ? [uses] : [])),
  ]);
}
