import { locationsOf } from "../origin/location.ts";
import { type PinFacts, type RepositoryFacts, told } from "../provenance/answers.ts";
import { CLEARS, type Concern, hostConcern } from "./_dead-hosts.ts";
import { headAt, ownerName, pinName, placeName } from "./_pins.ts";
import { daysBetween, isSameOwner, YOUNG_DAYS } from "./_repositories.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The host or repository that a pin names is not there, or is another one than the base's pin came from: a domain that lapsed,
 * an account that was renamed or deleted leaves a name that anybody can register, and the next bump brings what is there then.
 */
export const rule: Rule = {
  id: "hijackable-source-host",
  threat: "A28",
  description:
    "A source comes from a host or repository that is gone, parked, or made anew under the old name",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  const { sources, upstream } = facts;
  if (!upstream) return;
  for (const { before, after } of sources) {
    if (!after || after.role === "dependencies") continue;
    const now = upstream.pins.get(after);
    const [location] = locationsOf(after);
    const host = told(now?.host ?? null);
    const old = before && isSameOwner(before, after) ? (upstream.pins.get(before) ?? null) : null;
    const concern =
      now && (location && host ? hostConcern(location, host) : repositoryConcern(now, old, upstream.now));
    if (!concern) continue;
    yield {
      severity: after.role === "source" ? concern.severity : "low",
      confidence: concern.confidence,
      title: `${pinName(after)}: ${concern.title}`,
      message: [
        `It comes from ${location ? ownerName(location) : placeName(after)}.`,
        concern.what,
        "What is pinned is held by its hash; what is fetched next is whatever is there then.",
        concern.clears,
      ].join(" "),
      at: headAt(after.urlSpan ?? after.span),
      before: before ? placeName(before) : null,
      after: placeName(after),
      evidence: ["static", "forge"],
      related: [],
      identity: [after.pname ?? after.binding, location ? ownerName(location) : "", concern.title],
    };
  }
}

function repositoryConcern(now: PinFacts, old: PinFacts | null, today: string): Concern | null {
  const repository = told(now.repository);
  if (!repository) return null;
  return repository.kind === "gone" ? goneOf(repository) : anewOf(repository, old, now, today);
}

function goneOf({ owner }: Extract<RepositoryFacts, { kind: "gone" }>): Concern {
  if (owner === false) {
    return {
      severity: "high",
      confidence: "high",
      title: "the account that it comes from is gone",
      what: "The forge knows neither the repository nor the account: anybody can register that name.",
      clears: CLEARS,
    };
  }
  return {
    severity: "medium",
    // A private repository looks the same from outside.
    confidence: "medium",
    title: "the repository that it comes from is not there",
    what: "The forge says that there is no such repository, or none that everybody may see.",
    clears: CLEARS,
  };
}

/**
 * A young repository from which the base already has a version. If a project moved there with its history, it has the old
 * tag; if somebody made it under a name that had become free, it mostly has not.
 */
function anewOf(
  { created, owner }: Extract<RepositoryFacts, { kind: "there" }>,
  old: PinFacts | null,
  now: PinFacts,
  today: string,
): Concern | null {
  const days = daysBetween(created, today);
  if (old === null || created === null || days === null || days >= YOUNG_DAYS) return null;
  if (!names(now)) return null;
  const ref = told(old.ref);
  const isLost =
    (ref !== null && ref.tag === null && ref.branch === null) ||
    (old.commit?.known === true && old.commit.value === null);
  const made = ref?.tag?.date ?? told(old.commit)?.date ?? null;
  const isOlder = made !== null && made < created;
  if (!isLost && !isOlder) return null;
  const account = daysBetween(owner?.created ?? null, today);
  return {
    severity: isLost ? "high" : "medium",
    confidence: isLost ? "high" : "medium",
    title: "the repository is younger than the version that the base has from it",
    what: [
      `The forge says that it was made on ${created.slice(0, 10)}, ${days} days before this review${account !== null && account < YOUNG_DAYS ? `, by an account that is ${account} days old` : ""}.`,
      isLost
        ? "What the base pins is not in it: it is another repository under the same name."
        : `What the base pins is older, of ${made?.slice(0, 10)}: the project was moved here with its history, or somebody took its name and its code.`,
    ].join(" "),
    clears: "A word of the project on the move clears it.",
  };
}

/** Whether the repository is known to have what the head pins. If not, it tells nothing of who made it. */
function names({ ref, commit }: PinFacts): boolean {
  return (told(ref)?.tag ?? told(ref)?.branch ?? told(commit)) !== null;
}
