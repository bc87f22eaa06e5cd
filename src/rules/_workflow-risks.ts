/** What in one workflow gives strangers a way in. Each risk has a key, so that two sides can be compared. */
import type { Severity } from "../report/review.ts";
import { fetchesPull, runsFetched } from "./_step-scripts.ts";
import { visible } from "./_text.ts";
import type { Job, Permissions, Step, Value, Workflow } from "./_workflow.ts";

export interface Risk {
  /** Equal keys, the same risk: no positions in it. */
  readonly key: string;
  /** A wider risk that includes this one. */
  readonly within?: string;
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly clear: string;
  readonly at: Value;
}

/** They run with the base repository's token and secrets, on events that strangers cause. */
const PRIVILEGED = ["pull_request_target", "workflow_run", "issue_comment", "issues", "discussion_comment"];

/** https://docs.github.com/en/actions/reference/security/secure-use: text that a stranger chooses. */
const STRANGERS_TEXT =
  /github\.(?:head_ref|event\.(?:(?:issue|pull_request|discussion|comment|review|review_comment)\.(?:title|body|user\.(?:name|email)|head\.(?:ref|label|repo\.\w+))|head_commit\.(?:message|author\.\w+|committer\.\w+)|workflow_run\.(?:head_branch|display_title|head_commit\.\w+|head_repository\.\w+)|client_payload\b))/i;
/** Lists of such text, and what of their entries a stranger chooses: an index of any length stands between. */
const STRANGERS_LIST = /github\.event\.(?:commits|pages)\b/i;
const STRANGERS_FIELD = /message|author|page_name/i;
const STRANGERS_COMMIT =
  /github\.(?:head_ref|event\.(?:pull_request\.(?:head\.(?:sha|ref)|merge_commit_sha)|workflow_run\.head_(?:sha|branch)|number|issue\.number))|refs\/pull\//i;
const FULL_COMMIT = /@[0-9a-f]{40}$/;

/** `owner/repo/path@ref` without the ref; null for actions of the repository itself. */
export function actionOf(uses: string): string | null {
  if (uses.startsWith("./") || uses.startsWith("docker://")) return null;
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

function givesStrangersText(expression: string): boolean {
  const names = plain(expression);
  const list = names.search(STRANGERS_LIST);
  return STRANGERS_TEXT.test(names) || (list >= 0 && STRANGERS_FIELD.test(names.slice(list)));
}

/** A quoted string may hold `}}`: the runner reads on behind it. */
function expressionsIn(text: string): readonly string[] {
  const found: string[] = [];
  const parts = /'[^']*'?|\}\}/g;
  for (let start = text.indexOf("${{"); start !== -1; start = text.indexOf("${{", parts.lastIndex)) {
    parts.lastIndex = start + 3;
    let end = parts.exec(text);
    while (end && end[0] !== "}}") end = parts.exec(text);
    if (!end) break;
    found.push(text.slice(start + 3, end.index).trim());
  }
  return found;
}

function* stepRisks(step: Step, job: Job, privileged: boolean): Generator<Risk> {
  const script =
    step.uses && /^actions\/github-script@/.test(step.uses.text) ? step.with.get("script") : null;
  for (const code of [step.run, script]) {
    if (!code) continue;
    const expression = expressionsIn(code.text).find(givesStrangersText);
    if (expression !== undefined) {
      yield {
        key: `injection ${job.id} ${expression}`,
        severity: "high",
        title: "A stranger's text is pasted into a script",
        why: `\`\${{ ${visible(expression)} }}\` is put into the code before it runs: whoever names a branch or writes a title runs commands.`,
        clear: "Clear it by passing it through `env:` and reading the variable.",
        at: code,
      };
    }
    if (privileged && fetchesPull(code.text)) yield checkoutRisk(job, code);
    const fetched = runsFetched(code.text);
    if (fetched !== null) {
      yield {
        key: `fetched ${job.id} ${fetched}`,
        severity: privileged ? "high" : "medium",
        title: "A step runs what it fetches",
        why: `\`${visible(fetched)}\`: whoever serves that address decides what the run does, today and later, and no review sees it.`,
        clear: "Clear it by a pinned action, or by a file of the repository.",
        at: code,
      };
    }
  }
  if (!step.uses || !/^actions\/checkout@/i.test(step.uses.text)) return;
  const ref = step.with.get("ref") ?? step.with.get("repository");
  if (privileged && ref && STRANGERS_COMMIT.test(plain(ref.text))) yield checkoutRisk(job, ref);
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

function* jobRisks(job: Job, privileged: boolean): Generator<Risk> {
  yield* permissionRisks(job.permissions, job.id);
  for (const step of job.steps) yield* stepRisks(step, job, privileged);
  for (const value of job.values) {
    for (const expression of expressionsIn(value.text)) {
      for (const [, name = ""] of plain(expression).matchAll(/\bsecrets\.(\w+)/gi)) {
        if (name.toUpperCase() === "GITHUB_TOKEN") continue;
        yield {
          key: `secret ${job.id} ${name}`,
          severity: privileged ? "high" : "low",
          title: `A secret is given to job ${visible(job.id)}`,
          why: `\`secrets.${name}\` can be read by every action and program that the step runs.`,
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

/** All risks of a workflow, each key once. */
export function risksOf(workflow: Workflow): ReadonlyMap<string, Risk> {
  const privileged = PRIVILEGED.some((name) => workflow.triggers.has(name));
  const risks = new Map<string, Risk>();
  const add = (risk: Risk) => {
    if (!risks.has(risk.key)) risks.set(risk.key, risk);
  };
  for (const risk of triggerRisks(workflow)) add(risk);
  for (const risk of permissionRisks(workflow.permissions, "")) add(risk);
  for (const job of workflow.jobs) for (const risk of jobRisks(job, privileged)) add(risk);
  return risks;
}

/** Every action and reusable workflow that is used. */
export function usesOf(workflow: Workflow): readonly Value[] {
  return workflow.jobs.flatMap((job) => [
    ...(job.uses ? [job.uses] : []),
    ...job.steps.flatMap(({ uses }) => (uses ? [uses] : [])),
  ]);
}
