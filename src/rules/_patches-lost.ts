/** Security patches that a change loses otherwise than by taking them out of a list that names what they fix. */
import { overridesAttrs } from "../nix/binders.ts";
import type { Setting } from "../nix/model.ts";
import { patchNames } from "../nix/patch-names.ts";
import type { SettingChange } from "../pair/settings.ts";
import { indexed } from "./_index.ts";
import {
  isNewPackage,
  lastName,
  type NewSetting,
  newlyGuarded,
  newSettings,
  settingName,
  shownValue,
} from "./_settings.ts";
import { fileName, headPath, inBase, visible } from "./_text.ts";
import type { Facts, Place } from "./rule.ts";

export interface Lost {
  /** What is lost: names of fixes, or words for patches whose names do not stand in the text. */
  readonly names: readonly string[];
  /** As a sentence. */
  readonly what: string;
  readonly at: Place;
  readonly change: SettingChange | null;
  readonly path: string;
  /** The text tells that the fix is no longer applied, not only where. */
  readonly sure: boolean;
}

/** Fixes of a list that newly depend on a condition. */
export function* guardedPatches(
  facts: Facts,
  isList: RegExp,
  fixesIn: (text: string) => readonly string[],
): Generator<Lost> {
  for (const change of newSettings(facts)) {
    const { after } = change;
    if (!isList.test(lastName(after))) continue;
    for (const { item, guard } of newlyGuarded(change)) {
      const names = fixesIn(item);
      if (names.length === 0) continue;
      yield {
        names,
        what: `${settingName(after)} holds it only where ${visible(guard, 160)}.`,
        at: { side: "head", span: after.span },
        change,
        path: after.path,
        sure: guard === "false",
      };
    }
  }
}

const INHERITED = /(?<![\w.'])[\w']{1,80}\.patches\b/;
/** Functions that leave items of a list out. */
const LEAVES_OUT = /\b(?:filter|remove|subtractLists|tail|init|drop|dropEnd|take|sublist|partition)\b/;

/** Patches of another package that an override no longer takes over; their names stand elsewhere. */
export function* inheritedPatches(facts: Facts): Generator<Lost> {
  for (const change of newSettings(facts)) {
    const { before, after } = change;
    if (lastName(after) !== "patches" || isNewPackage(facts, after)) continue;
    const inherited = INHERITED.test(after.text);
    const had = before !== null && INHERITED.test(before.text);
    const isOverride = before === null && overridesAttrs(after.takenBy) && !hasOwnSource(change, facts);
    const isFiltered = LEAVES_OUT.test(after.text) && !(before && LEAVES_OUT.test(before.text));
    const what = inherited
      ? isFiltered && "it leaves some of the patches out that the package had"
      : (had || (isOverride && after.value.kind === "list")) &&
        "it no longer takes over the patches that the package had";
    if (!what) continue;
    yield {
      names: [`inherited patches of ${visible(after.attributes.at(-2) ?? after.path)}`],
      what: `${settingName(after)} is ${shownValue(after)}: ${what}, and these may hold fixes.`,
      at: { side: "head", span: after.span },
      change,
      path: after.path,
      sure: false,
    };
  }
}

/** Whether an override also has a source or version of its own, which patches of the old one need not fit. */
function hasOwnSource({ after }: NewSetting, facts: Facts): boolean {
  return setsWithSource(facts).has(setOf(after));
}

const setOf = ({ path, attributes }: Setting) => `${path}\0${attributes.slice(0, -1).join(".")}`;

/** The sets of attributes that newly have a source or a version. */
const setsWithSource = indexed(
  (facts) =>
    new Set(
      newSettings(facts).flatMap(({ after }) =>
        /^(?:src|version|name)$/.test(lastName(after)) ? [setOf(after)] : [],
      ),
    ),
);

/**
 * Fixes that the text of a file said that a patch has, by its name or in a comment, where nothing of the file names that
 * patch any more and nothing of the change the fix.
 */
export function* unnamedPatches(facts: Facts, fixesIn: (text: string) => readonly string[]): Generator<Lost> {
  for (const file of facts.files) {
    const { base, head } = file;
    const path = headPath(file);
    if (base === null || head === null || !/\.(?:nix|json|toml)$/.test(path)) continue;
    // Most files name none, and are not searched by a pattern.
    if (![".patch", ".diff", "/commit/"].some((mark) => base.includes(mark))) continue;
    const lost = lostPatches(base, head).filter(
      ({ item }) => !(item.match(ADDRESS) ?? []).some((address) => head.includes(address)),
    );
    const named = new Set(lost.flatMap(({ around }) => fixesIn(around)));
    if (named.size === 0 || isGone(facts, path)) continue;
    const kept = patchesOfHead(facts);
    const names = [...named].filter((name) => !kept.has(name));
    const [first] = lost.filter(({ around }) => fixesIn(around).some((name) => names.includes(name)));
    if (!first) continue;
    yield {
      names,
      what: `${visible(fileName(path))} no longer names ${visible(first.name, 200)}.`,
      at: inBase(file, first.start, first.start + first.name.length),
      change: null,
      path,
      sure: false,
    };
  }
}

/** What the head calls patches: one look at all texts, however many names are asked for. */
const patchesOfHead = indexed(
  ({ files }) =>
    new Set(files.flatMap((file) => [...patchNames(headPath(file)), ...patchNames(file.head ?? "")])),
);

const PATCH = /(?<![\w.+-])[\w.+-]{1,200}\.(?:patch|diff)\b|\/commit\/[0-9a-f]{7,40}\b/g;
/** How far from a patch's name or address a comment on it, or its other attributes, stand. */
const LONGEST_AROUND = 300;

/** A patch that comes from the same place is the same one under another name. */
const ADDRESS = /https?:\/\/[^\s"$]{8,}(?=[\s"])|[0-9a-f]{40}/g;

interface LostPatch {
  readonly name: string;
  readonly start: number;
  /** What stands between it and the patches before and behind it. */
  readonly around: string;
  /** Of that, the item of the list that it is. */
  readonly item: string;
}

/** The patches that one text names and another does not. */
function lostPatches(base: string, now: string): readonly LostPatch[] {
  const kept = new Set(now.match(PATCH));
  const all = [...base.matchAll(PATCH)];
  return all.flatMap(({ 0: name, index }, at) => {
    if (kept.has(name)) return [];
    const [before, behind] = [all[at - 1], all[at + 1]];
    const start = Math.max(index - LONGEST_AROUND, before ? before.index + before[0].length : 0);
    const end = Math.min(index + name.length + LONGEST_AROUND, behind?.index ?? base.length);
    // A comment behind it is about the next one.
    const [rest = ""] = base.slice(index + name.length, end).split(/\n[ \t]{0,80}#/, 1);
    const head = base.slice(start, index);
    const begin = Math.max(...["(", "[", "{"].map((mark) => head.lastIndexOf(mark))) + 1;
    const tail = base.slice(index + name.length, index + name.length + LONGEST_AROUND);
    const item = head.slice(begin) + name + tail.slice(0, /[)\]}]|$/.exec(tail)?.index);
    return [{ name, start: index, around: head + name + rest, item }];
  });
}

/** Whether a whole package of a file goes: then nothing is built any more that would need the fix. */
function isGone(facts: Facts, path: string): boolean {
  return facts.sources.some(
    ({ change, before }) => change === "removed" && before.path === path && before.role !== "patch",
  );
}
