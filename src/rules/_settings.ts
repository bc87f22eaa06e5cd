/** What rules on settings share. */
import type { Setting, SettingValue, Span } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import { indexed } from "./_index.ts";
import { isNewFile } from "./_scripts.ts";
import { visible } from "./_text.ts";
import type { Facts, RuleFinding } from "./rule.ts";

/** A setting that the head has and that is not as in the base. */
export type NewSetting = Extract<SettingChange, { readonly after: Setting }>;

/** The settings that the change adds or changes. */
export const newSettings = indexed((facts): readonly NewSetting[] =>
  facts.settings.filter((change) => change.after !== null),
);

/** The same, once for each value that an `if` newly gives: the weakest of them decides. */
export const newValues = indexed((facts): readonly NewSetting[] => newSettings(facts).flatMap(eachValue));

function eachValue(change: NewSetting): NewSetting | readonly NewSetting[] {
  const { before, after } = change;
  const now = optionsOf(after);
  if (now.length === 0) {
    const [old] = before ? optionsOf(before) : [];
    return before && old ? { ...change, before: { ...before, value: old } } : change;
  }
  const old = before ? [before.value, ...optionsOf(before)].map((value) => JSON.stringify(value)) : [];
  const [first] = before ? optionsOf(before) : [];
  return now
    .filter((value) => !old.includes(JSON.stringify(value)))
    .map((value) => {
      const then = before && { ...before, value: first ?? before.value };
      return { ...change, before: then, after: { ...after, value } } as NewSetting;
    });
}

const NO_OPTIONS: readonly SettingValue[] = [];

function optionsOf({ value }: Setting): readonly SettingValue[] {
  return value.kind === "other" ? (value.options ?? NO_OPTIONS) : NO_OPTIONS;
}

export function settingName(setting: Setting): string {
  return setting.attributes.join(".");
}

export function lastName(setting: Setting): string {
  return setting.attributes.at(-1) ?? "";
}

/** The items of a list value; of another value none. */
export function itemsOf(setting: Setting | null): readonly string[] {
  return setting?.value.kind === "list" ? setting.value.items : [];
}

/** The strings that a value holds: the items of a list, or the one string that it is; of another value none. */
export function stringsOf({ value }: Setting): readonly string[] {
  if (value.kind === "list") return value.items;
  return value.kind === "string" ? [value.value] : [];
}

/** The last part of an attribute path: `frob` of `pkgs.frob`. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** The items that a list gained, and those that it lost. */
export function listDifference({ before, after }: SettingChange): {
  readonly added: readonly string[];
  readonly removed: readonly string[];
} {
  const old = new Set(itemsOf(before));
  const now = new Set(itemsOf(after));
  return {
    added: [...now].filter((item) => !old.has(item)),
    removed: [...old].filter((item) => !now.has(item)),
  };
}

/** The items of a list that newly depend on a condition, each with it. One in place of another may be weaker or stronger. */
export function newlyGuarded({ before, after }: SettingChange): readonly {
  readonly item: string;
  readonly guard: string;
}[] {
  if (before?.value.kind !== "list" || after?.value.kind !== "list") return [];
  const conditionsAt = ({ value, conditions }: Setting, index: number) => {
    const guard = value.kind === "list" ? value.when?.[index] : undefined;
    return guard ? [...conditions, guard] : conditions;
  };
  const old = new Map<string, ReadonlySet<string>>();
  for (const [index, item] of before.value.items.entries())
    if (!old.has(item)) old.set(item, new Set(conditionsAt(before, index)));
  const now = new Map(after.value.items.map((item, index) => [item, conditionsAt(after, index)]));
  return [...now].flatMap(([item, conditions]) => {
    const known = old.get(item);
    const isKept = known && [...known].every((condition) => conditions.includes(condition));
    const fresh = isKept ? conditions.filter((condition) => !known.has(condition)) : [];
    return fresh.length > 0 ? [{ item, guard: [...new Set(fresh)].join(" && ") }] : [];
  });
}

/** Is this file for tests, examples or documentation? */
export function isTestPath(path: string): boolean {
  return /(^|\/)(tests?|examples?|docs?|doc)\//.test(path);
}

/** Is this the example or the documentation of an option, not its value? */
export function isExample(setting: Setting): boolean {
  return setting.attributes.some((name) =>
    /^(example|defaultText|literalExample|description|tests)$/.test(name),
  );
}

const scriptPlaces = indexed(
  (facts) =>
    new Set(facts.scripts.flatMap(({ after }) => (after ? [`${after.path}\0${after.binding}`] : []))),
);

/** Is the value a script? Then it is left to the rules on scripts. */
export function isScript(facts: Facts, setting: Setting): boolean {
  return scriptPlaces(facts).has(`${setting.path}\0${settingName(setting)}`);
}

