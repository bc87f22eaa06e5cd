/** Texts of configuration files in settings, line by line: `PermitRootLogin yes` says what an option of that name would. */
import type { Setting, SettingValue } from "../nix/model.ts";
import { lastName, type NewSetting, newSettings } from "./_settings.ts";
import type { Facts } from "./rule.ts";

/** Attributes that hold such a text. */
const HOLDS = /^(?:extraConfig|extraOptions|configFile|config|text|source)$/;
const LINE = /^[ \t]*([A-Za-z][\w-]{2,60})(?:[ \t]*=[ \t]*|[ \t]+)(\S.*)$/gm;
/** Directives whose value may be `yes` as one of several words. */
const WORDS = /^(?:PermitRootLogin|StrictHostKeyChecking)$/i;

function directiveValue(name: string, text: string): SettingValue {
  if (/^(?:yes|true)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: true };
  if (/^(?:no|false)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: false };
  const items = text.split(/\s+/);
  return items.length > 1 ? { kind: "list", items } : { kind: "string", value: text };
}

/**
 * What a text of a setting sets, as settings of that name; none for other settings. One after the other, since a text
 * has as many as whoever writes it wants.
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
  for (const change of newSettings(facts)) {
    yield change;
    const before = new Map<string, Setting>();
    if (change.before) for (const each of directivesOf(change.before)) before.set(lastName(each), each);
    for (const after of directivesOf(change.after)) {
      const old = before.get(lastName(after));
      yield old ? { change: "changed", before: old, after } : { change: "added", before: null, after };
    }
  }
}
