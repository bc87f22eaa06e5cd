/** Telling teams of findings that concern them: once per pull request, finding and team, and not too many. */

import * as z from "zod";
import type { Concern } from "../owners/subsystems.ts";
import { code, prose } from "../report/markdown-escape.ts";
import { encodeState, parseState } from "./comment-state.ts";

const KIND = "alert";
const toldSchema = z.array(z.tuple([z.string(), z.string()])).max(1_000);

/** Who has been told of what in a pull request, by our own comments. */
export interface Told {
  /** Pairs of the start of a fingerprint and who was told, in lower case. */
  readonly pairs: ReadonlySet<string>;
  /** How many mentions that took. */
  readonly mentions: number;
}

function pairOf(fingerprint: string, whom: string): string {
  return `${shortened(fingerprint)} ${whom.toLowerCase()}`;
}

function shortened(fingerprint: string): string {
  return fingerprint.slice(0, 16);
}

/** What one comment can remember. */
const MOST_CONCERNS = 300;

/** What our comments have told whom. */
export function toldBy(bodies: readonly string[]): Told {
  const all = bodies.map((body) => parseState(KIND, toldSchema, body) ?? []);
  return {
    pairs: new Set(all.flat().map(([fingerprint, whom]) => pairOf(fingerprint, whom))),
    mentions: all.reduce((sum, pairs) => sum + new Set(pairs.map(([, whom]) => whom.toLowerCase())).size, 0),
  };
}

export interface AlertPlan {
  /** What to say now, and to whom; empty: everybody knows. */
  readonly say: readonly Concern[];
  /** Concerns of those for whom no mention is left. */
  readonly unsaid: readonly Concern[];
}

/** What is left to say. `limit`: the most mentions in one pull request, including those already made. */
export function planAlerts(concerns: readonly Concern[], told: Told, limit: number): AlertPlan {
  const fresh = concerns.filter(({ finding, whom }) => !told.pairs.has(pairOf(finding.fingerprint, whom)));
  const everybody = [...new Set(fresh.map(({ whom }) => whom.toLowerCase()))];
  const chosen = new Set(everybody.slice(0, Math.max(0, limit - told.mentions)));
  const say = fresh.filter(({ whom }) => chosen.has(whom.toLowerCase())).slice(0, MOST_CONCERNS);
  return { say, unsaid: fresh.filter((concern) => !say.includes(concern)) };
}

/** At most so many findings are listed in a comment; the check run has the rest. */
const MOST_LINES = 20;

/** The comment. The names in it come from the base, and nothing else in it mentions or links anybody. */
export function alertBody(say: readonly Concern[]): string {
  const pairs = say.map(({ finding, whom }) => [shortened(finding.fingerprint), whom] as const);
  const whom = [...new Map(say.map((each) => [each.whom.toLowerCase(), each.whom])).values()];
  const findings = [...new Map(say.map(({ finding }) => [finding.fingerprint, finding])).values()];
  const subsystems = [...new Set(say.map(({ subsystem }) => subsystem))];
  const lines = findings
    .slice(0, MOST_LINES)
    .map(
      ({ severity, path, startLine, title, fingerprint }) =>
        `- **${severity}** ${code(`${path}:${startLine}`)}: ${prose(title, 200)} (${code(fingerprint.slice(0, 12))})`,
    );
  return [
    encodeState(KIND, pairs),
    `${whom.join(" ")}: a finding in ${subsystems.map((name) => code(name, 100)).join(", ")}.`,
    "",
    ...lines,
    ...(findings.length > MOST_LINES ? [`- ${findings.length - MOST_LINES} more`] : []),
    "",
    "The check run `verifod` says more. Nobody is told of the same finding twice here.",
    "",
  ].join("\n");
}

/** What the check run says of those whom findings concern. */
export function concernLines(concerns: readonly Concern[], unsaid: readonly Concern[]): readonly string[] {
  const list = (some: readonly Concern[]) =>
    [...new Map(some.map((each) => [`${each.whom} ${each.subsystem}`, each])).values()]
      .slice(0, 30)
      .map(({ whom, subsystem }) => `${code(whom, 100)} (${code(subsystem, 100)})`)
      .join(", ");
  return [
    ...(concerns.length > 0 ? [`This concerns ${list(concerns)}.`] : []),
    ...(unsaid.length > 0
      ? [`Not mentioned, since this pull request has no mention left: ${list(unsaid)}.`]
      : []),
  ];
}
