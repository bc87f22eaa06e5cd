import type { Source } from "../nix/model.ts";
import { revisionOf } from "../origin/revision.ts";
import { type Answer, type RegistryFacts, told } from "../provenance/answers.ts";
import { type PackageFile, packageFileOf } from "../provenance/registries/packages.ts";
import type { Confidence, Severity } from "../report/review.ts";
import { headAt, pinName, placeName, shown } from "./_pins.ts";
import type { Facts, Place, Rule, RuleFinding } from "./rule.ts";

/**
 * A change that is honest in itself can bring a release that is not. Releases of stolen accounts are mostly found within hours
 * or days and then withdrawn: what the registry says of a version, and since when there is one, shows in no diff.
 */
export const rule: Rule = {
  id: "fresh-upstream-release",
  threat: "A09",
  description: "A version that its registry withdrew or does not have, or that is younger than three days",
  severity: "medium",
  check,
};

const FRESH_HOURS = 72;

function* check(facts: Facts): Iterable<RuleFinding> {
  yield* ofRegistries(facts);
  yield* ofForges(facts);
}

/** A tag or release of a forge that is younger than three days. */
function* ofForges({ sources, upstream }: Facts): Iterable<RuleFinding> {
  for (const { before, after: source } of sources) {
    const pin = source && upstream?.pins.get(source);
    const revision = source && revisionOf(source);
    if (!upstream || !source || source.role !== "source" || !pin || pin.registry || !revision) continue;
    if (before && revisionOf(before) === revision) continue;
    const released = told(pin.release)?.published ?? null;
    const made = told(pin.ref)?.tag?.date ?? null;
    const hours = hoursBefore(upstream.now, released ?? made);
    if (hours === null || hours >= FRESH_HOURS) continue;
    const what = released === null ? "tagged" : "released";
    yield {
      severity: "low",
      // Whoever makes a tag chooses its date; the forge dates releases.
      confidence: released === null ? "medium" : "high",
      title: `${pinName(source)}: ${shown(revision)} was ${what} ${ageOf(hours)} before this review`,
      message: `${shown(placeName(source))} was ${what} at ${released ?? made}. ${LOOK}`,
      at: placeOf(source),
      before: before && placeName(before),
      after: placeName(source),
      evidence: ["static", "forge"],
      related: [],
      identity: [placeName(source), "fresh"],
    };
  }
}

const LOOK =
  "Releases of stolen accounts are mostly found and withdrawn within days: a look at what changed, or some days, clears this.";

function* ofRegistries(facts: Facts): Iterable<RuleFinding> {
  const { sources, upstream } = facts;
  const reported = new Set<string>();
  for (const { before, after: source } of sources) {
    const answer = source && (upstream?.pins.get(source)?.registry ?? null);
    const file = source && packageFileOf(source);
    if (!upstream || !source || !file || !answer?.known) continue;
    const old = before && packageFileOf(before);
    const isSamePackage = old?.registry === file.registry && old.name === file.name;
    if (isSamePackage && old.version === file.version) continue;
    const version = `${file.registry} ${file.name} ${file.version}`;
    const previous = before && isSamePackage ? told(upstream.pins.get(before)?.registry ?? null) : null;
    const hours = hoursBefore(upstream.now, answer.value?.published ?? null);
    const concern = concernOf(answer, file, previous, hours);
    // The files of a version for several platforms are one release.
    if (!concern || reported.has(`${source.path} ${version}`)) continue;
    reported.add(`${source.path} ${version}`);
    yield {
      severity: concern.severity,
      confidence: concern.confidence,
      title: `${pinName(source)}: ${concern.title}`,
      message: [concern.what, ...publicationOf(answer.value, previous, hours), concern.clears].join(" "),
      at: placeOf(source),
      before: isSamePackage ? `${file.registry} ${file.name} ${old.version}` : null,
      after: version,
      evidence: ["static", "forge"],
      related: [],
      identity: [version, concern.kind],
    };
  }
}

interface Concern {
  readonly kind: "missing" | "yanked" | "no-file" | "unattested" | "deprecated" | "fresh";
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly title: string;
  readonly what: string;
  readonly clears: string;
}

