import { locationsOf } from "../origin/location.ts";
import { deceitOf } from "./_lookalike.ts";
import { baseAt, headAt, ownerName, pinName, shown } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** A location that readers take for another: a name one letter off, or a URL that means another host than it shows. */
export const rule: Rule = {
  id: "lookalike-host-or-owner",
  threat: "A27",
  description: "A new location is made to be taken for another one",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.sources) {
    if (!after) continue;
    const old = before ? locationsOf(before) : [];
    const known = new Set(old.map(({ text }) => text));
    for (const location of locationsOf(after)) {
      if (known.has(location.text)) continue;
      const deceit = deceitOf(location, old);
      if (deceit === null) continue;
      yield {
        severity: deceit.severity,
        confidence: deceit.severity === "block" ? "high" : "medium",
        title: `${pinName(after)}: ${deceit.what}`,
        message: [
          `${shown(location.text)}: ${deceit.what}.`,
          "A reader takes it for a place that they know, and somebody else decides what it serves.",
          "A statement of the project that this is its place clears it;",
          `to compare: ${old[0] ? shown(old[0].text) : "the project's own page"}`,
        ].join(" "),
        at: headAt(after.urlSpan ?? after.span),
        before: old[0] ? shown(old[0].text) : null,
        after: shown(location.text),
        evidence: ["static"],
        related: before ? [{ at: baseAt(before.urlSpan ?? before.span), note: "the location before" }] : [],
        identity: [after.pname ?? after.binding, location.host, ownerName(location)],
      };
      break;
    }
  }
}
