/**
 * What verdicts mean for findings. A verdict is about a declared hash: it confirms, lowers or raises a finding about a pin with
 * that hash, and the finding says so. Pure functions of public facts.
 */
import { createHash } from "node:crypto";
import { unreachable } from "../errors.ts";
import { helpAddress, VERDICT_RULE } from "../report/help.ts";
import type { Evidence, Finding, PinChange, Severity } from "../report/review.ts";
import type { FodVerdict } from "./verdict.ts";

/** What a proven match does to a rule's finding. */
const ON_MATCH: Readonly<Record<string, { readonly severity: Severity | null; readonly says: string }>> = {
  "stale-hash-on-bump": {
    severity: "low",
    says: "Fetched again, the new location yields the declared bytes: the two versions have the same source.",
  },
  "url-changed-hash-kept": {
    severity: "low",
    says: "Fetched again, the new location yields the declared bytes.",
  },
  "dep-hash-stale": {
    severity: "low",
    says: "Made again from the new source, the dependencies have the declared hash.",
  },
  "dep-hash-changed-alone": {
    severity: "medium",
    says: "Made again, the dependencies have the declared hash; why it changed is still to be explained.",
  },
  // The location yields other bytes than it did: that is what the finding is about.
  "hash-changed-alone": {
    severity: null,
    says: "Fetched again, the location yields the new bytes today; why it does so is still to be explained.",
  },
};

/**
 * The findings with the evidence of the verdicts: findings about hashes and locations changed accordingly, and new ones for what
 * only a verdict shows. `fod-refetch-mismatch` is the rule for content that is not as declared.
 */
export function applyVerdicts(
  findings: readonly Finding[],
  sources: readonly PinChange[],
  verdicts: readonly FodVerdict[],
): readonly Finding[] {
  const judged = findings.map((finding) => {
    if (!Object.hasOwn(ON_MATCH, finding.rule)) return finding;
    const about = verdictFor(finding, sources, verdicts);
    return about ? judgedFinding(finding, about) : finding;
  });
  const told = new Set(
    judged
      .filter(({ rule, evidence }) => Object.hasOwn(ON_MATCH, rule) && evidence.includes("evaluated"))
      .map((finding) => verdictFor(finding, sources, verdicts)),
  );
  const found = verdicts.flatMap((verdict) => [
    ...(mismatchFinding(verdict) ?? []),
    ...(told.has(verdict) ? [] : (keptHashFinding(verdict) ?? [])),
  ]);
  return [...judged, ...found];
}

function judgedFinding(finding: Finding, verdict: FodVerdict): Finding {
  const onMatch = ON_MATCH[finding.rule];
  const evidence = (kinds: readonly Evidence[]) => [...new Set([...finding.evidence, ...kinds])];
  switch (verdict.outcome) {
    case "match":
      return {
        ...finding,
        severity: onMatch?.severity ?? finding.severity,
        message: `${finding.message}\n${onMatch?.says ?? ""}`,
        evidence: evidence(["evaluated", "refetched"]),
      };
    case "mismatch":
    case "unstable":
      return {
        ...finding,
        severity: verdict.introduced ? "block" : finding.severity,
        confidence: "high",
        message: `${finding.message}\nFetched again: ${verdict.reason}.`,
        evidence: evidence(["evaluated", "refetched"]),
      };
    case "unavailable":
    case "unsupported":
    case "not-checked":
      return {
        ...finding,
        message: `${finding.message}\nNot proven by a fetch: ${verdict.reason}.`,
        evidence: evidence(["evaluated"]),
      };
    default:
      return unreachable(verdict.outcome);
  }
}

/** The verdict about the pin that a finding is about; undefined when it cannot be told. */
function verdictFor(
  finding: Finding,
  sources: readonly PinChange[],
  verdicts: readonly FodVerdict[],
): FodVerdict | undefined {
  const pins = sources.flatMap(({ after }) =>
    after?.path === finding.path && after.hash !== null ? [after] : [],
  );
  const named = pins.filter(
    ({ hash, urls, line }) =>
      [finding.after, finding.before].some(
        (text) => text !== null && (text === hash || urls.includes(text)),
      ) ||
      (line >= finding.startLine && line <= finding.endLine),
  );
  const hashes = new Set((named.length > 0 ? named : pins.length === 1 ? pins : []).map(({ hash }) => hash));
  const about = verdicts.filter(
    ({ declared, place }) =>
      hashes.has(declared) ||
      (hashes.size === 0 &&
        place?.path === finding.path &&
        place.line >= finding.startLine &&
        place.line <= finding.endLine),
  );
  return (
    about.find(({ outcome }) => outcome === "mismatch" || outcome === "unstable") ??
    about.find(({ outcome }) => outcome !== "match") ??
    about[0]
  );
}

