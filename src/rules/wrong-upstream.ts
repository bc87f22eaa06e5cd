import type { Source } from "../nix/model.ts";
import { locationsOf, parseLocation } from "../origin/location.ts";
import { type RepositoryFacts, told } from "../provenance/answers.ts";
import { checkCommand, headAt, packageString, pinName, shown } from "./_pins.ts";
import type { Facts, Place, Rule, RuleFinding } from "./rule.ts";

/**
 * A new package whose homepage is one repository and whose source is another of the same name, or whose source is a fork of a
 * project that many more people follow: a fork that its users did not ask for, or a squatter.
 */
export const rule: Rule = {
  id: "wrong-upstream",
  threat: "A48",
  description: "A new package's homepage and source name two owners of one project, or its source is a fork",
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
    if (before || !after || after.role !== "source") continue;
    const source = locationsOf(after)[0]?.owner?.repository;
    if (!source) continue;
    const asked = told(facts.upstream?.pins.get(after)?.repository ?? null);
    const there = asked?.kind === "there" ? asked : null;
    const parent = told(there?.forkOf ?? null);
    const page = otherPage(facts, after, source);
    // The name in the recipe is a former one of the repository that the page shows.
    if (page && there && isCalled(page.named, there.fullName)) continue;
    if (page) yield ofPage(after, source, page, parent?.fullName ?? null);
    else if (there && parent && isOvershadowed(source, there, parent))
      yield ofFork(facts, after, source, there, parent);
  }
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
    // Another project of the same people, or a part that is fetched beside the source.
    if (named.name.toLowerCase() !== source.name.toLowerCase()) continue;
    return { attribute, ...page, named };
  }
  return null;
}

function ofPage(after: Source, source: Repository, page: Page, parent: string | null): RuleFinding {
  const { attribute, value, at, named } = page;
  // A mirror on another forge may well have another owner's name.
  const isSure = named.forge === source.forge;
  const isFork = parent !== null && isCalled(named, parent);
  return {
    severity: "medium",
    confidence: isFork ? "high" : isSure ? "medium" : "low",
    title: `${pinName(after)}: the ${attribute} names ${named.owner}, the source comes from ${source.owner}`,
    message: [
      `meta.${attribute} is ${shown(value)}, but the source is ${source.forge}/${source.owner}/${source.name}.`,
      ...(isFork ? ["The forge says that it is a fork of what the page shows."] : []),
      "Users will take the package for the project that its page shows, and get another's code.",
      "The page of the packaged repository, or a note why its fork is packaged, clears it;",
      `to look at the source: ${checkCommand(after)}`,
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: null,
    after: shown(after.urls[0]?.value ?? ""),
    evidence: isFork ? ["static", "forge"] : ["static"],
    related: [{ at, note: `the ${attribute}` }],
    identity: [
      after.pname ?? after.binding,
      `${named.forge}/${named.owner}`,
      `${source.forge}/${source.owner}`,
    ],
  };
}

type There = Extract<RepositoryFacts, { kind: "there" }>;
interface Parent {
  readonly fullName: string;
  readonly stars: number | null;
}

/** So many times the stars of a fork make its parent what people mean by the name. */
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
  // Who gives the fork's own page means the fork.
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

function isCalled({ owner, name }: Repository, fullName: string): boolean {
  return fullName.toLowerCase() === `${owner}/${name}`.toLowerCase();
}
