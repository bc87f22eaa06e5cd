import type { Setting } from "../nix/model.ts";
import { VULNERABILITY } from "../nix/patch-names.ts";
import type { SettingChange } from "../pair/settings.ts";
import type { Confidence, Severity } from "../report/review.ts";
import { fileAt } from "./_index.ts";
import {
  isGonePackage,
  isNewPackage,
  isTestPath,
  itemsOf,
  lastName,
  listDifference,
  newlyGuarded,
  settingFinding,
  settingName,
  shownValue,
  versionChange,
} from "./_settings.ts";
import { mentions } from "./_text.ts";
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
        const emptied = after === null ? null : emptiedIn(facts, change);
        if (emptied !== null && !isTestPath(after?.path ?? "")) {
          yield settingFinding(change, {
            severity: "high",
            confidence: "medium",
            title:
              name === "NIXPKGS_ALLOW_INSECURE"
                ? "Insecure packages are let in"
                : "The warning of known vulnerabilities is taken off another package",
            message: `${settingName(setting)} is now ${shownValue(after)}: ${emptied}. Users then get no warning any more. A fix for each vulnerability, named in the change, would clear this. See what is known: nix eval -f . ATTRIBUTE.meta.knownVulnerabilities`,
          });
          continue;
        }
        const lost = lostMarks(facts, change);
        if (
          lost.length === 0 ||
          (before && after === null && isGonePackage(facts, before)) ||
          stillTold(facts, change, lost)
        )
          continue;
        const judged = judge(facts, change);
        const { confidence, why } = judged;
        // Where it still is told to some, it is not gone.
        const severity = judged.severity === "block" && isGuarded(change) ? "medium" : judged.severity;
        yield settingFinding(change, {
          severity,
          confidence,
          title: `The warning of known vulnerabilities is gone${isGuarded(change) ? " for some" : ""}`,
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
  return after && DECIDES.test(after.text) ? [after.text] : [];
}

const DECIDES = /^\(?(?:\w+:|(?:lib\.)?const\s+true\b)/;

/** How a setting takes the mark off a package that has it elsewhere; null when it does not. */
function emptiedIn(facts: Facts, { before, after }: SettingChange): string | null {
  if (after === null) return null;
  const name = lastName(after);
  const isMark = name === "knownVulnerabilities" || name === "NIXPKGS_ALLOW_INSECURE";
  if ((!isMark && !after.text.includes("removeAttrs")) || isNewPackage(facts, after)) return null;
  const isEmpty = after.value.kind === "null" || (after.value.kind === "list" && itemsOf(after).length === 0);
  if (name === "knownVulnerabilities")
    return before === null && isEmpty ? "what it takes the place of stands elsewhere" : null;
  if (name === "NIXPKGS_ALLOW_INSECURE")
    return before?.text === after.text ? null : "all packages with known vulnerabilities are let in";
  const removes = (setting: Setting | null) =>
    setting !== null && /\bremoveAttrs\b[^;]{0,400}"knownVulnerabilities"/.test(setting.text);
  return removes(after) && !removes(before) ? "the attribute is left out of what another package says" : null;
}

/** Whether all that a list loses is for whom a condition does not hold: `optionals isDarwin [ … ]`. */
function isGuarded(change: SettingChange): boolean {
  return (
    listDifference(change).removed.length === 0 && newlyGuarded(change).some(({ guard }) => guard !== "false")
  );
}

/** The vulnerabilities that are no longer named; for a mark without names, the mark itself. */
function lostMarks(facts: Facts, change: SettingChange): readonly string[] {
  const { before, after } = change;
  // Without any, only what a list holds can be lost.
  if (before === null || (before.value.kind !== "list" && !MARKS.has(lastName(before)))) return [];
  const removed = [...listDifference(change).removed, ...newlyGuarded(change).map(({ item }) => item)];
  switch (lastName(before)) {
    case "knownVulnerabilities":
      if (before.value.kind !== "list") return after === null ? [before.text] : [];
      return after !== null && after.value.kind === "other" ? [] : removed;
    case "insecure":
      return before.value.kind === "bool" &&
        before.value.value &&
        !(after?.value.kind === "bool" && after.value.value)
        ? ["insecure"]
        : [];
    default:
      // A list that has the marks by another name.
      return removed.some(namesVulnerability) && tellsMarks(facts, before.path)
        ? removed.filter(namesVulnerability)
        : [];
  }
}

const MARKS = new Set(["knownVulnerabilities", "insecure"]);

const namesVulnerability = (item: string) =>
  item.match(VULNERABILITY) !== null && !/\.(?:patch|diff)\b|\{/.test(item);

function tellsMarks(facts: Facts, path: string): boolean {
  return fileAt(facts, "base", path)?.base?.includes("knownVulnerabilities") ?? false;
}

/** Whether the change still names the same vulnerabilities elsewhere: moved, reworded, or as `problems`. */
function stillTold(facts: Facts, change: SettingChange, lost: readonly string[]): boolean {
  const guarded = new Set(newlyGuarded(change).map(({ item }) => item));
  if (lost.some((item) => guarded.has(item))) return false;
  const told = facts.settings
    .filter(
      ({ after }) => after !== null && /^(knownVulnerabilities|problems|message|urls)$/.test(lastName(after)),
    )
    .map(({ after }) => `${after?.text ?? ""} ${itemsOf(after).join(" ")}`)
    .join(" ");
  const ids = lost.flatMap((text) => text.match(VULNERABILITY) ?? []);
  return ids.length > 0
    ? ids.every((id) => mentions(told, id))
    : lost.every((text) => told.includes(text.slice(0, 40)));
}

function judge(
  facts: Facts,
  change: SettingChange,
): { severity: Severity; confidence: Confidence; why: string } {
  const path = (change.after ?? change.before).path;
  const ids = change.before?.text.match(VULNERABILITY) ?? [];
  const patched = facts.settings.some(
    ({ after, before }) =>
      lastName(after ?? before) === "patches" && ids.some((id) => mentions(after?.text ?? "", id)),
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
