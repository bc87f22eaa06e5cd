import type { Setting } from "../nix/model.ts";
import { VULNERABILITY } from "../nix/patch-names.ts";
import type { SettingChange } from "../pair/settings.ts";
import type { Confidence, Severity } from "../report/review.ts";
import { guardedPatches, inheritedPatches, type Lost, unnamedPatches } from "./_patches-lost.ts";
import { undonePatches } from "./_patches-undone.ts";
import { isGonePackage, lastName, settingFinding, shownValue, versionChange } from "./_settings.ts";
import { argument, fileName, headPath, mentions, visible } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

export const rule: Rule = {
  id: "security-patch-removed",
  threat: "A17",
  description: "A patch that fixes a vulnerability is dropped",
  severity: "high",
  *check(facts) {
    const kept = keptText(facts);
    const told = new Set<string>();
    for (const change of facts.settings) {
      const { before, after } = change;
      if (before === null || !PATCHES.test(lastName(before))) continue;
      if (after === null && isGonePackage(facts, before)) continue;
      const old = textsOf(before);
      const now = new Set(after ? textsOf(after) : []);
      const places = new Set([...now].flatMap(addressesIn));
      const lost = old
        .filter((text) => !now.has(text) && !addressesIn(text).some((address) => places.has(address)))
        .flatMap((text) => fixesIn(text))
        .filter((fix) => !mentions(kept, fix));
      const names = [...new Set(lost)];
      if (names.length === 0) continue;
      for (const name of names) told.add(name);
      const { severity, confidence, why } = judge(facts, change);
      yield settingFinding(change, {
        severity,
        confidence,
        title: `Dropped: ${names.slice(0, 3).join(", ")}`,
        message: [
          `${lastName(before)} no longer holds ${names.join(", ")}. ${why}`,
          "If the new source lacks the fix, the package looks newer and is more vulnerable.",
          "The fix's commit being part of the new version would clear this.",
          "Check whether the patch is in the source: patch -R --dry-run -p1 -d $(nix-build -A ATTRIBUTE.src) < PATCH",
        ].join(" "),
        before: names.join(", "),
        after: after && shownValue(after),
        identity: names,
      });
    }
    yield* removedFiles(facts, kept, told);
    for (const lost of [
      ...guardedPatches(facts, PATCHES, fixesIn),
      ...inheritedPatches(facts),
      ...unnamedPatches(facts, fixesIn),
    ]) {
      if (lost.names.every((name) => told.has(name))) continue;
      for (const name of lost.names) told.add(name);
      yield lostFinding(facts, lost);
    }
    for (const { names, what, at } of undonePatches(facts, fixesIn)) {
      if (names.every((name) => told.has(name))) continue;
      yield {
        severity: "high",
        confidence: "medium",
        title: `No longer in effect: ${names.slice(0, 3).join(", ")}`,
        message: `${visible(names.join(", "), 200)} is still named, but ${what}. If the source lacks the fix, the package is vulnerable again. The fix being part of the source would clear this. Check with: nix-build -A ATTRIBUTE and the phases that its log shows`,
        at,
        before: null,
        after: what,
        evidence: ["static"],
        related: [],
        identity: ["undone", ...names],
      };
    }
  },
};

function lostFinding(facts: Facts, lost: Lost): RuleFinding {
  const { severity, confidence, why } = lost.change ? judge(facts, lost.change) : judgeFile(facts, lost.path);
  const isUnsure = severity === "block" && !lost.sure;
  return {
    severity: isUnsure ? (lost.change ? "medium" : "high") : severity,
    confidence: isUnsure ? "medium" : confidence,
    title: `No longer applied: ${lost.names.slice(0, 3).join(", ")}`,
    message: `${lost.what} ${why} If the source lacks a fix, the package is vulnerable again. The fix being part of the source would clear this. Check with: nix derivation show -f . ATTRIBUTE and its patches, before and after`,
    at: lost.at,
    before: lost.names.join(", "),
    after: null,
    evidence: ["static"],
    related: [],
    identity: ["lost", ...lost.names],
  };
}

const PATCHES = /^(patches|extraPatches|prePatches|cargoPatches|patchFlagsList)$/;
const WORDS = /security|overflow|\bRCE\b|use-after-free|injection|traversal|sanitiz(?!er)/i;

