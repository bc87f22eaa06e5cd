import { type Location, locationsOf } from "../origin/location.ts";
import type { Severity } from "../report/review.ts";
import { pairsOf } from "./_events.ts";
import { baseAt, checkCommand, headAt, pinName, shown } from "./_pins.ts";
import { isAssetInsteadOfGit, isPrebuiltSwitch } from "./_prebuilt.ts";
import { folded } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The source was what the forge packs from a tag, and is now a file that a person uploaded. What is in the repository
 * and what is built are then two things: the xz backdoor was only in the uploaded archive (CVE-2024-3094).
 */
export const rule: Rule = {
  id: "release-asset-instead-of-git",
  threat: "A08",
  description: "An uploaded archive replaces what the forge packs from a tag",
  severity: "high",
  check,
};

/** A registry at least shows who uploaded what and when, and keeps it. */
function severityOf(before: Location, after: Location): Severity {
  if (after.kind !== "registry") return "high";
  // Most releases of a language are made under the repository's own name in its registry.
  const project = folded(after.owner?.id.split(/[/ ]/).at(-1) ?? "");
  return project !== "" && project === folded(before.owner?.repository?.name ?? "") ? "low" : "medium";
}

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const pair of pairsOf(facts)) {
    const [before] = locationsOf(pair.before);
    const [after] = locationsOf(pair.after);
    // What is already built is `prebuilt-binary-switch`.
    if (!before || !after || !isAssetInsteadOfGit(pair) || isPrebuiltSwitch(facts, pair)) continue;
    yield {
      severity: severityOf(before, after),
      confidence: "high",
      title: `${pinName(pair.after)}: an uploaded archive in place of the repository`,
      message: [
        `It was ${shown(before.text)}, which the forge packs from the repository; now it is ${shown(after.text)}, which a person uploaded.`,
        "The archive can hold files that the repository does not have, as the backdoor of xz 5.6 (CVE-2024-3094), and reviewers of the repository do not see them.",
        "A reason why the tag's archive cannot be used, or a comparison of the two, clears it;",
        `to fetch it: ${checkCommand(pair.after)}`,
      ].join(" "),
      at: headAt(pair.after.urlSpan ?? pair.after.span),
      before: shown(before.text),
      after: shown(after.text),
      evidence: ["static"],
      related: [
        { at: baseAt(pair.before.urlSpan ?? pair.before.span), note: "fetched from the repository before" },
      ],
      identity: [pair.after.pname ?? pair.after.binding, shown(before.text), shown(after.text)],
    };
  }
}
