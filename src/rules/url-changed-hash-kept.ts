import { type Location, locationsOf } from "../origin/location.ts";
import { eventOf, type Pair, pairsOf, placeChange } from "./_events.ts";
import { baseAt, checkCommand, headAt, ownerName, pinName, placeName } from "./_pins.ts";
import { agreeingRegistry } from "./_registry.ts";
import { isLockedGem } from "./lockfiles/formats.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * Another location, the same hash. A cache answers by the hash, so nobody fetches from the new location: it may as well
 * be a lie, and nothing is rebuilt that could tell (CVE-2024-36050).
 */
export const rule: Rule = {
  id: "url-changed-hash-kept",
  threat: "A07",
  description: "The location of a source changed, its hash did not",
  severity: "block",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const pair of pairsOf(facts)) {
    const { before, after } = pair;
    if (after.role === "dependencies" || eventOf(pair) !== "place-alone") continue;
    if (isLockedGem(after)) continue;
    const isKnown = placeChange(before, after) !== "unknown";
    const judgement = judge(pair, isKnown);
    // Of several locations, a registry can speak only for its own.
    const registry = locationsOf(after).length > 1 ? null : agreeingRegistry(facts, after);
    yield {
      ...judgement,
      ...(registry !== null && { severity: "low" }),
      title: isKnown
        ? `${pinName(after)}: the location changed, the hash did not`
        : `${pinName(after)}: the location may have changed, the hash did not`,
      message: [
        isKnown
          ? `The location went from ${placeName(before)} to ${placeName(after)}; the hash is still ${after.hash}.`
          : `The location was ${placeName(before)}, and the text does not decide what it is now; the hash is still ${after.hash}.`,
        "Caches answer by the hash, so builds do not fetch from a new location, and a reader who looks there may see other code than what is built.",
        ...(registry === null ? [] : [`${registry} gives this hash for the file at the new location.`]),
        "A refetch from each new location that yields this hash clears it;",
        `to check: ${checkCommand(after)}`,
      ].join(" "),
      at: headAt(after.urlSpan ?? after.hashSpan),
      before: placeName(before),
      after: placeName(after),
      evidence: registry === null ? ["static"] : ["static", "forge"],
      related: [
        { at: baseAt(before.urlSpan ?? before.span), note: "the location before" },
        { at: headAt(after.hashSpan), note: "the hash that stayed" },
      ],
      identity: [after.pname ?? after.binding, placeName(before), placeName(after), String(after.hash)],
    };
  }
}

function judge({ before, after }: Pair, isKnown: boolean): Pick<RuleFinding, "severity" | "confidence"> {
  // `requireFile` fetches nothing: its location is a hint to people.
  if (after.fetcher === "requireFile") return { severity: "low", confidence: "high" };
  if (!isKnown) return { severity: "low", confidence: "low" };
  const [old, current] = [locationsOf(before), locationsOf(after)];
  const place = ({ host, path }: Location) => `${host}${path}`;
  const oldPlaces = new Set(old.map(place));
  const [first] = current;
  // The old places still come first: the new one is tried only when they fail.
  if (first && oldPlaces.has(place(first))) return { severity: "medium", confidence: "high" };
  const owners = new Set(old.map(ownerName));
  const sameOwner = first !== undefined && owners.has(ownerName(first));
  // Store paths are found by hash and name: under another name, whoever made the change had to fetch it.
  const renamed = before.name !== null && after.name !== null && before.name !== after.name;
  return { severity: sameOwner || renamed ? "high" : "block", confidence: first ? "high" : "medium" };
}
