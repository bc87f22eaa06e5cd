import { locationsOf, parseLocation } from "../origin/location.ts";
import { checkCommand, headAt, packageString, pinName, shown } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** A new package whose homepage is one repository and whose source is another of the same name: a fork, or a squatter. */
export const rule: Rule = {
  id: "wrong-upstream",
  threat: "A48",
  description: "A new package's homepage and source name two owners of one project",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.sources) {
    if (before || !after || after.role !== "source") continue;
    const source = locationsOf(after)[0]?.owner?.repository;
    if (!source) continue;
    for (const attribute of ["homepage", "changelog", "downloadPage"]) {
      const page = packageString(facts, "head", after, attribute);
      const named = page && parseLocation({ value: page.value, resolved: true })?.owner?.repository;
      if (!page || !named || named.owner.toLowerCase() === source.owner.toLowerCase()) continue;
      // Another project of the same people, or a part that is fetched beside the source.
      if (named.name.toLowerCase() !== source.name.toLowerCase()) continue;
      // A mirror on another forge may well have another owner's name.
      const sameForge = named.forge === source.forge;
      yield {
        severity: "medium",
        confidence: sameForge ? "medium" : "low",
        title: `${pinName(after)}: the ${attribute} names ${named.owner}, the source comes from ${source.owner}`,
        message: [
          `meta.${attribute} is ${shown(page.value)}, but the source is ${source.forge}/${source.owner}/${source.name}.`,
          "Users will take the package for the project that its page shows, and get another's code.",
          "The page of the packaged repository, or a note why its fork is packaged, clears it;",
          `to look at the source: ${checkCommand(after)}`,
        ].join(" "),
        at: headAt(after.urlSpan ?? after.span),
        before: null,
        after: shown(after.urls[0]?.value ?? ""),
        evidence: ["static"],
        related: [{ at: page.at, note: `the ${attribute}` }],
        identity: [
          after.pname ?? after.binding,
          `${named.forge}/${named.owner}`,
          `${source.forge}/${source.owner}`,
        ],
      };
      break;
    }
  }
}
