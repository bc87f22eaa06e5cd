import { pathOf } from "../change/change.ts";
import type { Source } from "../nix/model.ts";
import { eventOf, isShapedOtherwise, type Pair, pairsOf } from "./_events.ts";
import { fileAt, indexed } from "./_index.ts";
import { otherChangedLines, siblings } from "./_package.ts";
import { baseAt, headAt, pinName } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The hash of vendored dependencies changed although what they are computed from did not. A vendor tree is as much code
 * as the source, and nobody reads it.
 */
export const rule: Rule = {
  id: "dep-hash-changed-alone",
  threat: "A05",
  description: "The hash of vendored dependencies changed, the source did not",
  severity: "high",
  check,
};

/** What a vendor tree is computed from, beside the source itself. */
const INPUTS =
  /patches|(post|pre)Patch|preBuild|proxyVendor|deleteVendor|(cargo|source|mod|npm)Root|forceGitDeps|[fF]etcherVersion|overrideModAttrs|depsExtraArgs|lock|pnpm|yarn|buildGo|go_1|nodejs|\bsrc\b|\b(version|rev|tag)\b/i;

/** Files beside the recipe that a vendor tree is computed from. */
const INPUT_FILE = /lock|\.patch$|\.diff$|deps\.(json|nix)$|\.toml$|go\.(mod|sum)$|package\.json$/i;

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const pair of pairsOf(facts)) {
    const { before, after } = pair;
    const event = eventOf(pair);
    if (after.role !== "dependencies" || (event !== "hash-alone" && event !== "hash-and-shape")) continue;
    if (
      siblings(facts, pair).some(
        (other) => other.after.role === "source" && other.before.hash !== other.after.hash,
      )
    ) {
      continue;
    }
    // Of what no version is known, any source of the file may be the one that it is made from.
    if (after.version === null && pathsOfChangedSources(facts).has(after.path)) continue;
    const hasSource = pathsWithSources(facts).has(after.path);
    if (!hasSource && takesChangedSource(facts, after)) continue;
    const reason = hasSource ? explanation(facts, pair) : "Where the source comes from is not in the text.";
    yield {
      severity: reason === null ? "high" : "medium",
      confidence: reason === null ? "high" : "medium",
      title: `${pinName(after)}: the hash of the dependencies changed, ${hasSource ? "the source did not" : "no source is seen to"}`,
      message: [
        hasSource
          ? `The hash went from ${before.hash} to ${after.hash}, while the version${after.version === null ? "" : ` (${after.version})`} and the source stayed.`
          : `The hash went from ${before.hash} to ${after.hash}.`,
        reason === null
          ? "The same source and lock file give the same vendored dependencies, so the old hash was wrong, the fetcher changed, or the new hash names something else."
          : `${reason} That may explain it; the vendored code is still code that nobody reads.`,
        "Building the dependencies with every cache out of the way clears it; to check: verifod verify",
      ].join(" "),
      at: headAt(after.hashSpan),
      before: before.hash,
      after: after.hash,
      evidence: ["static"],
      related: [
        { at: baseAt(before.hashSpan), note: "the hash before" },
        ...(after.versionSpan ? [{ at: headAt(after.versionSpan), note: "the version did not move" }] : []),
      ],
      identity: [after.pname ?? after.binding, after.hashAttribute, String(before.hash), String(after.hash)],
    };
  }
}

/** The files in which a source is pinned. */
const pathsWithSources = indexed(
  ({ pins }) => new Set(pins.head.flatMap(({ role, path }) => (role === "source" ? [path] : []))),
);

/** The files in which the hash of a source changed. */
const pathsOfChangedSources = indexed(
  (facts) =>
    new Set(
      pairsOf(facts).flatMap(({ before, after }) =>
        after.role === "source" && before.hash !== after.hash ? [after.path] : [],
      ),
    ),
);

/** The names, in lists that updaters write, of sources whose hash changed: `frob` of `frob.src`. */
const changedSources = indexed(
  (facts) =>
    new Set(
      pairsOf(facts).flatMap(({ before, after }) =>
        after.role === "source" && before.hash !== after.hash ? [after.binding.split(".")[0] ?? ""] : [],
      ),
    ),
);

const SELECTED = /\.([A-Za-z_][\w'-]*)/g;

/** Whether the file takes a source that changed from a list: `inherit (sources.frob) version src;`. */
function takesChangedSource(facts: Facts, { path }: Source): boolean {
  const names = changedSources(facts);
  const text = fileAt(facts, "head", path)?.head ?? "";
  return names.size > 0 && [...text.matchAll(SELECTED)].some(([, name = ""]) => names.has(name));
}

/** What else changed that can explain another vendor tree; null: nothing. */
function explanation(facts: Facts, pair: Pair): string | null {
  const { before, after } = pair;
  if (isShapedOtherwise(before, after) || before.hashAttribute !== after.hashAttribute) {
    return "How the dependencies are fetched changed too.";
  }
  const line = otherChangedLines(facts, pair)?.find((text) => INPUTS.test(text));
  if (line !== undefined) return "What the dependencies are computed from changed too.";
  const directory = after.path.slice(0, after.path.lastIndexOf("/") + 1);
  const file = facts.files
    .map(({ change }) => pathOf(change))
    .find((path) => path.startsWith(directory) && INPUT_FILE.test(path));
  return file === undefined ? null : `${file} changed too.`;
}