/** The items of a list of patches, each with its own text. */
function textsOf({ value, text }: Setting): readonly string[] {
  return value.kind === "list" ? value.items : [text];
}

/** Where a patch comes from: with the same address it is the same patch, whatever it is called. */
function addressesIn(text: string): readonly string[] {
  return text.match(/https?:\/\/[^\s"]+|[0-9a-f]{40}/g) ?? [];
}

/** What a text about a patch says that it fixes: identifiers, else the patch's name when that is about security. */
function fixesIn(text: string): readonly string[] {
  const ids = text.match(VULNERABILITY);
  if (ids) return [...new Set(ids)];
  const name = /(?<![\w.+-])([\w.+-]+\.(?:patch|diff))/.exec(text)?.[1];
  return name !== undefined && WORDS.test(name) ? [name] : [];
}

/** All text of the head about patches: a fix that it still names has only moved. */
function keptText(facts: Facts): string {
  const settings = facts.settings.flatMap(({ after }) =>
    after && /patch/i.test(after.attributes.join(".")) ? [after.text] : [],
  );
  const pins = facts.pins.head.map(({ urls, pname }) =>
    [pname ?? "", ...urls.map(({ value }) => value)].join(" "),
  );
  const files = facts.files.flatMap(({ change }) => (change.head ? [change.head.path] : []));
  return [...settings, ...pins, ...files].join("\n");
}

/** What else changes about a file: nothing is known of a package in it. */
function judgeFile(facts: Facts, path: string): ReturnType<typeof judge> {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const [here] = facts.settings.filter(
    ({ before, after }) =>
      (after ?? before).path.startsWith(folder) && lastName(after ?? before) === "version",
  );
  const [pin] = facts.settings.filter(({ before, after }) => (after ?? before).path === path);
  const change = here ?? pin;
  return change ? judge(facts, change) : { severity: "block", confidence: "high", why: NOTHING };
}

const NOTHING = "The version and the source are as they were.";

function judge(
  facts: Facts,
  change: SettingChange,
): { severity: Severity; confidence: Confidence; why: string } {
  const version = versionChange(facts, change);
  if (version) {
    return {
      severity: "low",
      confidence: "low",
      why: `The version moves from ${version.from} to ${version.to}, which may hold the fix; the text does not say.`,
    };
  }
  const path = (change.after ?? change.before).path;
  const moved = facts.sources.some(
    ({ before, after }) => before?.path === path && (after ?? before).role !== "patch",
  );
  return moved
    ? {
        severity: "medium",
        confidence: "medium",
        why: "The source moves as well, which may hold the fix; the text does not say.",
      }
    : { severity: "block", confidence: "high", why: NOTHING };
}

/** Deleted patch files that no changed list has reported already. */
function* removedFiles(facts: Facts, kept: string, told: ReadonlySet<string>): Generator<RuleFinding> {
  for (const file of facts.files) {
    if (file.change.status !== "removed") continue;
    const path = headPath(file);
    if (!/\.(patch|diff)$/.test(path)) continue;
    const names = fixesIn(fileName(path)).filter((name) => !mentions(kept, name) && !told.has(name));
    if (names.length === 0) continue;
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const gone = facts.files.some(
      ({ change }) =>
        change.status === "removed" &&
        change.base.path.startsWith(folder) &&
        change.base.path.endsWith(".nix"),
    );
    if (gone) continue;
    const bumped = facts.settings.some(
      ({ after }) => after?.path.startsWith(folder) && lastName(after) === "version",
    );
    yield {
      severity: bumped ? "low" : "high",
      confidence: bumped ? "low" : "medium",
      title: `Deleted: ${fileName(path)}`,
      message: `${path} is deleted, and nothing in the change names ${names.join(", ")} any more. ${bumped ? "The version moves as well, which may hold the fix; the text does not say." : "No version beside it moves."} If the source lacks the fix, the package is vulnerable again. The fix's commit being part of the new version would clear this. Check with: git show BASE:${argument(path)} | patch -R --dry-run -p1 -d $(nix-build -A ATTRIBUTE.src)`,
      at: { side: "base", span: { path, start: 0, end: Math.max(0, (file.base ?? "").indexOf("\n")) } },
      before: names.join(", "),
      after: null,
      evidence: ["static"],
      related: [],
      identity: names,
    };
  }
}
