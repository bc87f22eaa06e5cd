/** Changes that give a workflow or update bot more power, or strangers a way into one; and owners no longer asked. */

import type { Script } from "../nix/model.ts";
import {
  isWorkflow as isWorkflowPath,
  type Permissions,
  readWorkflow,
  type Value,
  type Workflow,
} from "../workflow/workflow.ts";
import { hasTooManyOwners, ownerRisks } from "./_owners.ts";
import { argument, headPath, inBase, inHead, visible } from "./_text.ts";
import { isUpdateSettings, updateRisks } from "./_update-settings.ts";
import { actionOf, isPinned, type Risk, risksOf, usesOf } from "./_workflow-risks.ts";
import type { Facts, FileFacts, Rule, RuleFinding, Undecided } from "./rule.ts";

const OWNERS = /(?:^|\/)(?:CODEOWNERS|OWNERS)$/;

/** Risks that show only when both sides are compared. */
function* comparedRisks(base: Workflow, head: Workflow): Generator<Risk> {
  yield* pinRisks(base, head);
  yield* defaultRisks("", base.permissions, head.permissions, firstOf(head));
  const before = new Map(base.jobs.map((job) => [job.id, job]));
  for (const job of head.jobs) {
    const old = before.get(job.id);
    if (!old) continue;
    yield* defaultRisks(job.id, old.permissions, job.permissions, job.at);
    if (old.condition && !alwaysHolds(old.condition) && (!job.condition || alwaysHolds(job.condition))) {
      yield {
        key: `condition ${job.id}`,
        severity: "medium",
        title: `Condition of job ${visible(job.id)} removed`,
        why: `\`if: ${visible(old.condition.text)}\` decided for whom the job runs.`,
        clear: "Clear it by a word on why everybody may now start it.",
        at: job.at,
      };
    }
  }
}

/** Whether a condition holds whatever the run is: `always()`, `… || true`. */
function alwaysHolds({ text }: Value): boolean {
  const condition = text.replace(/\s+/g, "").replace(/^\$\{\{(.*)\}\}$/, "$1");
  return /(?:^|\|\|)(?:true|always\(\)|!cancelled\(\)|success\(\))$/i.test(condition);
}

function firstOf(workflow: Workflow): Value {
  return workflow.jobs[0]?.at ?? { text: "", start: 0, end: 0, comment: "" };
}

/** Without `permissions` the repository's default applies, which is often more than what was written. */
function* defaultRisks(where: string, before: Permissions, after: Permissions, at: Value): Generator<Risk> {
  if (before === null || after !== null) return;
  yield {
    key: `default ${where}`,
    severity: "medium",
    title: `Permissions of ${where === "" ? "the workflow" : `job ${visible(where)}`} no longer limited`,
    why: "Without `permissions` the token has the repository's default rights, which can include writing.",
    clear: "Clear it by keeping the `permissions` key.",
    at,
  };
}

function* pinRisks(base: Workflow, head: Workflow): Generator<Risk> {
  const old = usesOf(base);
  const firstOfAction = new Map(old.toReversed().map((use) => [actionOf(use.text), use]));
  // Where the base pins nothing, one more tag is the repository's way of working.
  const pins = old.some(({ text }) => isPinned(text));
  const known = new Set(old.map(({ text }) => text));
  for (const use of usesOf(head)) {
    const action = actionOf(use.text);
    if (action === null || known.has(use.text)) continue;
    const before = firstOfAction.get(action);
    if (!isPinned(use.text)) {
      const wasPinned = before !== undefined && isPinned(before.text);
      // From tag to tag: nothing got worse.
      if (before && !wasPinned) continue;
      yield {
        key: `pin ${use.text}`,
        severity: wasPinned ? "high" : pins ? "medium" : "low",
        title: wasPinned
          ? "Action no longer pinned to a commit"
          : "New action that is not pinned to a commit",
        why: `\`${visible(use.text)}\` is whatever its owner, or who has taken that account over, lets the tag point to next.`,
        clear: "Clear it by the full commit id, with the version as a comment.",
        at: use,
      };
    } else if (!before && wasOfAnother(action, old, head)) {
      yield {
        key: `owner ${use.text}`,
        severity: "medium",
        title: "An action is taken from another owner",
        why: `\`${visible(use.text)}\` has the name of an action that was used before and is somebody else's.`,
        clear: "Clear it by a word on who the new owner is.",
        at: use,
      };
    } else if (before && isPinned(before.text) && use.comment !== "" && use.comment === before.comment) {
      yield {
        key: `comment ${use.text}`,
        severity: "medium",
        title: "Pinned commit moved, its version comment did not",
        why: `Both are said to be \`${visible(use.comment)}\`, but they are two commits.`,
        clear: "Clear it by the commit that the tag points to; `git ls-remote` shows it.",
        at: use,
      };
    }
  }
}

