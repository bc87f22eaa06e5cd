import { eventOf, type Pair, pairsOf } from "./_events.ts";
import { anonymousHost } from "./_hosts.ts";
import { type Location, locationsOf, parseLocation } from "./_location.ts";
import { deceitOf } from "./_lookalike.ts";
import { baseAt, checkCommand, headAt, ownerName, packageString, pinName, shown } from "./_pins.ts";
import type { Owner } from "./_place.ts";
import { oddTwins } from "./_platforms.ts";
import { isAssetInsteadOfGit } from "./_prebuilt.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The source comes from somebody else: another owner, forge or domain, under the package's old name. A transfer, a fork
 * that everybody agreed on, and a takeover look the same in the text.
 */
export const rule: Rule = {
  id: "source-identity-swap",
  threat: "A04",
  description: "A source now comes from another owner, forge or host",
  severity: "high",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  // A source that only one platform takes from elsewhere is `platform-split-source`.
  const odd = new Set(oddTwins(facts).map(({ source }) => source));
  for (const pair of pairsOf(facts)) {
    // A patch from elsewhere is another patch, not another owner of the same one.
    if (pair.after.role === "patch" || eventOf(pair) !== "owner") continue;
    const [before] = locationsOf(pair.before);
    const [after] = locationsOf(pair.after);
    if (!before || !after || odd.has(pair.after) || isToldElsewhere(pair, after)) continue;
    yield finding(facts, pair, before, after);
  }
}

/** Whether another rule says of this new place what is worse about it. */
function isToldElsewhere(pair: Pair, after: Location): boolean {
  return (
    anonymousHost(after.host) !== null ||
    deceitOf(after, locationsOf(pair.before)) !== null ||
    isAssetInsteadOfGit(pair)
  );
}

function finding(facts: Facts, pair: Pair, before: Location, after: Location): RuleFinding {
  const source = pair.after;
  const homepage = packageString(facts, "head", source, "homepage");
  const names = (location: Location) =>
    homepage !== null && location.owner !== null && namesOwner(homepage.value, location.owner);
  const fromRegistry = before.kind === "registry" || after.kind === "registry";
  const agreed = names(after) && !names(before);
  // The base's homepage was reviewed before this change.
  const known = packageString(facts, "base", pair.before, "homepage");
  const expected =
    after.owner !== null &&
    ((known !== null && namesOwner(known.value, after.owner)) ||
      bearsName(after.owner, known?.value ?? "", before));
  return {
    severity: expected ? "low" : agreed || fromRegistry ? "medium" : "high",
    confidence: fromRegistry ? "medium" : "high",
    title: `${pinName(source)}: the source now comes from ${ownerName(after)}`,
    message: [
      `It came from ${ownerName(before)}, now it comes from ${ownerName(after)}.`,
      "Whoever owns that place decides what the package is from now on, under the name that users already trust.",
      expected
        ? "The package's own site named the new owner before."
        : agreed
          ? "The package's homepage names the new place."
          : "",
      "A redirect from the old place to the new one, or a notice of the old owner, explains it;",
      `to see what is there: ${checkCommand(source)}`,
    ]
      .filter((part) => part !== "")
      .join(" "),
    at: headAt(source.urlSpan ?? source.span),
    before: shown(before.text),
    after: shown(after.text),
    evidence: ["static"],
    related: [
      { at: baseAt(pair.before.urlSpan ?? pair.before.span), note: `the place before: ${ownerName(before)}` },
      ...(homepage && names(before)
        ? [{ at: homepage.at, note: "the homepage still names the old place" }]
        : []),
    ],
    identity: [source.pname ?? source.binding, ownerName(before), ownerName(after)],
  };
}

/** Whether the new owner's account is called as the domain of the project's own site, as acme for acme.org. */
function bearsName({ repository }: Owner, homepage: string, before: Location): boolean {
  if (!repository || repository.owner.length < 4) return false;
  const page = parseLocation({ value: homepage, resolved: true });
  return [page, before].some(
    (site) =>
      site?.owner?.repository === null &&
      site.kind === "file" &&
      site.owner.domain.split(".")[0] === repository.owner.toLowerCase(),
  );
}

/** Whether a homepage is at the place of that owner: the same repository, its pages, or a page of the domain. */
function namesOwner(homepage: string, owner: Owner): boolean {
  const page = parseLocation({ value: homepage, resolved: true });
  if (!page?.owner) return false;
  const { repository } = owner;
  if (repository?.forge === "github.com" && page.host === `${repository.owner.toLowerCase()}.github.io`)
    return true;
  return page.owner.id === owner.id || (!repository && page.owner.domain === owner.domain);
}
