/** Texts of configuration files in settings, line by line: `PermitRootLogin yes` says what an option of that name would. */
import type { Setting, SettingValue } from "../nix/model.ts";
import { lastName, type NewSetting } from "./_settings.ts";

/** Attributes that hold such a text. */
const HOLDS = /^(?:extraConfig|extraOptions|configFile|config|text|source)$/;
const LINE = /^[ \t]*([A-Za-z][\w-]{2,60})(?:[ \t]*=[ \t]*|[ \t]+)(\S.*)$/gm;
/** A text of more lines is data. */
const MOST_LINES = 1_000;
/** Directives whose value may be `yes` as one of several words. */
const WORDS = /^(?:PermitRootLogin|StrictHostKeyChecking)$/i;

function directiveValue(name: string, text: string): SettingValue {
  if (/^(?:yes|true)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: true };
  if (/^(?:no|false)$/i.test(text) && !WORDS.test(name)) return { kind: "bool", value: false };
  const items = text.split(/\s+/);
  return items.length > 1 ? { kind: "list", items } : { kind: "string", value: text };
}

/** What a text of a setting sets, as settings of that name; none for other settings. */
export function directivesOf(setting: Setting): readonly Setting[] {
  if (setting.value.kind !== "string" || !HOLDS.test(lastName(setting))) return [];
  const found: Setting[] = [];
  for (const [, name = "", text = ""] of setting.value.value.matchAll(LINE)) {
    if (found.length >= MOST_LINES) break;
    const value = directiveValue(name, text.trim());
    found.push({ ...setting, attributes: [...setting.attributes, name], text: text.trim(), value });
  }
  return found;
}

/** A change, and those of the lines of its text. */
export function withDirectives(change: NewSetting): readonly NewSetting[] {
  const before = new Map(
    (change.before ? directivesOf(change.before) : []).map((each) => [lastName(each), each]),
  );
  const lines = directivesOf(change.after).map((after): NewSetting => {
    const old = before.get(lastName(after));
    return old ? { change: "changed", before: old, after } : { change: "added", before: null, after };
  });
  return [change, ...lines];
}
