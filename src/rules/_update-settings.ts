/** Settings of the bots that update dependencies: Renovate and Dependabot. What of a change has more merged unseen. */
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { LENIENT, type Value } from "../workflow/workflow.ts";
import { visible } from "./_text.ts";
import type { Risk } from "./_workflow-risks.ts";

/** https://docs.renovatebot.com/configuration-options and https://docs.github.com/code-security/dependabot */
const RENOVATE = /^(?:(?:\.github|\.gitlab|\.forgejo)\/)?(?:renovate\.json5?|\.renovaterc(?:\.json5?)?)$/;
const DEPENDABOT = /^\.github\/dependabot\.ya?ml$/;
/** Here the settings are one key of many: https://docs.renovatebot.com/configuration-options of `package.json`. */
const PACKAGE = "package.json";
const OF_PACKAGE = "renovate";

export function isUpdateSettings(path: string): boolean {
  return path === PACKAGE || RENOVATE.test(path) || DEPENDABOT.test(path);
}

/** One scalar of the settings. */
interface Told {
  /** What it is about: the keys that lead to it, with what a rule matches. */
  readonly where: string;
  readonly name: string;
  readonly value: Value;
}

const MOST_CHARACTERS = 512 * 1024;
const MOST_DEPTH = 30;
const LONGEST_LABEL = 200;

/** A string, or a comment, which YAML does not have; to the end where it does not end. */
const JSON5_TOKEN =
  /"(?:[^"\\\n]|\\[\s\S])*\\?"?|'(?:[^'\\\n]|\\[\s\S])*\\?'?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** JSON5 as YAML reads it; positions stay as they are. */
function withoutComments(text: string): string {
  return text
    .replace(JSON5_TOKEN, (token) => (token.startsWith("/") ? token.replace(/[^\n]/g, " ") : token))
    .replace(/\t/g, " ");
}

/** Keys that say what a rule or an entry is about. */
const SAYS_WHAT =
  /^(?:match[A-Z]\w*|package(?:Names|Patterns)|package-ecosystem|director(?:y|ies)|target-branch)$/;

/** A value without its spelling. */
function plain(node: unknown): string {
  if (isSeq(node)) return node.items.map(plain).sort().join(",");
  return isScalar(node) ? String(node.value) : "";
}

/** All scalars, in order; null when the text cannot be read. Never throws. */
function scalarsOf(path: string, text: string): readonly Told[] | null {
  if (path === PACKAGE && !/renovate|\\u/i.test(text)) return [];
  if (text.length > MOST_CHARACTERS) return null;
  const found: Told[] = [];
  const visit = (node: unknown, where: string, name: string, depth: number): void => {
    if (depth > MOST_DEPTH) throw new RangeError("too deep");
    if (isScalar(node)) {
      const [start = 0, end = 0] = node.range ?? [];
      found.push({ where, name, value: { text: String(node.value), start, end, comment: "" } });
    } else if (isSeq(node)) {
      for (const item of node.items) visit(item, where, name, depth + 1);
    } else if (isMap(node)) {
      const about = node.items
        .filter(({ key }) => isScalar(key) && SAYS_WHAT.test(String(key.value)))
        .map(({ key, value }) => `${String(key)}=${plain(value)}`)
        .sort()
        .join(" ")
        .slice(0, LONGEST_LABEL);
      const inside = [where, name, about].filter((part) => part !== "").join("/");
      for (const { key, value } of node.items)
        if (isScalar(key)) visit(value, inside, String(key.value), depth + 1);
    }
  };
  try {
    const code = RENOVATE.test(path) ? withoutComments(text) : text;
    const { contents } = parseDocument(code, LENIENT);
    if (!isMap(contents)) return null;
    if (path !== PACKAGE) visit(contents, "", "", 0);
    for (const { key, value } of path === PACKAGE ? contents.items : [])
      if (isScalar(key) && key.value === OF_PACKAGE) visit(value, "", "", 0);
    return found;
  } catch {
    // Too much for the reader, or for the stack of the library, which recurses.
    return null;
  }
}

