import { type Location, locationsOf } from "../origin/location.ts";
import { eventOf, pairsOf } from "./_events.ts";
import { anonymousHost } from "./_hosts.ts";
import { baseAt, checkCommand, headAt, pinName, shown } from "./_pins.ts";
import type { Facts, Place, Rule, RuleFinding } from "./rule.ts";

/**
 * A new location can be read or replaced on the way, or belongs to nobody who answers for it. The pinned hash protects
 * those who come later, not the one who computed it, and not an update script.
 */
export const rule: Rule = {
  id: "insecure-transport",
  threat: "A41",
  description: "A new location is unencrypted, a bare address, or a host where anybody uploads",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  // That a new place has another owner matters more than that it is unencrypted: one finding is enough.
  const told = new Set(
    pairsOf(facts).flatMap((pair) => (/^(owner|place-alone)$/.test(eventOf(pair)) ? pair.after : [])),
  );
  for (const { before, after } of facts.sources) {
    if (!after) continue;
    const old = before ? locationsOf(before) : [];
    for (const location of locationsOf(after)) {
      const judgement = judge(location, old);
      if (
        judgement === null ||
        (told.has(after) && CLEAR.has(location.scheme) && !anonymousHost(location.host))
      ) {
        continue;
      }
      const { why, ...weight } = judgement;
      const at: Place = headAt(after.urlSpan ?? after.span);
      yield {
        ...weight,
        title: `${pinName(after)}: ${why}`,
        message: [
          `${shown(location.text)}: ${why}.`,
          "Whoever is on the way, or owns that address at the time, decides what the next person to compute the hash gets.",
          "An https location of the project itself clears it;",
          `to check: ${checkCommand(after)}`,
        ].join(" "),
        at,
        before: old[0] ? shown(old[0].text) : null,
        after: shown(location.text),
        evidence: ["static"],
        related: before ? [{ at: baseAt(before.urlSpan ?? before.span), note: "the location before" }] : [],
        identity: [after.pname ?? after.binding, location.scheme, location.host],
      };
      // One finding is enough for all mirrors of a pin.
      break;
    }
  }
}

const CLEAR = new Set(["http", "ftp", "git", "rsync", "svn"]);

type Judgement = Pick<RuleFinding, "severity" | "confidence"> & { readonly why: string };

function judge(location: Location, old: readonly Location[]): Judgement | null {
  const { host, scheme } = location;
  const anonymous = old.some((other) => other.host === host) ? null : anonymousHost(host);
  if (anonymous !== null) return { severity: "high", confidence: "high", why: anonymous };
  if (!CLEAR.has(scheme)) return null;
  if (old.length === 0)
    return { severity: "low", confidence: "high", why: `fetched over unencrypted ${scheme}` };
  if (old.some((other) => CLEAR.has(other.scheme)) || !old.some((other) => other.scheme === "https"))
    return null;
  return { severity: "high", confidence: "high", why: `https became unencrypted ${scheme}` };
}
