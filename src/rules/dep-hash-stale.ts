import { eventOf, pairsOf } from "./_events.ts";
import { sourcesOf } from "./_package.ts";
import { headAt, pinName } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The source moved to another version, the hash of its vendored dependencies stayed. Often right, when the lock file did
 * not change; where the builder does not compare it, the new version is built with the old dependencies.
 */
export const rule: Rule = {
  id: "dep-hash-stale",
  threat: "A14",
  description: "The source moved to another version, the hash of its dependencies did not",
  severity: "low",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const pair of pairsOf(facts)) {
    const { before, after } = pair;
    if (after.role !== "dependencies" || eventOf(pair) !== "stale") continue;
    // Where the source's hash stayed as well, that is what is wrong.
    const source = sourcesOf(facts, pair).find((other) => other.before.hash !== other.after.hash);
    if (!source) continue;
    yield {
      severity: "low",
      confidence: "medium",
      title: `${pinName(after)}: the version moved, the hash of the dependencies did not`,
      message: [
        `The version went from ${before.version} to ${after.version} with another source, but ${after.hashAttribute} is still ${after.hash}.`,
        "That is right when the lock file did not change between the two; if it did, the new version is built with the old dependencies.",
        "The same lock file in both sources clears it; to check: verifod verify",
      ].join(" "),
      at: headAt(after.hashSpan),
      before: before.version,
      after: after.version,
      evidence: ["static"],
      related: [{ at: headAt(source.after.hashSpan), note: "the source's hash, which moved" }],
      identity: [
        after.pname ?? after.binding,
        after.hashAttribute,
        String(before.version),
        String(after.version),
      ],
    };
  }
}
