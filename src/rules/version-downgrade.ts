import { pairsOf, placeChange } from "./_events.ts";
import { headAt } from "./_pins.ts";
import { compareVersions, isCommit, onlyLostCommit, otherScheme } from "./_version.ts";
import { lockFormatOf } from "./lockfiles/formats.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** The version went down: an updater that read its feed in the wrong order, a revert, or a hole brought back. */
export const rule: Rule = {
  id: "version-downgrade",
  threat: "A42",
  description: "The version of a package went down",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  const told = new Set<string>();
  for (const { before, after } of pairsOf(facts)) {
    const [was, is] = [before.version, after.version];
    if (was === null || is === null || !after.versionSpan || compareVersions(is, was) >= 0) continue;
    // Commits have no order.
    if (isCommit(was) || isCommit(is)) continue;
    // Lists of dependencies often have several versions of a name: lockfile-poisoning reports what went down.
    if (lockFormatOf(after.path)) continue;
    if (onlyLostCommit(before, after)) continue;
    if (before.pname !== after.pname || before.binding !== after.binding) continue;
    // In generated lists, neighbours need not be versions of one thing.
    if (after.pname === null && !(after.fetcher !== null && /(^|\.)src$/.test(after.binding))) continue;
    // A package has one version, however many pins.
    const place = `${after.versionSpan.path}:${after.versionSpan.start}`;
    if (told.has(place)) continue;
    told.add(place);
    const recounted = otherScheme(was, is) || placeChange(before, after) === "owner";
    const stated = facts.subjects?.some((subject) => givesReason(subject, was, is)) ?? false;
    yield {
      severity: recounted || stated ? "low" : "medium",
      confidence: recounted ? "low" : "high",
      title: `${after.pname ?? "the package"}: the version went down from ${was} to ${is}`,
      message: [
        `The version was ${was} and is now ${is}, which is older${recounted ? ", unless the project counts in another way now" : ""}.`,
        "An older version brings back what was fixed since, security holes too.",
        "A stated reason, as the revert of a bad release, clears it;",
        `to check the order: nix-instantiate --eval -E 'builtins.compareVersions "${plain(was)}" "${plain(is)}"'`,
      ].join(" "),
      at: headAt(after.versionSpan),
      before: was,
      after: is,
      evidence: ["static"],
      related: [],
      identity: [after.pname ?? after.binding, was, is],
    };
  }
}

/** Whether a title gives a reason: by a word such as revert, or by what follows `old -> new`. */
function givesReason(subject: string, was: string, is: string): boolean {
  const [, reason = ""] = subject.split(`${was} -> ${is} `);
  return /revert|downgrade|roll(ing)? ?back/i.test(subject) || reason.trim().split(/\s+/).length > 1;
}

/** A version, safe to paste into a command. */
function plain(version: string): string {
  return version.replace(/[^\w.+-]/g, "?");
}
