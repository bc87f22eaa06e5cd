/** Decides what happens to commands: who may, on which head, about which finding. */
import type { GitHubApi } from "../change/github-api.ts";
import { unreachable } from "../errors.ts";
import { acknowledgementsFor, type SubsystemsOf, teamsFor } from "../owners/subsystems.ts";
import { helpAddress } from "../report/help.ts";
import { code, prose } from "../report/markdown-escape.ts";
import type { Finding, Review } from "../report/review.ts";
import { rules } from "../rules/index.ts";
import { type Acknowledged, type Acknowledgement, acknowledgedIn, contentOf } from "./acknowledgements.ts";
import { type Command, readCommands, usage } from "./commands.ts";
import type { Conversation, Reaction, Said } from "./conversation.ts";
import { type Account, mayAcknowledge, mayRecheck, type Permit } from "./permissions.ts";
import type { OwnCheck, PullRequest } from "./published.ts";

/** Something that a person said, with what it asks for. */
export interface Asked {
  readonly said: Said;
  readonly commands: readonly Command[];
}

/** What came of a command. `text`: Markdown of ours that says more; null: the check run says it. */
export interface Outcome {
  readonly said: Said;
  readonly reaction: Reaction;
  readonly text: string | null;
}

/** The pull request that is asked about, and who may ask what. */
export interface Setting {
  readonly api: GitHubApi;
  readonly pull: PullRequest;
  /** Who opened the pull request; null: an account that is gone. */
  readonly author: Account | null;
  /** The App's name, by which commands address it. */
  readonly handle: string;
  /** Whether an account (by its number) maintains a package that the change touches; null: not known. */
  readonly isMaintainer: (id: number) => Promise<boolean | null>;
}

/** At most so many are answered at once; the others are answered when something else happens. */
const MOST_ASKED = 20;

/** Commands that have no answer yet. Edited comments do not count: they may say something else than people have read. */
export function unanswered({ said }: Pick<Conversation, "said">, handle: string): readonly Asked[] {
  return said
    .filter(({ answered, edited }) => !answered && !edited)
    .flatMap((each) => {
      const commands = readCommands(each.body, handle);
      return commands.length === 0 ? [] : [{ said: each, commands }];
    })
    .slice(0, MOST_ASKED);
}

/** What is known before the head is reviewed. */
export interface Heard {
  readonly outcomes: readonly Outcome[];
  /** Whether somebody who may has asked for another review. */
  readonly again: boolean;
  /** Commands that only the findings can answer. */
  readonly open: readonly { readonly said: Said; readonly command: AboutFinding }[];
}
type AboutFinding = Extract<Command, { kind: "acknowledge" | "explain" }>;

const NOTHING_HEARD: Heard = { outcomes: [], again: false, open: [] };

/**
 * Answers what needs no findings. `checks`: the check runs that the head already had. What was written before the first of
 * them began is about another head; without any, an acknowledgement is too.
 */
export async function hear(
  setting: Setting,
  asked: readonly Asked[],
  checks: readonly OwnCheck[],
): Promise<Heard> {
  let heard = NOTHING_HEARD;
  for (const { said, commands } of asked) {
    for (const command of commands) {
      const late = isLate(said, command, setting.pull, checks);
      const one = late ? { outcomes: [tooLate(said)] } : await hearOne(setting, said, command);
      heard = join(heard, one);
    }
  }
  return heard;
}

function tooLate(said: Said): Outcome {
  const text = "A push voids what was asked before it: this is about an earlier head.";
  return { said, reaction: "THUMBS_DOWN", text };
}

function isLate(
  { head, createdAt }: Said,
  { kind }: Command,
  pull: PullRequest,
  checks: readonly OwnCheck[],
): boolean {
  if (kind !== "recheck" && kind !== "acknowledge") return false;
  if (head !== null) return head !== pull.head;
  const [begun] = checks.map(({ startedAt }) => startedAt).sort();
  // Nobody has seen findings of a head without a check run: it was pushed after what they acknowledge.
  return begun === undefined ? kind === "acknowledge" : createdAt < begun;
}

function join(a: Heard, b: Partial<Heard>): Heard {
  return {
    outcomes: [...a.outcomes, ...(b.outcomes ?? [])],
    again: a.again || b.again === true,
    open: [...a.open, ...(b.open ?? [])],
  };
}

