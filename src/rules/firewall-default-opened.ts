import type { Setting } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import {
  isExample,
  isTestPath,
  lastName,
  listDifference,
  newSettings,
  nowSentence,
  optionPath,
  settingFinding,
  settingName,
} from "./_settings.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "firewall-default-opened",
  threat: "A44",
  description: "A module opens the firewall without being asked",
  severity: "medium",
  *check(facts) {
    for (const change of newSettings(facts)) {
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
  },
};

const isTrue = (setting: Setting | null) => setting?.value.kind === "bool" && setting.value.value;

/** Commands and rules that remove all others. */
const OPENS =
  /\bip6?tables(?:\s+-w)?\s+(?:-F|--flush)(?=\s*(?:;|$|["'\n]))|-P\s+INPUT\s+ACCEPT|\bflush ruleset\b|policy accept/;

function opened(change: SettingChange): string | null {
  const { after, before } = change;
  if (after === null) return null;
  const path = settingName(after);
  const option = optionPath(after).at(-1) ?? "";
  if (/^openFirewall$|^openPorts?$|^firewall\.open$/i.test(option) && after.attributes.at(-1) === "default") {
    return isTrue(after) && !isTrue(before) ? `${option} is on by default` : null;
  }
  if (!/networking\.(firewall|nftables)\b/.test(path) || /^options\./.test(path)) return null;
  if (asked(after)) return null;
  if (/networking\.firewall\.enable$/.test(path)) {
    return after.value.kind === "bool" && !after.value.value ? "The firewall is switched off" : null;
  }
  if (/^(allowed(TCP|UDP)(Ports|PortRanges)|trustedInterfaces)$/.test(lastName(after))) {
    const ports =
      after.value.kind === "list"
        ? listDifference(change).added.filter((item) => item !== "lo")
        : before
          ? []
          : [after.text];
    return ports.length > 0 ? `${lastName(after)} gains ${ports.slice(0, 5).join(", ")}` : null;
  }
  if (/^(?:extra(?:Stop)?Commands|ruleset|extraInputRules)$/.test(lastName(after))) {
    const opens = (setting: Setting | null) => OPENS.exec(setting?.text ?? "")?.[0];
    const [old, now] = [opens(before), opens(after)];
    return now !== undefined && now !== old ? `${lastName(after)} opens it by ${now}` : null;
  }
  if (/^(from|to)$/.test(lastName(after)) && /PortRanges/.test(path) && before === null)
    return "A range of ports is opened";
  return null;
}

/** Whether a condition around the setting asks for the firewall to be opened. */
function asked(setting: Setting): boolean {
  return (
    setting.conditions.some((condition) => /firewall|openPorts?|\bopen\b/i.test(condition)) ||
    /firewall\w{0,100}\s{0,100}=/i.test(setting.conditions.join(" "))
  );
}
