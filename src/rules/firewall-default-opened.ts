import type { Script, Setting } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import {
  isExample,
  isTestPath,
  lastName,
  newValues,
  nowSentence,
  optionPath,
  settingFinding,
  settingName,
  stringsOf,
} from "./_settings.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "firewall-default-opened",
  threat: "A44",
  description: "A module opens the firewall without being asked",
  severity: "medium",
  *check(facts) {
    for (const change of newValues(facts)) {
      const { after, before } = change;
      if (isTestPath(after.path) || isExample(after)) continue;
      const what = opened(change);
      if (what === null) continue;
      yield settingFinding(change, {
        severity: "medium",
        confidence: before ? "high" : "medium",
        title: what,
        message: [
          nowSentence(change),
          "Services of people who never asked for it become reachable from the network; the manual says that modules must not do this by default.",
          "An openFirewall option that is off, and mkIf cfg.openFirewall around the ports, would clear this.",
          "See what a system opens: nixos-option networking.firewall.allowedTCPPorts",
        ].join(" "),
      });
    }
    for (const { script, seen } of newSightings(facts, opening)) {
      yield scriptFinding(script, seen, {
        severity: "medium",
        confidence: "medium",
        title: "A script takes the firewall's rules away",
        message: `New in ${nameOf(script)}: ${seen.shown}. What the owner closed is then open until the rules are loaded again. A rule for one port, asked for by an option, would clear this. See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        after: seen.shown,
      });
    }
  },
};

interface Opening extends Sighting {
  readonly shown: string;
}

/** Commands of a service or an activation that take all rules away. */
function opening(script: Script): readonly Opening[] {
  if (script.context !== "run" && script.context !== "unknown") return [];
  return script.commands.flatMap((command) => {
    const shown = shownCommand(command);
    return /^(?:ip6?tables|nft)/.test(command.name) &&
      OPENS.test(`${command.name} ${command.words.join(" ")}`)
      ? [{ key: `opens ${shown}`, span: command.span, shown }]
      : [];
  });
}

const isTrue = (setting: Setting | null) => setting?.value.kind === "bool" && setting.value.value;

/** Commands and rules that remove all others. */
const OPENS =
  /\bip6?tables(?:\s+-w)?\s+(?:-F|--flush)(?=\s*(?:;|$|["'\n]))|-P\s+INPUT\s+ACCEPT|\bflush ruleset\b|policy accept/;
/** Whether a rule lets in from everywhere: of no interface and no source. */
function accepts(line: string, isNft: boolean): boolean {
  if (isNft) return /\baccept\b/.test(line) && !/\b(?:iifname|iif|saddr|ct state)\b/.test(line);
  return (
    /\s-[AI]\s{1,9}(?:INPUT|nixos-fw)\s/.test(line) &&
    /\s-j\s{1,9}(?:ACCEPT|nixos-fw-accept)\b/.test(line) &&
    !/\s-[is]\s{1,9}(?!0\.0\.0\.0\/0)/.test(line)
  );
}

function opened(change: SettingChange): string | null {
  const { after, before } = change;
  if (after === null) return null;
  const path = settingName(after);
  const option = optionPath(after).at(-1) ?? "";
  const isDefault = after.attributes.at(-1) === "default";
  if (/^open\w*Firewall|^openPorts?$|^firewall\.open$/i.test(option) && !asked(after.conditions)) {
    // `mkIf cfg.openFirewall` says the same; a value that is the module's own `enable` is on with it.
    const isOn = isTrue(after) || (isDefault && /^[\w.]*\benable$/.test(after.text));
    if (!isOn || isTrue(before)) return null;
    return isDefault ? `${option} is on by default` : `${path.replace(/^config\./, "")} is on without asking`;
  }
  const switches = /(?:^|\.)(?:networking\.firewall|systemd\.services\.(?:firewall|nftables))\.enable$/;
  if (switches.test(optionPath(after).join(".")) && !asked(after.conditions)) {
    // An option that is new and off takes nothing away.
    const isOff = after.value.kind === "bool" && !after.value.value && (!isDefault || isTrue(before));
    return isOff ? "The firewall is switched off" : null;
  }
  if (!/networking\.(firewall|nftables)\b/.test(path) || /^options\./.test(path)) return null;
  if (asked(after.conditions)) return null;
  if (/^(allowed(TCP|UDP)(Ports|PortRanges)|trustedInterfaces)$/.test(lastName(after))) {
    const { value } = after;
    const old = itemsAsked(before?.value ?? null);
    const ports =
      value.kind === "list"
        ? itemsAsked(value).filter((item) => item !== "lo" && !old.includes(item))
        : before || asked([after.text])
          ? []
          : [after.text];
    return ports.length > 0 ? `${lastName(after)} gains ${ports.slice(0, 5).join(", ")}` : null;
  }
  if (/^(?:extra(?:Stop)?Commands|ruleset|extraInputRules|content)$/.test(lastName(after))) {
    const isNft = lastName(after) === "extraInputRules";
    const accepted = (setting: Setting | null) =>
      (setting ? stringsOf(setting) : [])
        .flatMap((text) => text.split("\n"))
        .find((line) => accepts(line, isNft));
    const opens = (setting: Setting | null) =>
      OPENS.exec(setting?.text ?? "")?.[0] ?? accepted(setting)?.trim().slice(0, 100);
    const [old, now] = [opens(before), opens(after)];
    return now !== undefined && now !== old ? `${lastName(after)} opens it by ${now}` : null;
  }
  if (/^(from|to)$/.test(lastName(after)) && /PortRanges/.test(path) && before === null)
    return "A range of ports is opened";
  return null;
}

/** The items of a list that nobody asks for. */
function itemsAsked(value: Setting["value"] | null): readonly string[] {
  if (value?.kind !== "list") return [];
  return value.items.filter((item, index) => !asked([value.when?.[index] ?? "", item]));
}

/** Whether one of the conditions asks for the firewall to be opened. */
function asked(conditions: readonly string[]): boolean {
  return conditions.some(
    (condition) => alternatives(condition).every(asks) || /firewall\w{0,100}\s{0,100}=/i.test(condition),
  );
}

/** Whether a condition names such an option, and does not ask that it be off. */
function asks(condition: string): boolean {
  // That there is a firewall is no wish to open it.
  const text = condition.replace(/\bnetworking\.(?:firewall|nftables)\b[\w.]*/g, "");
  const at = text.search(/firewall|openPorts?|\bopen\b/i);
  const before = text.slice(Math.max(0, at - 200), Math.max(0, at));
  return at >= 0 && !/![\s(]{0,9}[\w.'-]{0,180}$/.test(before);
}

/** The sides of `||`, outside brackets. */
function alternatives(condition: string): readonly string[] {
  const found = [""];
  let depth = 0;
  for (const piece of condition.split(/(\|\||[()])/)) {
    depth += piece === "(" ? 1 : piece === ")" ? -1 : 0;
    if (piece === "||" && depth === 0) found.push("");
    else found.push(`${found.pop() ?? ""}${piece}`);
  }
  return found;
}
