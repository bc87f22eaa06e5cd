import { eventOf, pairsOf } from "./_events.ts";
import { headAt, pinName, placeName } from "./_pins.ts";
import { oddTwins } from "./_platforms.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * One platform's source comes from elsewhere than the others'. Reviewers and build farms look at x86_64-linux, so what
 * the other branch holds is seen last.
 */
export const rule: Rule = {
  id: "platform-split-source",
  threat: "A22",
  description: "One platform's source comes from another place than the others'",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  const kept = new Set(pairsOf(facts).flatMap((pair) => (eventOf(pair) === "place-alone" ? pair.after : [])));
  for (const { source, server, others, twins, isNew, ofPlatforms } of oddTwins(facts)) {
    // Another location under the old hash is `url-changed-hash-kept`, for one platform as for all.
    if (kept.has(source)) continue;
    yield {
      severity: isNew || !ofPlatforms ? "medium" : "high",
      confidence: "medium",
      title: ofPlatforms
        ? `${pinName(source)}: this platform alone gets its source from ${server}`
        : `${pinName(source)}: under some condition the source comes from ${server}`,
      message: [
        ofPlatforms
          ? `${placeName(source)} is served by ${server}, the sources of the other platforms by ${others}.`
          : `${placeName(source)} is served by ${server}, the package's other source by ${others}.`,
        "Reviewers and build farms mostly look at x86_64-linux and at defaults; a source that is used in no other case is read and built by few.",
        "One place for all, or a statement of the project, clears it; to fetch all of them: verifod verify",
      ].join(" "),
      at: headAt(source.urlSpan ?? source.span),
      before: others,
      after: server,
      evidence: ["static"],
      related: twins
        .slice(0, 3)
        .map((twin) => ({ at: headAt(twin.urlSpan ?? twin.span), note: `served by ${others}` })),
      identity: [source.pname ?? source.binding, source.binding, server, others],
    };
  }
}
