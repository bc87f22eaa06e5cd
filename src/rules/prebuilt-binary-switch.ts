import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import { type Pair, pairsOf } from "./_events.ts";
import { headAt, packageString, pinName, shown, textAt } from "./_pins.ts";
import { isPrebuiltSwitch } from "./_prebuilt.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** A package that was built from source now unpacks a program that somebody else built: its source can be read no more. */
export const rule: Rule = {
  id: "prebuilt-binary-switch",
  threat: "A06",
  description: "A package that was built from source now uses a prebuilt program",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  // One source that became several, one for each platform, is one finding.
  const told = new Set<Source>();
  for (const pair of pairsOf(facts)) {
    const [before] = locationsOf(pair.before);
    const [after] = locationsOf(pair.after);
    if (!before || !after || told.has(pair.before) || !isPrebuiltSwitch(facts, pair)) continue;
    told.add(pair.before);
    yield finding(facts, pair, shown(before.text), shown(after.text));
  }
}

function finding(facts: Facts, pair: Pair, before: string, after: string): RuleFinding {
  const source = pair.after;
  const declared = /\bsourceProvenance\b/.test(
    (source.packageSpan && textAt(facts, headAt(source.packageSpan))) ?? "",
  );
  const named = /-bin$/.test(source.pname ?? packageString(facts, "head", source, "pname")?.value ?? "");
  return {
    severity: named ? "low" : declared ? "medium" : "high",
    confidence: "high",
    title: `${pinName(source)}: a prebuilt program in place of source`,
    message: [
      `It was ${before}, now it is ${after}, whose name or recipe says that it is already built.`,
      "Nobody can review what such a file does, and whoever can replace it upstream decides what users run.",
      declared
        ? "The package declares its provenance."
        : "meta.sourceProvenance does not say so, though nixpkgs asks for it.",
      "Building from source clears it; to see what the file holds: verifod verify",
    ].join(" "),
    at: headAt(source.urlSpan ?? source.span),
    before,
    after,
    evidence: ["static"],
    related: [{ at: headAt(source.hashSpan), note: "the hash of the prebuilt file" }],
    identity: [source.pname ?? source.binding, before, after],
  };
}
