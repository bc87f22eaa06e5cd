import type { Source } from "../nix/model.ts";
import { type Location, locationsOf, parseLocation } from "../origin/location.ts";
import type { Owner } from "../origin/place.ts";
import { told } from "../provenance/answers.ts";
import { eventOf, ownerArguments, type Pair, pairsOf } from "./_events.ts";
import { anonymousHost } from "./_hosts.ts";
import { deceitOf } from "./_lookalike.ts";
import { baseAt, checkCommand, headAt, ownerName, packageString, pinName, shown } from "./_pins.ts";
import { oddTwins } from "./_platforms.ts";
import { isAssetInsteadOfGit } from "./_prebuilt.ts";
import { daysBetween, isNamed, YOUNG_DAYS } from "./_repositories.ts";
import { folded } from "./_text.ts";
import { isLockedGem } from "./lockfiles/formats.ts";
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
  const at = ({ path, hashSpan }: Source) => `${path}:${hashSpan.start}`;
  const odd = new Set(oddTwins(facts).map(({ source }) => at(source)));
  // One source that became several, one for each platform, is one finding.
  const told = new Map<Source, string>();
  for (const pair of pairsOf(facts)) {
    // A patch from elsewhere is another patch, not another owner of the same one.
    if (pair.after.role === "patch" || eventOf(pair) !== "owner") continue;
    const named = ownerArguments(pair.before, pair.after);
    if (named) yield argumentFinding(pair, named);
    const [before] = locationsOf(pair.before);
    const [after] = locationsOf(pair.after);
    if (!before || !after || odd.has(at(pair.after)) || isToldElsewhere(pair, after)) continue;
    if (told.get(pair.before) === ownerName(after)) continue;
    told.set(pair.before, ownerName(after));
    yield finding(facts, pair, before, after);
  }
}

/** Whether another rule reports something worse about the new place. */
function isToldElsewhere(pair: Pair, after: Location): boolean {
  return (
    isLockedGem(pair.after) ||
    anonymousHost(after.host) !== null ||
    deceitOf(after, locationsOf(pair.before)) !== null ||
    isAssetInsteadOfGit(pair)
  );
}

function finding(facts: Facts, pair: Pair, before: Location, after: Location): RuleFinding {
  const source = pair.after;
  const homepage = packageString(facts, "head", source, "homepage");
  const known = packageString(facts, "base", pair.before, "homepage");
  const read = judge(pair, before, after, known?.value ?? "", homepage?.value ?? "");
  const asked = forgeJudgement(facts, pair, before, after);
  // If the base already names the new place, that it is a fork is known: only a young account speaks against it.
  const judgement = asked?.overrules || read.severity !== "low" ? (asked ?? read) : read;
  const namesOld = homepage !== null && before.owner !== null && namesOwner(homepage.value, before.owner);
  return {
    severity: judgement.severity,
    confidence: judgement.confidence,
    title: `${pinName(source)}: the source now comes from ${ownerName(after)}`,
    message: [
      `It came from ${ownerName(before)}, now it comes from ${ownerName(after)}.`,
      "Whoever owns that place decides what the package is from now on, under the name that users already trust.",
      ...(judgement.note === null ? [] : [judgement.note]),
      "A redirect from the old place to the new one, or a notice of the old owner, explains it;",
      `to see what is there: ${checkCommand(source)}`,
    ].join(" "),
    at: headAt(source.urlSpan ?? source.span),
    before: shown(before.text),
    after: shown(after.text),
    evidence: judgement === asked ? ["static", "forge"] : ["static"],
    related: [
      {
        at: baseAt(pair.before.urlSpan ?? pair.before.span),
        note: `the place before: ${ownerName(before)}`,
      },
      ...(homepage && namesOld ? [{ at: homepage.at, note: "the homepage still names the old place" }] : []),
    ],
    identity: [source.pname ?? source.binding, ownerName(before), ownerName(after)],
  };
}