async function hearOne(
  { api, pull, author, handle, isMaintainer }: Setting,
  said: Said,
  command: Command,
): Promise<Partial<Heard>> {
  const answer = (reaction: Reaction, text: string) => ({ outcomes: [{ said, reaction, text }] });
  const commands = usage(handle).map((line) => `- ${code(line)}`);
  switch (command.kind) {
    case "malformed":
      return answer("CONFUSED", [command.problem, "", ...commands].join("\n"));
    case "help":
      return answer("THUMBS_UP", ["Each alone on a line of a new comment:", "", ...commands].join("\n"));
    case "recheck": {
      const subject = { repository: pull.repository, author: author?.id ?? null };
      const permit = await mayRecheck(api, said.by, subject, isMaintainer);
      return permit.allowed
        ? { again: true, outcomes: [{ said, reaction: "ROCKET", text: null }] }
        : { outcomes: [refusal(said, permit)] };
    }
    case "explain": {
      const rule = rules.find(({ id }) => id === command.subject);
      if (rule === undefined) return { open: [{ said, command }] };
      return answer("THUMBS_UP", `${code(rule.id)}: ${rule.description}. [More](${helpAddress(rule.id)})`);
    }
    case "acknowledge":
      return { open: [{ said, command }] };
    default:
      return unreachable(command);
  }
}

type Refusal = Extract<Permit, { allowed: false }>;

function refusal(said: Said, { unknown, reason }: Refusal): Outcome {
  return { said, reaction: unknown ? "CONFUSED" : "THUMBS_DOWN", text: reason };
}

/** A button that somebody pressed: it acknowledges a finding. */
export interface Press {
  readonly by: Account;
  /** How the fingerprint begins. */
  readonly finding: string;
  /** The head of the check run that has the button. */
  readonly head: string;
}

export interface Decided {
  readonly outcomes: readonly Outcome[];
  readonly acknowledged: Acknowledged;
}

/** Answers what needs the head's findings, and gives the acknowledgements after that. `given`: those before. */
export async function decide(
  setting: Setting,
  { open, presses }: Pick<Heard, "open"> & { readonly presses: readonly Press[] },
  review: Review,
  given: readonly Acknowledgement[],
  find: SubsystemsOf,
): Promise<Decided> {
  const { api, pull, author } = setting;
  const stand = (all: readonly Acknowledgement[]) =>
    acknowledgedIn(review, pull, all, (finding) => acknowledgementsFor(find, finding));
  const outcomes: Outcome[] = [];
  let all = given;
  let acknowledged = stand(given);
  if (acknowledged === null) throw new Error("what was kept does not fit any more");

  /** Null: done. */
  async function acknowledge(
    finding: Finding,
    by: Account,
    reason: string,
    from: string,
  ): Promise<Refusal | null> {
    const subject = { repository: pull.repository, author: author?.id ?? null };
    const permit = await mayAcknowledge(api, by, subject, teamsFor(find, finding));
    if (!permit.allowed) return permit;
    const more = [...all, { finding: finding.fingerprint, content: contentOf(finding), by, reason, from }];
    const stands = stand(more);
    if (stands === null)
      return {
        allowed: false,
        unknown: false,
        reason: "No more acknowledgements can be kept for this head.",
      };
    all = more;
    acknowledged = stands;
    return null;
  }

  for (const { said, command } of open) {
    const found = findFinding(review, command.kind === "acknowledge" ? command.finding : command.subject);
    if (typeof found === "string") {
      outcomes.push({ said, reaction: "CONFUSED", text: found });
    } else if (command.kind === "explain") {
      outcomes.push({ said, reaction: "THUMBS_UP", text: explanation(found) });
    } else {
      const no = await acknowledge(found, said.by, command.reason, said.nodeId);
      outcomes.push(no === null ? { said, reaction: "ROCKET", text: null } : refusal(said, no));
    }
  }
  for (const { by, finding, head } of presses) {
    const found = head === pull.head ? findFinding(review, finding) : "";
    // A button can be answered only by the check run itself, where it then remains.
    if (typeof found !== "string") await acknowledge(found, by, "with the button of the check run", "button");
  }
  return { outcomes, acknowledged };
}

/** The only finding whose fingerprint begins so; else why there is no such finding. */
function findFinding({ findings, complete }: Review, start: string): Finding | string {
  const [found, ...others] = findings.filter(({ fingerprint }) => fingerprint.startsWith(start));
  if (found === undefined) {
    return complete
      ? `No finding of this head and no rule is called ${code(start, 100)}.`
      : `No finding of this head is called ${code(start, 100)}, but not everything could be checked.`;
  }
  return others.length > 0
    ? `More than one finding begins with ${code(start, 100)}: give more digits.`
    : found;
}

function explanation({ rule, severity, confidence, path, startLine, title, message, help }: Finding): string {
  return [
    `**${severity}** (${confidence} confidence) ${code(`${path}:${startLine}`)}: ${prose(title, 300)}`,
    ...message.split(/\r?\n/, 10).flatMap((line) => (line.trim() === "" ? [] : [prose(line, 600)])),
    `[${rule}](${help})`,
  ].join("\n\n");
}
