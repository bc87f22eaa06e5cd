import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import { isMoving } from "../origin/refs.ts";
import { checkCommand, headAt, pinName, placeName, shown } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** The location names a branch, "latest" or a shortened commit: what it yields changes, and nobody can check it again. */
export const rule: Rule = {
  id: "moved-or-mutable-ref",
  threat: "A15",
  description: "A source is fetched from a branch, a latest release or a shortened commit",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.sources) {
    // Patches have places of their own that can change: `mutable-patch-url`.
    if (!after || after.role === "patch" || after.role === "dependencies") continue;
    const mutable = mutableRef(after);
    if (mutable === null || (before && mutableRef(before) !== null)) continue;
    yield {
      // In lists that programs write from what upstream names, nobody chose it here.
      severity: after.role === "source" ? "medium" : "low",
      confidence: mutable.sure ? "high" : "medium",
      title: `${pinName(after)}: ${mutable.what}`,
      message: [
        `${placeName(after)} names ${shown(mutable.name)}, ${mutable.what}.`,
        "What is there can change after the review, so nobody can check later that the hash is what was published.",
        "A tag or the full commit id clears it;",
        `to see what it yields now: ${checkCommand(after)}`,
      ].join(" "),
      at: headAt(after.urlSpan ?? after.span),
      before: before ? placeName(before) : null,
      after: placeName(after),
      evidence: ["static"],
      related: [],
      identity: [after.pname ?? after.binding, mutable.name],
    };
  }
}

interface Mutable {
  readonly name: string;
  readonly what: string;
  readonly sure: boolean;
}

function mutableRef(source: Source): Mutable | null {
  const refs = locationsOf(source).map(({ ref }) => ref);
  if (source.rev?.resolved) refs.push(source.rev.value);
  for (const ref of refs) {
    if (ref === null) continue;
    if (isMoving(ref)) return { name: ref, what: "a name that moves", sure: true };
    // Seven is git's shortest by default; with digits alone it may be a date or a revision number.
    if (/^[0-9a-f]{7,39}$/.test(ref) && /[a-f]/.test(ref) && /[0-9]/.test(ref)) {
      return { name: ref, what: "a shortened commit id", sure: false };
    }
  }
  return null;
}