/** The finding for a source whose location is not in the text, but whose owner is: `old.src.override { owner = "acme"; … }`. */
function argumentFinding({ before, after }: Pair, { was, is }: { was: string; is: string }): RuleFinding {
  const isOfList = after.fetcher === null && after.pname === null;
  return {
    severity: isOfList ? "low" : "high",
    confidence: "medium",
    title: `${pinName(after)}: the source now comes from ${shown(is)}`,
    message: [
      `Its arguments named ${shown(was)}, now they name ${shown(is)}.`,
      "Whoever owns that place decides what the package is from now on, under the name that users already trust.",
      ...(isOfList ? ["It is an entry of a list, as programs write for dependencies."] : []),
      "A redirect from the old place to the new one, or a notice of the old owner, explains it; to fetch it: verifod verify",
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: shown(was),
    after: shown(is),
    evidence: ["static"],
    related: [{ at: baseAt(before.urlSpan ?? before.span), note: `the place before: ${shown(was)}` }],
    identity: [after.pname ?? after.binding, was, is],
  };
}

/** What the forge says of the two places, where it was asked; null: nothing that decides. */
function forgeJudgement(
  facts: Facts,
  pair: Pair,
  before: Location,
  after: Location,
): (Judgement & { readonly overrules: boolean }) | null {
  const old = told(facts.upstream?.pins.get(pair.before)?.repository ?? null);
  const now = told(facts.upstream?.pins.get(pair.after)?.repository ?? null);
  const [from, to] = [before.owner?.repository, after.owner?.repository];
  if (!from || !to || from.forge !== to.forge) return null;
  if (old?.kind === "there" && isNamed(old.fullName, to)) {
    return {
      overrules: true,
      severity: "low",
      confidence: "high",
      note: "The forge leads from the old name to the new one: it was renamed or transferred.",
    };
  }
  if (now?.kind !== "there" || !facts.upstream) return null;
  const parent = told(now.forkOf);
  const isFork = parent !== null && isNamed(parent.fullName, from);
  const days = daysBetween(now.owner?.created ?? now.created, facts.upstream.now);
  const isYoung = days !== null && days < YOUNG_DAYS;
  if (!isFork && !isYoung) return null;
  return {
    overrules: isYoung,
    severity: "high",
    confidence: "high",
    note: [
      ...(isFork
        ? [
            "The forge says that it is a fork of the old repository, and does not lead there from the old name.",
          ]
        : []),
      ...(isYoung ? [`The new owner's account is ${days} days old.`] : []),
    ].join(" "),
  };
}

type Judgement = Pick<RuleFinding, "severity" | "confidence"> & { readonly note: string | null };

function judge(pair: Pair, before: Location, after: Location, known: string, homepage: string): Judgement {
  const { owner } = after;
  // The base's homepage was reviewed before this change.
  if (owner && (namesOwner(known, owner) || bearsName(owner, known, before) || isSamePerson(before, after))) {
    return {
      severity: "low",
      confidence: "high",
      note: "The new owner was named before: by the package's own site, or by the old address.",
    };
  }
  const [old, now] = [before.owner?.repository, owner?.repository];
  if (old && now && old.forge === now.forge && old.owner.toLowerCase() === now.owner.toLowerCase()) {
    return { severity: "low", confidence: "high", note: "Both repositories are of one account." };
  }
  const isOfRegistry = before.kind === "registry" && after.kind === "registry";
  if (owner && before.owner?.domain === owner.domain && before.owner.repository === null && !isOfRegistry) {
    return { severity: "low", confidence: "medium", note: "Both places are of one domain." };
  }
  const isOfList = pair.after.role === "other" && pair.after.pname === null;
  // The programs that write such lists take from the registry what is there.
  if (isOfList && (before.kind !== "registry" || after.kind === "registry")) {
    return {
      severity: "low",
      confidence: "medium",
      note: "It is an entry of a list, as programs write for dependencies.",
    };
  }
  if (isMoveToRepository(pair, before, after, homepage)) {
    return {
      severity: "low",
      confidence: "low",
      note: "It is a repository of the package's name in place of uploaded archives; the text cannot say whose account that is.",
    };
  }
  if (owner && namesOwner(homepage, owner) && !(before.owner && namesOwner(homepage, before.owner))) {
    return {
      severity: "medium",
      confidence: "high",
      note: "The package's homepage names the new place, from this change on.",
    };
  }
  const fromRegistry = before.kind === "registry" || after.kind === "registry";
  return fromRegistry
    ? { severity: "medium", confidence: "medium", note: null }
    : { severity: "high", confidence: "high", note: null };
}

/**
 * Whether uploaded archives were replaced by a repository with the package's name (or by archives of its project on a forge),
 * with a new version, and nothing in the recipe names another repository. Most honest moves look like this: 7 of 14 in a year
 * of nixpkgs.
 */
function isMoveToRepository(pair: Pair, before: Location, after: Location, homepage: string): boolean {
  const repository = after.owner?.repository;
  if (!repository || before.owner?.repository || !(after.kind === "archive" || after.kind === "asset"))
    return false;
  const isSameVersion = pair.after.version !== null && pair.before.version === pair.after.version;
  if (isSameVersion || pair.before.fetcher === "fetchgit") return false;
  if (!isCalled(repository.name, pair.after.pname ?? "")) return false;
  const named = parseLocation({ value: homepage, resolved: true })?.owner;
  return !named?.repository || named.id === after.owner?.id;
}

/** Whether a repository has the package's name, maybe with a word before or after it: `pd-frob`, `frob.js`. */
function isCalled(repository: string, pname: string): boolean {
  const words = repository.toLowerCase().split(/[^a-z0-9]+/);
  return folded(pname) !== "" && (folded(repository) === folded(pname) || words.includes(folded(pname)));
}

/** Whether somebody's folder on a host became a site under the same name: `/acme/`, then `acme.example.org`. */
function isSamePerson(before: Location, after: Location): boolean {
  if (before.kind !== "file" || after.kind !== "file" || before.owner?.repository || after.owner?.repository)
    return false;
  const [folder = ""] = before.path.split("/").slice(1);
  const name = folded(folder.replace(/^~/, ""));
  return name.length >= 4 && name === folded(after.host.split(".")[0] ?? "");
}

/** Whether the new owner's account has the name of the project's own domain: acme for acme.org. */
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

/** Whether a homepage belongs to that owner: it is the same repository, its pages, or a page of the domain. */
function namesOwner(homepage: string, owner: Owner): boolean {
  const page = parseLocation({ value: homepage, resolved: true });
  if (!page?.owner) return false;
  const { repository } = owner;
  if (repository?.forge === "github.com" && page.host === `${repository.owner.toLowerCase()}.github.io`)
    return true;
  return page.owner.id === owner.id || (!repository && page.owner.domain === owner.domain);
}
