import type { SettingChange } from "../pair/settings.ts";
import type { Confidence, Severity } from "../report/review.ts";
import {
  isGonePackage,
  isTestPath,
  itemsOf,
  lastName,
  listDifference,
  settingFinding,
  settingName,
  shownValue,
  versionChange,
} from "./_settings.ts";
import type { Facts, Rule } from "./rule.ts";

export const rule: Rule = {
  id: "insecure-mark-removed",
  threat: "A18",
  description: "The warning that a package has known vulnerabilities goes away",
  severity: "high",
  *check(facts) {
    for (const change of facts.settings) {
      const { before, after } = change;
      const setting = after ?? before;
      const name = lastName(setting);
      if (/^permittedInsecurePackages$|^allowInsecurePredicate$/.test(name) && after !== null) {
        const added = letIn(change);
        if (added.length === 0 || isTestPath(after.path)) continue;
        yield settingFinding(change, {
          severity: "high",
          confidence: "high",
          title: `Insecure packages are let in: ${added.slice(0, 3).join(", ")}`,
          message: `${settingName(after)} newly lets ${added.slice(0, 5).join(", ")} in. Everybody who takes this over gets packages with known vulnerabilities, and no warning. Leaving the choice to each user would clear this. See what is known: nix eval -f . ATTRIBUTE.meta.knownVulnerabilities`,
        });
      } else {
        const lost = lostMarks(change);
        if (
          lost.length === 0 ||
          (before && after === null && isGonePackage(facts, before)) ||
          stillTold(facts, lost)
        )
          continue;
        const { severity, confidence, why } = judge(facts, change);
        yield settingFinding(change, {
          severity,
          confidence,
          title: "The warning of known vulnerabilities is gone",
          message: [
            `${settingName(setting)} was ${shownValue(before)} and is now ${shownValue(after)}.`,
            why,
            "Users then get no warning any more. An advisory that names the fixed version, or the patch, would clear this.",
            "Look the vulnerability up by its number: https://osv.dev",
          ].join(" "),
        });
      }
    }
  },
};

/** What a setting newly allows: items of a list, or a function that decides. */
function letIn(change: SettingChange): readonly string[] {
  const { after } = change;
  if (after?.value.kind === "list") return listDifference(change).added;
  return after && /^\(?\w+:/.test(after.text) ? [after.text] : [];
}

/** The vulnerabilities that are no longer named; for a mark without names, the mark itself. */
function lostMarks(change: SettingChange): readonly string[] {
  const { before, after } = change;
  if (before === null) return [];
  switch (lastName(before)) {
    case "knownVulnerabilities":
      if (before.value.kind !== "list") return after === null ? [before.text] : [];
      return after !== null && after.value.kind === "other" ? [] : listDifference(change).removed;
    case "insecure":
      return before.value.kind === "bool" &&
        before.value.value &&
        !(after?.value.kind === "bool" && after.value.value)
        ? ["insecure"]
        : [];
    default:
      return [];
  }
}

const IDS = /CVE-\d{4}-\d+|GHSA(-\w{4}){3}/g;

/** Whether the change still names the same vulnerabilities elsewhere: moved, reworded, or as `problems`. */
function stillTold(facts: Facts, lost: readonly string[]): boolean {
  const told = facts.settings
    .filter(
      ({ after }) => after !== null && /^(knownVulnerabilities|problems|message|urls)$/.test(lastName(after)),
    )
    .map(({ after }) => `${after?.text ?? ""} ${itemsOf(after).join(" ")}`)
    .join(" ");
  const ids = lost.flatMap((text) => text.match(IDS) ?? []);
  return ids.length > 0
    ? ids.every((id) => told.includes(id))
    : lost.every((text) => told.includes(text.slice(0, 40)));
}

function judge(
  facts: Facts,
  change: SettingChange,
): { severity: Severity; confidence: Confidence; why: string } {
  const path = (change.after ?? change.before).path;
  const ids = change.before?.text.match(IDS) ?? [];
  const patched = facts.settings.some(
    ({ after, before }) =>
      lastName(after ?? before) === "patches" && ids.some((id) => after?.text.includes(id)),
  );
  if (patched) {
    return { severity: "low", confidence: "medium", why: "A patch of that name came with it." };
  }
  const version = versionChange(facts, change);
  if (version) {
    return {
      severity: "low",
      confidence: "low",
      why: `The version moves from ${version.from} to ${version.to}, which may be the fix; the text does not say.`,
    };
  }
  const fetched = facts.sources.some(({ before, after }) => (after ?? before).path === path);
  if (fetched) {
    return {
      severity: "medium",
      confidence: "medium",
      why: "The source moves as well, which may be the fix; the text does not say.",
    };
  }
  return {
    severity: "block",
    confidence: "high",
    why: "Neither the version, the source nor the patches change: what was vulnerable still is.",
  };
}
