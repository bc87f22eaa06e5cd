/** The report of an unprivileged run, which whoever wrote the pull request may have made up. */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { helpAddress, VERDICT_RULE } from "../report/help.ts";
import type { Finding, PinChange, Review, Verdict } from "../report/review.ts";
import { reviewSchema } from "../report/schema.ts";

const LARGEST_REPORT = 10_000_000;
/** An honest run fetches at most 200. */
const MOST_VERDICTS = 2_000;

export type ReportedVerdicts =
  | { readonly kind: "verdicts"; readonly verdicts: readonly Verdict[] }
  | { readonly kind: "none"; readonly reason: string };

/** The verdicts of a report about `head`; everything else in it is left aside. */
export async function readReport(path: string, head: string): Promise<ReportedVerdicts> {
  let text: string;
  try {
    text = await readBounded(path);
  } catch (error) {
    return { kind: "none", reason: `the report of the verification cannot be read: ${messageOf(error)}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "none", reason: "the report of the verification is not JSON" };
  }
  const parsed = reviewSchema.safeParse(value);
  if (!parsed.success) return { kind: "none", reason: "the report of the verification is not a review" };
  if (parsed.data.head !== head)
    return { kind: "none", reason: "the report of the verification is of another head" };
  if (parsed.data.verdicts.length > MOST_VERDICTS) {
    return { kind: "none", reason: `the report of the verification has more than ${MOST_VERDICTS} verdicts` };
  }
  return { kind: "verdicts", verdicts: parsed.data.verdicts };
}

async function readBounded(path: string): Promise<string> {
  // Not through a link, which could name any file of the machine.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw new Error("it is not a file");
      return stat;
    });
    if (size > LARGEST_REPORT) throw new Error(`it is larger than ${LARGEST_REPORT / 1e6} MB`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * A static review with reported verdicts. They may come from the author of the pull request: they add findings, and
 * what has none is unchecked; they never take anything away.
 */
export function withReport(review: Review, report: ReportedVerdicts): Review {
  if (report.kind === "none") return incomplete(review, [{ what: "verification", reason: report.reason }]);
  const { verdicts } = report;
  const pins = review.sources.filter((source) => source.after?.hash);
  const unproven = pins.flatMap(({ path, after }) => {
    const about = verdicts.filter(({ declared }) => declared === after?.hash);
    const proven = about.some(
      ({ outcome }) => outcome === "match" || outcome === "mismatch" || outcome === "unstable",
    );
    if (proven) return [];
    const reason = about[0]?.reason || "no verdict about this source pin was reported";
    return [{ what: `${path}:${after?.line ?? 1}`, reason }];
  });
  const found = verdicts
    .filter(({ outcome, introduced }) => introduced && (outcome === "mismatch" || outcome === "unstable"))
    .map((verdict) => mismatch(verdict, pins));
  return incomplete({ ...review, verdicts, findings: [...review.findings, ...found] }, unproven);
}

function incomplete(review: Review, unchecked: Review["unchecked"]): Review {
  return {
    ...review,
    complete: review.complete && unchecked.length === 0,
    unchecked: [...review.unchecked, ...unchecked],
  };
}

/** The finding of a verdict, at the pin that it is about; of none that changed, at the top of the packages. */
function mismatch(
  { name, declared, got, reason, outcome, attrs }: Verdict,
  pins: readonly PinChange[],
): Finding {
  const pin = pins.find(({ after }) => after?.hash === declared)?.after;
  const path = pin?.path ?? "default.nix";
  const line = pin?.line ?? 1;
  return {
    rule: VERDICT_RULE,
    severity: outcome === "mismatch" ? "block" : "high",
    confidence: "high",
    title:
      outcome === "mismatch"
        ? `${name} does not have the declared hash when it is fetched again`
        : `${name} is different each time it is fetched`,
    message: `${reason}\nIt is cleared by a location and a hash that agree. What was got is not to be pasted as the right hash.`,
    path,
    side: "head",
    startLine: line,
    endLine: line,
    startColumn: 1,
    endColumn: 1,
    attrs,
    before: declared,
    after: got,
    evidence: ["refetched"],
    related: [],
    fingerprint: createHash("sha256")
      .update(JSON.stringify([VERDICT_RULE, path, name, declared]))
      .digest("hex"),
    help: helpAddress(VERDICT_RULE),
  };
}