function mismatchFinding(verdict: FodVerdict): readonly Finding[] | null {
  if (verdict.outcome !== "mismatch" && verdict.outcome !== "unstable") return null;
  const { name, introduced, outcome, got, declared, reason, authenticated } = verdict;
  const severity: Severity = !introduced ? "low" : outcome === "mismatch" ? "block" : "high";
  const warning =
    authenticated === "yes"
      ? ""
      : "\nThe server did not prove who it is, so what was got is not to be pasted as the right hash.";
  const before = introduced ? "" : "\nThe base has the same fault: this change did not bring it.";
  return [
    findingOf(verdict, VERDICT_RULE, severity, {
      title:
        outcome === "mismatch"
          ? `${name} does not have the declared hash when it is fetched again`
          : `${name} is different each time it is fetched`,
      message: `With every cache out of the way, ${reason}.\nWhat builds from this source is not what the declared place holds. It is cleared by a location and a hash that agree.${warning}${before}`,
      before: declared,
      after: got,
      evidence: ["evaluated", "refetched"],
    }),
  ];
}

/** The finding for the cache attack, known by evaluation alone: no fetch showed that the new location has the old bytes. */
function keptHashFinding(verdict: FodVerdict): readonly Finding[] | null {
  const { change, outcome, name, declared, reason } = verdict;
  if (outcome === "match" || outcome === "mismatch" || outcome === "unstable") return null;
  if (change !== "fetch-spec-changed-hash-kept" && change !== "renamed-hash-kept") return null;
  const moved = change === "fetch-spec-changed-hash-kept";
  return [
    findingOf(verdict, moved ? "url-changed-hash-kept" : "stale-hash-on-bump", "high", {
      title: moved
        ? `${name} is fetched from elsewhere under the old hash`
        : `${name} is new while its hash is old`,
      message: `Evaluation shows that where or how it is fetched changed while its hash did not: stores and caches answer with the old content, and nothing is fetched. It is cleared by a fetch that yields the declared hash.\nNot proven by a fetch: ${reason}.`,
      before: declared,
      after: declared,
      evidence: ["evaluated"],
    }),
  ];
}

function findingOf(
  { place, neededBy, name, drvPath }: FodVerdict,
  rule: string,
  severity: Severity,
  more: Pick<Finding, "title" | "message" | "before" | "after" | "evidence">,
): Finding {
  const path = place?.path ?? "default.nix";
  return {
    rule,
    severity,
    confidence: "high",
    path,
    side: "head",
    startLine: place?.line ?? 1,
    endLine: place?.line ?? 1,
    startColumn: place?.startColumn ?? 1,
    endColumn: place?.endColumn ?? 1,
    attrs: neededBy,
    related: [],
    fingerprint: createHash("sha256")
      .update(JSON.stringify([rule, path, name, more.before, place === null ? drvPath : ""]))
      .digest("hex"),
    help: helpAddress(rule),
    ...more,
  };
}

/**
 * The pins with what evaluation knows of them: its locations replace those that the text could not tell. Where text and
 * evaluation disagree, the second list names both, since one of the two is then not what it seems.
 */
export function applyEvaluation(
  sources: readonly PinChange[],
  verdicts: readonly FodVerdict[],
): {
  readonly sources: readonly PinChange[];
  readonly disagreements: readonly { readonly what: string; readonly reason: string }[];
} {
  const byHash = new Map(
    verdicts.filter(({ locations }) => locations.length > 0).map((verdict) => [verdict.declared, verdict]),
  );
  const disagreements: { what: string; reason: string }[] = [];
  const known = sources.map((source): PinChange => {
    if (source.change === "removed") return source;
    const verdict = source.after.hash === null ? undefined : byHash.get(source.after.hash);
    if (!verdict) return source;
    const { after } = source;
    const same = after.urls.some((url) => verdict.locations.includes(url));
    if (after.resolved && !same && after.urls.length > 0) {
      disagreements.push({
        what: `${after.path}:${after.line}`,
        reason: `its text says ${after.urls[0]}, its evaluation ${verdict.locations[0]}`,
      });
    }
    if (after.resolved && same) return source;
    const evaluated = { ...after, urls: verdict.locations, resolved: true };
    return source.change === "added" ? { ...source, after: evaluated } : { ...source, after: evaluated };
  });
  return { sources: known, disagreements };
}
