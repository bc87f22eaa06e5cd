import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import { isMoving } from "../origin/refs.ts";
import { eventOf, isResolved, type Pair, pairsOf } from "./_events.ts";
import { baseAt, checkCommand, headAt, pinName, placeName } from "./_pins.ts";
import { agreeingRegistry } from "./_registry.ts";
import { lockFormatOf } from "./lockfiles/formats.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The same place, another hash: upstream replaced what it had published, the old hash was wrong, or the new one names
 * bytes that somebody put into a cache. The text cannot tell these apart, a refetch can.
 */
export const rule: Rule = {
  id: "hash-changed-alone",
  threat: "A03",
  description: "The hash of a source changed, its location and version did not",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const [pair, ...others] of transitions(facts)) {
    const { before, after } = pair;
    const judgement = judge(pair);
    const registry = agreeingRegistry(facts, after);
    yield {
      severity: registry === null ? judgement.severity : "low",
      confidence: judgement.confidence,
      title: `${pinName(after)}: the hash changed alone`,
      message: [
        `The hash went from ${before.hash} to ${after.hash}; the location is still ${placeName(after)}.`,
        judgement.why,
        ...(registry === null
          ? []
          : [
              `${registry} gives the new hash for this file, and never replaces one: the old hash was wrong.`,
            ]),
        "An upstream statement that the file was replaced, or a refetch that yields the new hash, explains it;",
        `to check: ${checkCommand(after)}`,
      ].join(" "),
      at: headAt(after.hashSpan),
      before: before.hash,
      after: after.hash,
      evidence: registry === null ? ["static"] : ["static", "forge"],
      related: [
        { at: baseAt(before.hashSpan), note: "the hash before" },
        ...(after.versionSpan ? [{ at: headAt(after.versionSpan), note: versionNote(before, after) }] : []),
        ...others
          .slice(0, 5)
          .map((other) => ({ at: headAt(other.after.hashSpan), note: "the same change here" })),
      ],
      identity: [after.pname ?? after.binding, placeName(after), String(before.hash), String(after.hash)],
    };
  }
}

/** Hashes that changed alone. The same change in several places, as of one source of many packages, is one group. */
function transitions(facts: Facts): Iterable<[Pair, ...Pair[]]> {
  const groups = new Map<string, [Pair, ...Pair[]]>();
  for (const pair of pairsOf(facts)) {
    const { before, after } = pair;
    if (after.role === "dependencies" || !/^(hash-alone|relabelled)$/.test(eventOf(pair))) continue;
    // lockfile-poisoning compares these entry by entry.
    if (lockFormatOf(after.path)) continue;
    const key = [before.hash, after.hash, placeName(after)].join(" ");
    const group = groups.get(key);
    if (group) group.push(pair);
    else groups.set(key, [pair]);
  }
  return groups.values();
}

function versionNote(before: Source, after: Source): string {
  return before.version === after.version
    ? "the version did not move"
    : "the version moved, but the location does not depend on it";
}

/** A digest of the length of its algorithm, in SRI. */
function isHash(text: string): boolean {
  return /^(md5-.{24}|sha1-.{28}|sha256-.{44}|sha512-.{88})$/.test(text);
}

type Judgement = Pick<RuleFinding, "severity" | "confidence"> & { readonly why: string };

function judge(pair: Pair): Judgement {
  const { before, after } = pair;
  if (!isHash(before.hash ?? "")) {
    return {
      severity: "low",
      confidence: "high",
      why: "What stood there before was no hash, so nothing was pinned.",
    };
  }
  const [was, is] = [before.hash?.split("-")[0], after.hash?.split("-")[0]];
  if (was !== is) {
    return {
      severity: was === "sha1" || was === "md5" ? "low" : "medium",
      confidence: "low",
      why: "The algorithm changed with it, so the text cannot say whether both hashes name the same bytes.",
    };
  }
  const locations = locationsOf(after);
  if (!isResolved(after)) {
    return {
      severity: isResolved(before) ? "medium" : "low",
      confidence: "low",
      why: "The text does not say the whole location, so it may have changed where this change cannot be seen.",
    };
  }
  if (after.fetcher === null || (locations.length === 0 && after.rev === null)) {
    return {
      // If the text has no version either, nothing says that it is still the same thing.
      severity: after.version === null && locations.length === 0 ? "low" : "medium",
      confidence: "medium",
      why: "The text does not say which location it belongs to; nothing beside it changed.",
    };
  }
  if (locations.some(({ ref }) => ref !== null && isMoving(ref)) || isMoving(after.rev?.value ?? "")) {
    return {
      severity: before.version === after.version ? "medium" : "low",
      confidence: "medium",
      why: "The location names something that moves, so other bytes are no surprise, and nobody can check them later.",
    };
  }
  if (eventOf(pair) === "relabelled") {
    return {
      severity: "low",
      confidence: "medium",
      why: "The version moved, but the location does not name it, so nobody can fetch this version again once the next is out.",
    };
  }
  return {
    severity: "high",
    confidence: "high",
    why: "A published version that yields other bytes was replaced upstream, was pinned wrongly before, or is not what the new hash names.",
  };
}
