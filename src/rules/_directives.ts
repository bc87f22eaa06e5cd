/** Reads configuration files that stand in settings as text: `PermitRootLogin yes` sets what an option of that name would. */
import type { Setting, SettingValue } from "../nix/model.ts";
import { lastName, type NewSetting, newSettings, newValues } from "./_settings.ts";
import type { Facts } from "./rule.ts";

/** Attributes that hold such a text. */
const HOLDS = /^(?:extraOptions|source)$|(?:[cC]onf|[cC]onfig|[tT]ext|[fF]ile)$/;
const LINE = /^[ \t]*([A-Za-z][\w-]{2,60})(?:[ \t]*=[ \t]*|[ \t]+)(\S.*)$/gm;
/** Directives for which `yes` is one of several words, and not a boolean. */
const WORDS = /^(?:PermitRootLogin|StrictHostKeyChecking)$/i;

function directiveValue(name: string, text: string): SettingValue {
  if (/^(?:yes|true)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: true };
  if (/^(?:no|false)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: false };
  const items = text.split(/\s+/);
  return items.length > 1 ? { kind: "list", items } : { kind: "string", value: text };
}

/**
 * What the lines of a setting's text set, each as a setting of that name; nothing for settings that hold no such text.
 * A generator, since whoever writes the text decides how many lines it has.
 */
export function* directivesOf(setting: Setting): Iterable<Setting> {
  if (setting.value.kind !== "string" || !HOLDS.test(lastName(setting))) return;
  for (const [, name = "", text = ""] of setting.value.value.matchAll(LINE)) {
    const value = directiveValue(name, text.trim());
    yield { ...setting, attributes: [...setting.attributes, name], text: text.trim(), value };
  }
}

/** The settings that the change adds or changes, and those of the lines of their texts. */
export function* newDirectives(facts: Facts): Iterable<NewSetting> {
  yield* newValues(facts);
  for (const change of newSettings(facts)) {
    const before = new Map<string, Setting>();
    if (change.before) for (const each of directivesOf(change.before)) before.set(lastName(each), each);
    for (const after of directivesOf(change.after)) {
      const old = before.get(lastName(after));
      yield old ? { change: "changed", before: old, after } : { change: "added", before: null, after };
    }
  }
}