/** The worst that there is to report of a version; null: nothing. `previous`: what the registry says of the base's version. */
function concernOf(
  { value: facts }: Extract<Answer<RegistryFacts | null>, { known: true }>,
  { registry, name, version, file }: PackageFile,
  previous: RegistryFacts | null,
  hours: number | null,
): Concern | null {
  const what = `${name} ${version}`;
  if (facts === null) {
    return {
      kind: "missing",
      severity: "medium",
      confidence: "high",
      title: `${registry} has no ${what}`,
      what: `${registry} does not have version ${version} of ${name}: it was taken back or removed, or never was there.`,
      clears:
        "What is pinned then comes from a cache or a mirror that nobody answers for. A version that the registry has clears this.",
    };
  }
  const reason = facts.withdrawn?.reason ? ` ("${shown(facts.withdrawn.reason)}")` : "";
  if (facts.withdrawn?.kind === "yanked") {
    return {
      kind: "yanked",
      severity: "medium",
      confidence: "high",
      title: `${what} was yanked from ${registry}`,
      what: `${registry} says that ${what} was yanked${reason}: nobody should use it, because it is broken or harmful.`,
      clears: "Another version clears this.",
    };
  }
  if (!facts.hasFile) {
    return {
      kind: "no-file",
      severity: "medium",
      confidence: "medium",
      title: `${registry} has no ${file ?? "such file"} in ${what}`,
      what: `${registry} has version ${version} of ${name}, but no file ${file ?? ""}: it was removed, or is called otherwise.`,
      clears: "The name of a file that it has clears this.",
    };
  }
  if (previous?.attested === true && facts.attested === false) {
    return {
      kind: "unattested",
      severity: "medium",
      confidence: "medium",
      title: `${what} was not published by a workflow, as the version before was`,
      what: `${registry} vouches for where ${previous.version} was built and published from, and for nothing of ${version}: somebody uploaded it with a password or token, as who steals them does.`,
      clears: "A word of the project on why clears this.",
    };
  }
  if (facts.withdrawn?.kind === "deprecated" && previous?.withdrawn?.kind !== "deprecated") {
    return {
      kind: "deprecated",
      severity: "low",
      confidence: "high",
      title: `${what} is deprecated on ${registry}`,
      what: `${registry} says that ${what} should not be used any more${reason}.`,
      clears: "What is named in its place, or a word on why it is needed, clears this.",
    };
  }
  if (hours !== null && hours < FRESH_HOURS) {
    return {
      kind: "fresh",
      severity: "low",
      confidence: "high",
      title: `${what} came to ${registry} ${ageOf(hours)} before this review`,
      what: `${registry} has not had ${what} for long.`,
      clears: LOOK,
    };
  }
  return null;
}

/** When and by whom it was published, where that is known. */
function publicationOf(
  facts: RegistryFacts | null,
  previous: RegistryFacts | null,
  hours: number | null,
): readonly string[] {
  if (!facts) return [];
  const { published, publisher } = facts;
  const by = publisher === null ? "" : ` by ${shown(publisher)}`;
  const other =
    publisher !== null && previous?.publisher && previous.publisher !== publisher
      ? [`The version before was published by ${shown(previous.publisher)}.`]
      : [];
  return published === null || hours === null
    ? [`It was published${by}; when is not known.`, ...other]
    : [`It was published at ${published}${by}, ${ageOf(hours)} before this review.`, ...other];
}

/** Whole hours from one time to another, none when the clocks disagree; null: it is not known. */
function hoursBefore(now: string, published: string | null): number | null {
  if (published === null) return null;
  const hours = Math.floor((Date.parse(now) - Date.parse(published)) / 3_600_000);
  return Number.isNaN(hours) ? null : Math.max(0, hours);
}

function ageOf(hours: number): string {
  if (hours < 1) return "less than an hour";
  if (hours < 48) return hours === 1 ? "an hour" : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

/** Where a finding is shown: at the version, if it is in the pin's file, since that is what changed. */
function placeOf({ path, versionSpan, urlSpan, span }: Source): Place {
  return headAt(versionSpan?.path === path ? versionSpan : (urlSpan ?? span));
}