/** Whether an action has the name of another owner's action that is no longer used. */
function wasOfAnother(action: string, old: readonly Value[], head: Workflow): boolean {
  const nameOf = (each: string | null) => each?.split("/").slice(1).join("/");
  const now = new Set(usesOf(head).map(({ text }) => actionOf(text)));
  return old.some(({ text }) => {
    const before = actionOf(text);
    return before !== null && !now.has(before) && nameOf(before) === nameOf(action);
  });
}

/** False for a checkout that leaves its token in a new job of an ordinary run: that is the usual way. */
function isNews(risk: Risk, base: Workflow | null): boolean {
  if (!risk.key.startsWith("credentials ") || risk.severity === "high") return true;
  const id = risk.key.slice("credentials ".length);
  return base?.jobs.some((job) => job.id === id) ?? false;
}

/** The scripts of the steps of either side. */
interface Steps {
  readonly base: readonly Script[];
  readonly head: readonly Script[];
}

function newRisks(base: Workflow | null, head: Workflow, steps: Steps): readonly Risk[] {
  const old = base ? risksOf(base, steps.base) : new Map<string, Risk>();
  const own = [...risksOf(head, steps.head).values()].filter((risk) => {
    const before = old.get(risk.key) ?? old.get(risk.within ?? "");
    // The same weakness weighs more once strangers can reach it.
    if (before && before.severity === risk.severity) return false;
    return isNews(risk, base);
  });
  return [
    ...own,
    ...(base
      ? comparedRisks(base, head)
      : pinRisks({ triggers: new Map(), permissions: null, env: new Map(), jobs: [] }, head)),
  ];
}

function findingOf(file: FileFacts, risk: Risk, text: string): RuleFinding {
  return {
    severity: risk.severity,
    confidence: risk.severity === "low" ? "medium" : "high",
    title: risk.title,
    message: `${risk.why} ${risk.clear} Check with: git diff HEAD^ HEAD -- ${argument(headPath(file))}`,
    at: inHead(file, risk.at.start, risk.at.end),
    before: null,
    after: visible(text.slice(risk.at.start, Math.min(risk.at.end, risk.at.start + 200)).trim(), 200),
    evidence: ["static"],
    related: [],
    identity: [risk.key],
  };
}

function isWorkflow(file: FileFacts): boolean {
  return isWorkflowPath(headPath(file));
}

function isOwners(file: FileFacts): boolean {
  return OWNERS.test(file.change.base?.path ?? headPath(file));
}

/** What could not be compared. A workflow that could be read before and cannot be now is a finding instead. */
function* undecided(file: FileFacts): Iterable<Undecided> {
  if (isOwners(file) && hasTooManyOwners(file.base ?? "", file.head ?? ""))
    yield { undecided: "more lines of owners are new than are compared", at: inHead(file, 0, 0) };
  if (!isWorkflow(file) || file.head === null || file.base === null) return;
  if (readWorkflow(file.head) !== null || readWorkflow(file.base) !== null) return;
  yield { undecided: "neither side of the workflow could be read", at: inHead(file, 0, 0) };
}

