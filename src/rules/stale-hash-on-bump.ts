import type { Source } from "../nix/model.ts";
import { revisionOf } from "../origin/revision.ts";
import { told } from "../provenance/answers.ts";
import type { Severity } from "../report/review.ts";
import { eventOf, pairsOf, placeChange } from "./_events.ts";
import { baseAt, checkCommand, headAt, pinName, placeName } from "./_pins.ts";
import { agreeingRegistry } from "./_registry.ts";
import { onlyLostCommit } from "./_version.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * A version, tag or revision moved and the hash stayed. Nix finds a source by its name and hash, never by its URL, so
 * whoever has the old source builds the new version from it.
 */
export const rule: Rule = {
  id: "stale-hash-on-bump",
  threat: "A02",
  description: "The version or revision of a source moved, its hash did not",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const pair of pairsOf(facts)) {
    const { before, after } = pair;
    if (after.role === "dependencies" || eventOf(pair) !== "stale") continue;
    const versionMoved = before.version !== after.version;
    const was = versionMoved ? before.version : placeName(before);
    const is = versionMoved ? after.version : placeName(after);
    const decided = placeChange(before, after) !== "unknown";
    const commit = sameCommit(facts, before, after);
    const registry = agreeingRegistry(facts, after);
    const isCleared = commit !== null || registry !== null;
    yield {
      severity: isCleared ? "low" : severityOf(before, after, decided),
      confidence: decided ? "high" : "low",
      title: `${pinName(after)}: the ${versionMoved ? "version" : "revision"} moved, the hash did not`,
      message: [
        `${versionMoved ? "The version" : "The place"} went from ${was} to ${is}, but the hash is still ${after.hash}.`,
        decided
          ? `${placeName(after)} is a new place, so other bytes are expected there.`
          : "The text does not say whether the location depends on the version.",
        ...(commit === null
          ? []
          : [
              `The forge says that both names are the commit ${commit.slice(0, 12)}: the bytes are the same.`,
            ]),
        ...(registry === null ? [] : [`${registry} gives this hash for the file of the new version.`]),
        "Nix looks a source up by name and hash, not by location: where the old source is in a store or cache, the new version is built from the old code.",
        `The hash of the new source clears this. To see it: ${checkCommand(after)}`,
      ].join(" "),
      at: headAt(after.hashSpan),
      before: was,
      after: is,
      evidence: isCleared ? ["static", "forge"] : ["static"],
      related: [
        ...(versionMoved && after.versionSpan
          ? [{ at: headAt(after.versionSpan), note: `the version moved from ${was} to ${is}` }]
          : []),
        { at: baseAt(before.hashSpan), note: "the same hash in the base" },
      ],
      identity: [after.pname ?? after.binding, String(was), String(is), String(after.hash)],
    };
  }
}

function severityOf(before: Source, after: Source, decided: boolean): Severity {
  // A patch may well apply unchanged to the next version.
  if (after.role === "patch" || after.urls.length === 0) return "low";
  if (onlyLostCommit(before, after)) return "low";
  return decided ? "high" : "medium";
}

/** The commit that both sides' revisions name in one repository, by the word of the forge; else null. */
function sameCommit({ upstream }: Facts, before: Source, after: Source): string | null {
  const [old, now] = [before, after].map((source) => {
    const pin = upstream?.pins.get(source);
    const repository = told(pin?.repository ?? null);
    const revision = revisionOf(source);
    const commit = told(pin?.ref ?? null)?.tag?.commit ?? (told(pin?.commit ?? null) ? revision : null);
    return repository?.kind === "there" && commit ? { repository: repository.fullName, commit } : null;
  });
  return old && now && old.repository === now.repository && old.commit === now.commit ? now.commit : null;
}
