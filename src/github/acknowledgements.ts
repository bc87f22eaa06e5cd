/**
 * Who has acknowledged which finding, and why. It is kept in the text of our own check run on the head that it was given for.
 * Nobody but the App can write there; a push leaves it behind, and a process that starts finds it.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { GitHubApi } from "../change/github-api.ts";
import { code, prose } from "../report/markdown-escape.ts";
import type { Finding, Review } from "../report/review.ts";
import type { Account } from "./permissions.ts";
import type { OwnCheck, PullRequest } from "./published.ts";

export interface Acknowledgement {
  /** The fingerprint of the finding. */
  readonly finding: string;
  /** A digest of what the finding said; with other content it is another finding. */
  readonly content: string;
  readonly by: Account;
  /** As its author wrote it: a stranger's text. */
  readonly reason: string;
  /** The id of the comment that gave it. */
  readonly from: string;
}

/** A finding for which somebody has given an acknowledgement that counts. */
export interface Standing {
  /** At most one of each person, in the order given. */
  readonly given: readonly Acknowledgement[];
  readonly needed: number;
}

export interface Acknowledged {
  /** By fingerprint. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** What to append to the text of the check run, so that it can be read again; "" for nothing. */
  readonly state: string;
  /** How many acknowledgements the state holds. */
  readonly count: number;
}

export const NOTHING: Acknowledged = { standings: new Map(), state: "", count: 0 };

/** Whether enough people have acknowledged a finding. */
export function isAcknowledged({ standings }: Acknowledged, { fingerprint }: Finding): boolean {
  const standing = standings.get(fingerprint);
  return standing !== undefined && standing.given.length >= standing.needed;
}

/** A digest of everything in a finding that a reader decides by. */
export function contentOf({ rule, severity, title, message, path, before, after }: Finding): string {
  return createHash("sha256")
    .update(JSON.stringify([rule, severity, title, message, path, before, after]))
    .digest("hex")
    .slice(0, 32);
}

/** With more acknowledgements it is no review any more, and they would not fit beside one. */
const MOST_GIVEN = 40;
/** In bytes. With the longest reasons some twenty fit. */
const LONGEST_STATE = 30_000;

/**
 * The acknowledgements among `given` that are valid for a review. One is void if its finding says something else now, or is
 * gone; but where not everything was checked the finding may come back, and the acknowledgement is kept. Each person's first
 * one for a finding counts. Null: there are more than can be kept.
 */
export function acknowledgedIn(
  review: Review,
  pull: PullRequest,
  given: readonly Acknowledgement[],
  neededFor: (finding: Finding) => number,
): Acknowledged | null {
  const findings = new Map(review.findings.map((finding) => [finding.fingerprint, finding]));
  const kept = given.filter((each, index) => {
    const finding = findings.get(each.finding);
    const stands = finding ? each.content === contentOf(finding) : !review.complete;
    const first = given.findIndex((other) => other.finding === each.finding && other.by.id === each.by.id);
    return stands && first === index;
  });
  if (kept.length === 0) return NOTHING;
  const state = formatState(kept, pull);
  if (kept.length > MOST_GIVEN || state.length > LONGEST_STATE) return null;
  const standings = new Map<string, Standing>();
  for (const finding of review.findings) {
    const own = kept.filter((each) => each.finding === finding.fingerprint);
    if (own.length > 0) standings.set(finding.fingerprint, { given: own, needed: neededFor(finding) });
  }
  return { standings, state, count: kept.length };
}

/** The lines to show beside a finding that somebody has acknowledged. */
export function standingLines({ given, needed }: Standing): readonly string[] {
  const people = given.map(
    ({ by, reason }) => `Acknowledged by ${code(by.login, 100)}: ${prose(reason, 400)}`,
  );
  const left = needed - given.length;
  return left > 0 ? [...people, `${given.length} of ${needed} acknowledgements: it still counts.`] : people;
}

const stateSchema = z.strictObject({
  head: z.string(),
  pull: z.int(),
  given: z
    .array(
      z.strictObject({
        finding: z.string().regex(/^[0-9a-f]{64}$/),
        content: z.string().regex(/^[0-9a-f]{32}$/),
        by: z.strictObject({ id: z.int().min(1), login: z.string().max(100) }),
        reason: z.string().max(1_000),
        from: z.string().max(200),
      }),
    )
    .max(MOST_GIVEN),
});

const STATE = /\n<!-- verifod:acknowledgements:v1 ([\w-]+) -->\s*$/;
function formatState(given: readonly Acknowledgement[], { head, number }: PullRequest): string {
  const state = Buffer.from(JSON.stringify({ head, pull: number, given })).toString("base64url");
  return `\n<!-- verifod:acknowledgements:v1 ${state} -->\n`;
}

/** The acknowledgements at the end of the text of a check run of ours; none for what we cannot have written there. */
export function parseState(text: string, { head, number }: PullRequest): readonly Acknowledgement[] {
  const encoded = STATE.exec(text.slice(-LONGEST_STATE - 100))?.[1];
  if (encoded === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
  } catch {
    return [];
  }
  const state = stateSchema.safeParse(value).data;
  return state?.head === head && state.pull === number ? state.given : [];
}

const runSchema = z.object({ output: z.object({ text: z.string().nullable() }) });

/** The acknowledgements given for a head, from the newest check run that has a result. */
export async function readAcknowledgements(
  api: GitHubApi,
  pull: PullRequest,
  checks: readonly OwnCheck[],
): Promise<readonly Acknowledgement[]> {
  const newest = checks.find(({ mark }) => mark.result !== null);
  if (newest === undefined || newest.mark.acknowledged === 0) return [];
  const { owner, name } = pull.repository;
  const { data } = await api.request("GET /repos/{owner}/{repo}/check-runs/{check_run_id}", {
    owner,
    repo: name,
    check_run_id: newest.id,
  });
  return parseState(runSchema.parse(data).output.text ?? "", pull);
}
