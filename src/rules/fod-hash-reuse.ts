import { dirname } from "node:path/posix";
import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import type { KnownPin, Reuse } from "../pair/reuse.ts";
import { placeChange } from "./_events.ts";
import { weaknessOf } from "./_hashes.ts";
import { baseAt, checkCommand, headAt, pinName, placeName } from "./_pins.ts";
import { isCommit } from "./_version.ts";
import type { Facts, RelatedPlace, Rule, RuleFinding } from "./rule.ts";

/**
 * A hash that the change gives to a pin although it already belongs to another source. A cache answers by name and
 * hash, so the first pin seeds it and the second is built from what it seeded (CVE-2024-36050, in two steps:
 * https://github.com/NixOS/ofborg/issues/68).
 */
export const rule: Rule = {
  id: "fod-hash-reuse",
  threat: "A26",
  description: "A new hash already belongs to another source",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  const told = new Set<string>();
  for (const reuse of facts.reuses) {
    const { source } = reuse;
    if (source.hash === null || weaknessOf(source.hash) || told.has(source.hash)) continue;
    const judged = judge(facts, reuse);
    if (judged === null) continue;
    // Two new pins of one change have each other's hash: one finding is enough.
    told.add(source.hash);
    const { pin, severity, confidence, what } = judged;
    yield {
      severity,
      confidence,
      title: `${pinName(source)}: its new hash belongs to ${what}`,
      message: [
        `${placeName(source)} is pinned to ${source.hash}, which is the hash of ${placeOf(pin)}${whereOf(pin)}, a pin ${pin.seen}.`,
        "Caches answer by name and hash: what is built may be that other source, and nothing is fetched that could tell.",
        "A refetch from the location that this pin names clears it;",
        `to check: ${checkCommand(source)}`,
      ].join(" "),
      at: headAt(source.hashSpan),
      before: placeOf(pin),
      after: placeName(source),
      evidence: pin.path === null ? ["static", "ledger"] : ["static"],
      related: relatedOf(pin),
      identity: [source.pname ?? source.binding, source.hash, placeName(source)],
    };
  }
}

interface Judgement extends Pick<RuleFinding, "severity" | "confidence"> {
  readonly pin: KnownPin;
  readonly what: string;
}

/** The known pin that speaks most against a reuse; null when one explains it, or none says enough. */
function judge(facts: Facts, { source, known }: Reuse): Judgement | null {
  let found: Judgement | null = null;
  for (const pin of known) {
    if (gaveItsHash(facts, source, pin)) return null;
    const judged = source.role === "dependencies" ? null : judgePin(source, pin);
    if (judged === "same") {
      // The hash already belongs to this very place elsewhere.
      if (pin.accepted) return null;
      continue;
    }
    if (judged !== null && (found === null || (found.severity !== "high" && judged.severity === "high"))) {
      found = judged;
    }
  }
  return found;
}

/** Whether the known pin, of the same package, has another hash now: entries of a table changed places. */
function gaveItsHash(facts: Facts, source: Source, { source: other, side, hash }: KnownPin): boolean {
  if (other === null || side === "head" || dirname(other.path) !== dirname(source.path)) return false;
  return facts.sources.some(({ before, after }) => before === other && after?.hash !== hash);
}

function judgePin(source: Source, pin: KnownPin): Judgement | "same" | null {
  // The text that an override changes.
  if (pin.source?.path === source.path && pin.source.hashSpan.start === source.hashSpan.start) return "same";
  switch (placeChange(pin, source)) {
    case "same":
      return "same";
    case "unknown":
      return null;
    case "revision": {
      // A tag and its commit name the same bytes, and some updaters write the commit as the version.
      const isOther = pin.version !== null && source.version !== null && pin.version !== source.version;
      if (!isOther || isCommit(pin.version) || isCommit(source.version)) return null;
      return { pin, severity: "medium", confidence: "high", what: `version ${pin.version}` };
    }
    case "owner":
    case "elsewhere":
      // Mirrors and forks serve a file under the same name.
      if (fileName(source) !== null && fileName(source) === fileName(pin)) {
        return sharesOwner(source, pin)
          ? null
          : { pin, severity: "medium", confidence: "medium", what: "another place" };
      }
      return { pin, severity: "high", confidence: "high", what: "another source" };
  }
}

/** The name of the file that a pin downloads, if it contains a version; else null. */
function fileName({ urls }: Pick<Source, "urls">): string | null {
  const name =
    urls[0]?.value
      .replace(/[?#][\s\S]*/, "")
      .split("/")
      .at(-1) ?? "";
  return /\d/.test(name) && /[a-z]{3}/i.test(name) ? name.toLowerCase() : null;
}

function sharesOwner(a: Pick<Source, "urls">, b: Pick<Source, "urls">): boolean {
  const owners = new Set(locationsOf(a).map(({ owner }) => owner?.id));
  return locationsOf(b).some(({ owner }) => owner !== null && owners.has(owner.id));
}

function placeOf(pin: KnownPin): string {
  return pin.source ? placeName(pin.source) : placeName(pin);
}

function whereOf({ path, line }: KnownPin): string {
  return path === null || line === null ? "" : ` (${path}:${line})`;
}

function relatedOf({ path, line, source, side, seen }: KnownPin): readonly RelatedPlace[] {
  const note = `the hash in a pin ${seen}`;
  if (source) return [{ at: side === "base" ? baseAt(source.hashSpan) : headAt(source.hashSpan), note }];
  return path === null || line === null ? [] : [{ path, line, note }];
}
