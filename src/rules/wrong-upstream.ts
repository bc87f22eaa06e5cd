import type { Source } from "../nix/model.ts";
import { locationsOf, parseLocation } from "../origin/location.ts";
import { type RepositoryFacts, told } from "../provenance/answers.ts";
import { isOtherThing, isSamePage, twoSites } from "./_homepage.ts";
import { checkCommand, headAt, packageString, pinName, shown } from "./_pins.ts";
import { isNamed } from "./_repositories.ts";
import type { Facts, Place, Rule, RuleFinding } from "./rule.ts";

/**
 * A new package whose homepage is one repository and whose source is another of the same name, or whose source is a fork of a
 * project that many more people follow: a fork that its users did not ask for, or a squatter. Less sure, of a source that is
 * new in the package too: a repository that names another homepage than the recipe.
 */
export const rule: Rule = {
  id: "wrong-upstream",
  threat: "A48",
  description:
    "A package's homepage and its new source name two projects, or the source of a new package is a fork",
  severity: "medium",
  check,
};

interface Repository {
  readonly forge: string;
  readonly owner: string;
  readonly name: string;
}

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.sources) {
    if (after?.role !== "source") continue;
    const source = locationsOf(after)[0]?.owner?.repository;
    if (!source) continue;
    const there = thereOf(facts, after);
    if (before) {
      if (there && isOtherProject(facts, before, after, there))
        yield* ofHomepages(facts, after, source, there);
      continue;
    }
    const parent = told(there?.forkOf ?? null);
    const page = otherPage(facts, after, source);
    // The name in the recipe is a former one of the repository that the page shows.
    if (page && there && isNamed(there.fullName, page.named)) continue;
    if (page) yield ofPage(after, source, page, parent?.fullName ?? null, homepageOf(facts, after, there));
    else if (there && parent && isOvershadowed(source, there, parent))
      yield ofFork(facts, after, source, there, parent);
    else if (there) yield* ofHomepages(facts, after, source, there);
  }
}

type There = Extract<RepositoryFacts, { kind: "there" }>;

function thereOf({ upstream }: Facts, source: Source): There | null {
  const asked = told(upstream?.pins.get(source)?.repository ?? null);
  return asked?.kind === "there" ? asked : null;
}

/** Whether the base took the source from elsewhere, and not from a former name of the same repository. */
function isOtherProject(facts: Facts, before: Source, after: Source, there: There): boolean {
  const [old, now] = [before, after].map((source) => locationsOf(source)[0]?.owner);
  if (!old || !now || old.id === now.id) return false;
  const isSameForge = old.repository?.forge === now.repository?.forge;
  const led = thereOf(facts, before)?.fullName.toLowerCase();
  return !(isSameForge && led === there.fullName.toLowerCase());
}

/** The homepage of recipe and repository, if both name the same; else null. */
function homepageOf(facts: Facts, after: Source, there: There | null): string | null {
  const page = packageString(facts, "head", after, "homepage");
  return page && there?.homepage && isSamePage(page.value, there.homepage) ? there.homepage : null;
}