function unreadable(file: FileFacts, what: string, many: string, plain: string): RuleFinding {
  return {
    severity: "medium",
    confidence: "medium",
    title: `${what} could not be read`,
    message:
      `This file is no ${plain} mapping, or too large or too deep: none of the checks on ${many} saw it. ` +
      `Clear it by plain ${plain}. Check with: git show HEAD:${argument(headPath(file))}`,
    at: inHead(file, 0, 0),
    before: null,
    after: null,
    evidence: ["static"],
    related: [],
    identity: ["unreadable"],
  };
}

function* checkUpdates(file: FileFacts): Iterable<RuleFinding> {
  if (file.head === null) return;
  const path = headPath(file);
  const risks = updateRisks(path, file.base, file.head);
  if (!risks)
    yield unreadable(file, "Settings of an update bot", "them", /\.ya?ml$/.test(path) ? "YAML" : "JSON");
  for (const risk of risks ?? []) yield findingOf(file, risk, file.head);
}

function* checkWorkflow(file: FileFacts, { steps }: Facts): Iterable<RuleFinding> {
  if (file.head === null) return;
  const head = readWorkflow(file.head);
  const base = file.base === null ? null : readWorkflow(file.base);
  if (!head) {
    if (file.base !== null && !base) return;
    yield unreadable(file, "Workflow", "workflows", "YAML");
    return;
  }
  const { base: before, head: after } = file.change;
  const own = {
    base: steps.base.filter(({ path }) => path === before?.path),
    head: steps.head.filter(({ path }) => path === after?.path),
  };
  for (const risk of newRisks(base, head, own)) yield findingOf(file, risk, file.head);
}

function* checkOwners(file: FileFacts, files: readonly FileFacts[]): Iterable<RuleFinding> {
  if (file.base === null) {
    if (headPath(file) === ".github/CODEOWNERS") yield otherOwners(file);
    return;
  }
  const gone = files.flatMap(({ change }) =>
    change.base && change.base.path !== change.head?.path ? [change.base.path] : [],
  );
  for (const risk of ownerRisks(file.base, file.head ?? "", gone)) {
    yield {
      severity: risk.severity,
      confidence: "medium",
      title: "Owners no longer asked",
      message:
        `\`${visible(risk.pattern)}\` had ${visible(risk.before, 200)} as owners and has ${risk.after === "" ? "none" : visible(risk.after, 200)} now: ` +
        "later changes there are merged without those who know them. Clear it by a word of the former owners. " +
        `Check with: git log -p -1 -- ${argument(headPath(file))}`,
      at:
        risk.at.side === "head"
          ? inHead(file, risk.at.start, risk.at.end)
          : inBase(file, risk.at.start, risk.at.end),
      before: visible(risk.before, 200),
      after: risk.after === "" ? null : visible(risk.after, 200),
      evidence: ["static"],
      related: [],
      identity: ["owners", risk.pattern],
    };
  }
}

/** https://docs.github.com/articles/about-code-owners: that of `.github/` counts, and no other. */
function otherOwners(file: FileFacts): RuleFinding {
  return {
    severity: "medium",
    confidence: "medium",
    title: "Another file of owners counts",
    message:
      "A new `.github/CODEOWNERS` counts instead of `CODEOWNERS` and `docs/CODEOWNERS`: who is named there is asked no more. " +
      "Clear it by moving the lines of the old one. Check with: git ls-tree -r --name-only HEAD | grep CODEOWNERS",
    at: inHead(file, 0, 0),
    before: null,
    after: null,
    evidence: ["static"],
    related: [],
    identity: ["owners", "other file"],
  };
}

export const rule: Rule = {
  id: "ci-workflow-change",
  threat: "A13",
  description: "Workflows and update bots that gain power, and owners who are no longer asked",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) {
      if (isWorkflow(file)) yield* checkWorkflow(file, facts);
      else if (isOwners(file)) yield* checkOwners(file, facts.files);
      else if (isUpdateSettings(headPath(file))) yield* checkUpdates(file);
    }
  },
  *undecided(facts) {
    for (const file of facts.files) yield* undecided(file);
  },
};