/** The path of an option or setting, without the `default` of an `mkOption`. */
export function optionPath(setting: Setting): readonly string[] {
  return lastName(setting) === "default" ? setting.attributes.slice(0, -1) : setting.attributes;
}

const sameSpan = (a: Span | null, b: Span | null) =>
  a === b || (a !== null && b !== null && a.path === b.path && a.start === b.start && a.end === b.end);

/** Whether two packages may be one: their stretches overlap, or one is not known. */
export function overlaps(a: Span | null, b: Span | null): boolean {
  return a === null || b === null || (a.path === b.path && a.start < b.end && b.start < a.end);
}

const spanKey = (span: Span): string => `${span.path}\0${span.start}\0${span.end}`;

/** The packages whose names settings give, by their spans, with the attribute paths of the sets that hold the names. */
function namedPackages(settings: readonly Setting[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const setting of settings) {
    const names = lastName(setting) === "pname" || lastName(setting) === "name";
    if (!names || !setting.packageSpan) continue;
    const key = spanKey(setting.packageSpan);
    found.set(key, [...(found.get(key) ?? []), pathOf(setting.attributes.slice(0, -1))]);
  }
  return found;
}

const pathOf = (attributes: readonly string[]): string => attributes.map((name) => `${name}\0`).join("");

/** Whether the package itself comes or goes: its own name does, not that of a patch or source in it. */
function isNamed(
  packages: ReadonlyMap<string, readonly string[]>,
  { packageSpan, attributes }: Setting,
): boolean {
  const holders = packageSpan === null ? undefined : packages.get(spanKey(packageSpan));
  return holders?.some((holder) => pathOf(attributes.slice(0, -1)).startsWith(holder)) ?? false;
}

const newPackages = indexed((facts) =>
  namedPackages(facts.settings.flatMap(({ change, after }) => (change === "added" ? [after] : []))),
);
const gonePackages = indexed((facts) =>
  namedPackages(facts.settings.flatMap(({ change, before }) => (change === "removed" ? [before] : []))),
);

/** Does the package around a setting of the head exist in the base? Unknown counts as existing. */
export function isNewPackage(facts: Facts, setting: Setting): boolean {
  if (isNewFile(facts, setting.path)) return true;
  return isNamed(newPackages(facts), setting);
}

const removedFiles = indexed(
  (facts) =>
    new Set(facts.files.flatMap(({ change }) => (change.status === "removed" ? [change.base.path] : []))),
);

/** Does the package around a setting of the base go away with the change? */
export function isGonePackage(facts: Facts, setting: Setting): boolean {
  if (removedFiles(facts).has(setting.path)) return true;
  return isNamed(gonePackages(facts), setting);
}

/** How `version` changed in the package around a setting (or in its file, when the package is not known); null: it did not. */
export function versionChange(
  facts: Facts,
  { before, after }: SettingChange,
): { from: string; to: string } | null {
  for (const change of facts.settings) {
    if (change.before === null || change.after === null || lastName(change.after) !== "version") continue;
    const { value: from } = change.before;
    const { value: to } = change.after;
    const same =
      (after && sameSpan(after.packageSpan, change.after.packageSpan)) ||
      (before && sameSpan(before.packageSpan, change.before.packageSpan)) ||
      (change.after.packageSpan === null && change.after.path === (after ?? before)?.path);
    if (same && from.kind === "string" && to.kind === "string") return { from: from.value, to: to.value };
  }
  // The version may be part of `name`, or in another file: the package's pins have it then.
  const setting = after ?? before;
  for (const pair of facts.sources) {
    if (pair.before === null || pair.after === null) continue;
    const [from, to] = [pair.before.version, pair.after.version];
    const here = after ? pair.after : pair.before;
    const same = here.path === setting.path && overlaps(here.packageSpan, setting.packageSpan);
    if (same && from !== null && to !== null && from !== to) return { from, to };
  }
  return null;
}

const LONGEST_SHOWN = 160;

/** A setting's value for a message. */
export function shownValue(setting: Setting | null): string {
  return setting ? visible(setting.text, LONGEST_SHOWN) : "not set";
}

/** What a setting is now and was before, as the first sentence of a message. */
export function nowSentence({ before, after }: NewSetting): string {
  return `${settingName(after)} is now ${shownValue(after)} (${before ? `before: ${shownValue(before)}` : "not set before"}).`;
}

/** A finding on a setting, with the parts that all of them share. */
export function settingFinding(
  { before, after }: SettingChange,
  about: Pick<RuleFinding, "severity" | "confidence" | "title" | "message"> & Partial<RuleFinding>,
): RuleFinding {
  const place = after
    ? ({ side: "head", span: after.span } as const)
    : ({ side: "base", span: before.span } as const);
  return {
    at: place,
    before: before && shownValue(before),
    after: after && shownValue(after),
    evidence: ["static"],
    related: [],
    identity: [settingName(after ?? before)],
    ...about,
  };
}