/** Registries that everybody uses. */
const PUBLIC =
  /^(?:registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org|(?:index\.|static\.)?crates\.io|repo1?\.maven\.(?:apache\.)?org|rubygems\.org|api\.nuget\.org|proxy\.golang\.org|ghcr\.io|(?:index\.|registry-1\.)?docker\.io|quay\.io|gcr\.io|registry\.k8s\.io|hackage\.haskell\.org|plugins\.gradle\.org|(?:maven|dl)\.google\.com|(?:repo\.)?packagist\.org|(?:pkg\.)?julialang\.org|hex\.pm|registry\.terraform\.io|(?:www\.|api\.)?github\.com|gitlab\.com|codeberg\.org)$/;
const REGISTRY = /^(?:registryUrls|defaultRegistryUrls|registryUrlTemplate|npmrc)$/;

const hostOf = (text: string) =>
  /^(?:[\w+]+:\/\/)?(?:[^/@\s]*@)?([^/:\s]+)/.exec(text)?.[1]?.toLowerCase() ?? "";

function isRegistry({ where, name }: Told): boolean {
  return (
    REGISTRY.test(name) ||
    /(?:^|\/)registryAliases$/.test(where) ||
    (name === "url" && /(?:^|\/)registries\//.test(where))
  );
}

function* registryRisks(before: readonly Told[], after: readonly Told[]): Generator<Risk> {
  const old = before.filter(isRegistry);
  const known = new Set(old.map(({ value }) => hostOf(value.text)));
  for (const each of after.filter(isRegistry)) {
    const host = hostOf(each.value.text);
    // A template names another dependency's host.
    if (host === "" || known.has(host) || PUBLIC.test(host) || /[{}]/.test(host)) continue;
    const isOther = old.some(({ where, name }) => where === each.where && name === each.name);
    yield {
      key: `registry ${host}`,
      severity: isOther ? "high" : "medium",
      title: isOther ? "Updates come from another registry" : "Updates come from a new registry",
      why: `\`${visible(host)}\` says from now on which releases there are: what it offers is proposed, or merged, as an update.`,
      clear: "Clear it by a word on whose registry that is.",
      at: each.value,
    };
  }
}

const isOn = ({ value }: Told) => value.text === "true";

/** What has updates merged: a switch that is on, or a preset that turns it on. */
function isMerging(each: Told): boolean {
  if (/^(?:automerge|platformAutomerge|ignoreTests)$/.test(each.name)) return isOn(each);
  return each.name === "extends" && /^:?(?:default:)?:?automerge(?!Disabled)/.test(each.value.text);
}

const keyOf = ({ where, name, value }: Told) => `${where} ${name} ${value.text}`;

function* mergeRisks(before: readonly Told[], after: readonly Told[]): Generator<Risk> {
  const known = new Set(before.filter(isMerging).map(keyOf));
  // Where all is merged, a rule says nothing new.
  const isAll = before.some((each) => each.where === "" && each.name === "automerge" && isOn(each));
  for (const each of after.filter(isMerging)) {
    if (known.has(keyOf(each)) || (isAll && each.name === "automerge")) continue;
    // It has a say only where updates are merged, and is the default there.
    const isToldThere = ({ where, name }: Told) => where === each.where && name === "automerge";
    if (each.name === "platformAutomerge" && after.some(isToldThere)) continue;
    const what = each.name === "extends" ? each.value.text : each.name;
    yield {
      key: `automerge ${keyOf(each)}`,
      severity: each.where === "" && each.name !== "platformAutomerge" ? "high" : "medium",
      title:
        each.name === "ignoreTests"
          ? "Updates are merged without tests"
          : "Updates are merged without a review",
      why: `\`${visible(what)}\`${each.where === "" ? "" : ` of ${visible(each.where)}`}: what a taken-over dependency releases is in the repository before anybody has looked at it.`,
      clear: "Clear it by a word on who looks at these updates, and by `minimumReleaseAge` with it.",
      at: each.value,
    };
  }
}

const AGES = /^(?:minimumReleaseAge|stabilityDays|(?:default|semver-(?:major|minor|patch))-days)$/;
/** Fixes of vulnerabilities may come at once, and a lock file has no age. */
const MAY_BE_NEW = /(?:^|\/)(?:vulnerabilityAlerts|lockFileMaintenance)(?:\/|$)/;
const IN_DAYS: Readonly<Record<string, number>> = { m: 1 / 1440, h: 1 / 24, d: 1, w: 7, mo: 30, y: 365 };

/** How many days an update waits; null: the text does not say. */
function daysOf(text: string): number | null {
  if (text === "null" || text === "") return 0;
  const [, number, unit = "d"] = /^(\d{1,6})\s*(mo|[mhdwy])?/i.exec(text) ?? [];
  return number === undefined ? null : Number(number) * (IN_DAYS[unit.toLowerCase()] ?? 1);
}

/** Where a finding on the file as a whole stands. */
const TOP: Value = { text: "", start: 0, end: 0, comment: "" };

function* ageRisks(before: readonly Told[], after: readonly Told[]): Generator<Risk> {
  if (
    after.some(({ name, value }) => name === "extends" && /minimumReleaseAge|best-practices/.test(value.text))
  )
    return;
  const places = new Map(after.map((each) => [`${each.where} ${each.name}`, each.value]));
  for (const { where, name, value } of before) {
    const old = AGES.test(name) && !MAY_BE_NEW.test(where) ? daysOf(value.text) : null;
    if (!old) continue;
    const now = places.get(`${where} ${name}`);
    const days = now ? daysOf(now.text) : 0;
    // Who updates nothing there any more, has nothing to wait for.
    const isGone =
      now === undefined &&
      where.startsWith("updates/") &&
      !after.some(
        (each) => where.startsWith(each.where) && each.where !== "" && each.where.startsWith("updates/"),
      );
    if (days === null || days >= old || isGone) continue;
    yield {
      key: `age ${where} ${name}`,
      severity: "medium",
      title: "Updates no longer wait for their release to age",
      why: `\`${visible(name)}\` was ${visible(value.text)} and is ${now ? visible(now.text) : "not set"}: bad releases are mostly found, and taken back, within days.`,
      clear: "Clear it by keeping the time.",
      at: now ?? TOP,
    };
  }
}

/** A preset of a repository, or of an address: `github>acme/presets`, `acme/presets`, `@acme`, `https://…`. */
const PRESET =
  /^(?:(?:github|gitlab|gitea|forgejo|bitbucket|local|npm)>)?(@?[\w.-]{1,100})(?:\/[\w./-]{1,200})?(?:[:#(]|\/\/|$)/;

/** Whose preset it is; null: one of Renovate's own. */
function ownerOf(preset: string): string | null {
  if (/^https?:/.test(preset)) return hostOf(preset);
  if (!/[>/@]/.test(preset)) return null;
  return PRESET.exec(preset)?.[1]?.toLowerCase() ?? null;
}

function* presetRisks(before: readonly Told[], after: readonly Told[]): Generator<Risk> {
  const presets = (all: readonly Told[]) => all.filter(({ name }) => name === "extends");
  const known = new Set(presets(before).map(({ value }) => ownerOf(value.text)));
  for (const { value } of presets(after)) {
    const owner = ownerOf(value.text);
    if (owner === null || known.has(owner)) continue;
    known.add(owner);
    yield {
      key: `preset ${owner}`,
      // A new file is looked at as a whole.
      severity: before.length > 0 ? "medium" : "low",
      title: "Settings of updates come from somebody else",
      why: `\`${visible(value.text)}\` is read anew with each run: what \`${visible(owner)}\` writes there says from where updates come, and which are merged, without a change here.`,
      clear: "Clear it by a word on who that is, or by taking over what it says.",
      at: value,
    };
  }
}

const runsCode = ({ name, value }: Told) =>
  name === "insecure-external-code-execution" && value.text === "allow";

function* codeRisks(before: readonly Told[], after: readonly Told[]): Generator<Risk> {
  if (before.some(runsCode)) return;
  for (const { value } of after.filter(runsCode))
    yield {
      key: "external code",
      severity: "medium",
      title: "Updates run code of their dependencies",
      why: "`insecure-external-code-execution: allow`: the code of a new release runs beside the tokens of the registries before anybody has looked at it.",
      clear: "Clear it by leaving it away.",
      at: value,
    };
}

/** What the head's settings of an update bot let in that the base's do not; null: the head cannot be read. */
export function updateRisks(path: string, base: string | null, head: string): readonly Risk[] | null {
  const after = scalarsOf(path, head);
  if (!after) return null;
  const before = (base === null ? null : scalarsOf(path, base)) ?? [];
  return [
    ...registryRisks(before, after),
    ...mergeRisks(before, after),
    ...ageRisks(before, after),
    ...codeRisks(before, after),
    ...presetRisks(before, after),
  ];
}