/** At most one finding: the recipe and the repository name two homepages. Descriptions without a common word make it surer. */
function* ofHomepages(
  facts: Facts,
  after: Source,
  source: Repository,
  { homepage, description, fullName, owner }: There,
): Iterable<RuleFinding> {
  const page = packageString(facts, "head", after, "homepage");
  if (!page || homepage === null) return;
  const [nowOwner = "", nowName = ""] = [fullName.split("/")[0], fullName.split("/").at(-1)];
  const names = [after.pname ?? "", source.name, nowName].filter((name) => name !== "");
  const owners = [source.owner, nowOwner, owner?.login ?? ""].filter((name) => name !== "");
  const sites = twoSites(page.value, homepage, { forge: source.forge, owners, names });
  if (!sites) return;
  const said = packageString(facts, "head", after, "description")?.value ?? "";
  const isOther = description !== null && isOtherThing(said, names.join(" "), description);
  yield {
    severity: "low",
    confidence: isOther ? "medium" : "low",
    title: `${pinName(after)}: the recipe names ${shown(sites.recipe, 60)} as homepage, the repository names ${shown(sites.repository, 60)}`,
    message: [
      `meta.homepage is ${shown(page.value)}, but ${source.forge}/${source.owner}/${source.name}, where the source comes from, gives ${shown(homepage)} as its homepage.`,
      ...(isOther
        ? [`Its description, "${shown(description)}", has no word in common with the recipe's.`]
        : []),
      "It can be another project, or an old address of the same one.",
      "A page of the project that leads to this repository clears it.",
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: null,
    after: shown(after.urls[0]?.value ?? ""),
    evidence: ["static", "forge"],
    related: [{ at: page.at, note: "the homepage" }],
    identity: [after.pname ?? after.binding, sites.recipe, sites.repository],
  };
}

interface Page {
  readonly attribute: string;
  readonly value: string;
  readonly at: Place;
  readonly named: Repository;
}

const PAGES = ["homepage", "changelog", "downloadPage"];

/** A page that is a repository of the source's name and of another owner; null: there is none. */
function otherPage(facts: Facts, after: Source, source: Repository): Page | null {
  for (const attribute of PAGES) {
    const page = packageString(facts, "head", after, attribute);
    const named = page && parseLocation({ value: page.value, resolved: true })?.owner?.repository;
    if (!page || !named || named.owner.toLowerCase() === source.owner.toLowerCase()) continue;
    // Under another name it is another project of the same people, or a part that is fetched beside the source.
    if (named.name.toLowerCase() !== source.name.toLowerCase()) continue;
    return { attribute, ...page, named };
  }
  return null;
}

function ofPage(
  after: Source,
  source: Repository,
  page: Page,
  parent: string | null,
  /** Which homepage the repository and the recipe have in common. */
  agreed: string | null,
): RuleFinding {
  const { attribute, value, at, named } = page;
  // A mirror on another forge may well have another owner's name.
  const isSure = named.forge === source.forge;
  const isFork = parent !== null && isNamed(parent, named);
  return {
    // That the repository names the same homepage lowers it only, since a squatter can do that too.
    severity: agreed !== null && !isFork ? "low" : "medium",
    confidence: isFork ? "high" : isSure && agreed === null ? "medium" : "low",
    title: `${pinName(after)}: the ${attribute} names ${named.owner}, the source comes from ${source.owner}`,
    message: [
      `meta.${attribute} is ${shown(value)}, but the source is ${source.forge}/${source.owner}/${source.name}.`,
      ...(isFork ? ["The forge says that it is a fork of what the page shows."] : []),
      ...(agreed === null
        ? []
        : [`The repository itself gives ${shown(agreed)} as its homepage, as the recipe does.`]),
      "Users will take the package for the project that its page shows, and get another's code.",
      "The page of the packaged repository, or a note why its fork is packaged, clears it;",
      `to look at the source: ${checkCommand(after)}`,
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: null,
    after: shown(after.urls[0]?.value ?? ""),
    evidence: isFork || agreed !== null ? ["static", "forge"] : ["static"],
    related: [{ at, note: `the ${attribute}` }],
    identity: [
      after.pname ?? after.binding,
      `${named.forge}/${named.owner}`,
      `${source.forge}/${source.owner}`,
    ],
  };
}

interface Parent {
  readonly fullName: string;
  readonly stars: number | null;
}

/** With so many times the stars of its fork, the parent is what people mean by the name. */
const OVERSHADOWED = 10;

/** Whether a fork bears the name of a project that many more people follow. */
function isOvershadowed({ name }: Repository, { stars }: There, parent: Parent): boolean {
  if (stars === null || parent.stars === null) return false;
  if (parent.fullName.split("/").at(-1)?.toLowerCase() !== name.toLowerCase()) return false;
  return parent.stars >= OVERSHADOWED * Math.max(stars, 1);
}

function ofFork(
  facts: Facts,
  after: Source,
  source: Repository,
  { stars }: There,
  parent: Parent,
): RuleFinding {
  const page = packageString(facts, "head", after, "homepage");
  const named = page && parseLocation({ value: page.value, resolved: true })?.owner?.repository;
  // A recipe that names the fork's own page means the fork.
  const isMeant = named?.owner.toLowerCase() === source.owner.toLowerCase();
  return {
    severity: isMeant ? "low" : "medium",
    confidence: isMeant ? "medium" : "high",
    title: `${pinName(after)}: the source is a fork of ${shown(parent.fullName)}`,
    message: [
      `The forge says that ${source.forge}/${source.owner}/${source.name} (${stars} stars) is a fork of ${shown(parent.fullName)} (${parent.stars} stars).`,
      "Users will take the package for the project that they know by that name, and get another's code.",
      "The source of the project itself, or a note why its fork is packaged, clears it;",
      `to look at the source: ${checkCommand(after)}`,
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: null,
    after: shown(after.urls[0]?.value ?? ""),
    evidence: ["static", "forge"],
    related: page ? [{ at: page.at, note: "the homepage" }] : [],
    identity: [after.pname ?? after.binding, parent.fullName, `${source.forge}/${source.owner}`],
  };
}
