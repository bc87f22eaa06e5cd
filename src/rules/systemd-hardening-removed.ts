import type { Setting } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import { isTestPath, lastName, settingFinding, shownValue } from "./_settings.ts";
import type { Facts, Rule } from "./rule.ts";

export const rule: Rule = {
  id: "systemd-hardening-removed",
  threat: "A43",
  description: "A systemd service loses protections that it had",
  severity: "medium",
  *check(facts) {
    for (const [service, changes] of services(facts)) {
      const lost = changes.filter((change) => scoreOf(change.after) < scoreOf(change.before));
      const delta = changes.reduce((sum, { before, after }) => sum + scoreOf(after) - scoreOf(before), 0);
      const [first] = lost;
      if (!first || delta >= 0) continue;
      const list = lost.map(
        ({ before, after }) => `${lastName(after ?? before)} (${shownValue(before)} → ${shownValue(after)})`,
      );
      yield settingFinding(first, {
        // One knob loosened is how honest fixes look.
        severity: (delta <= -2 && lost.length > 1) || changes.some(isRoot) ? "medium" : "low",
        confidence: "medium",
        title: `${service} loses protections: ${lost.map(({ before, after }) => lastName(after ?? before)).join(", ")}`,
        message: [
          `${service} loses ${list.join(", ")}; what the change adds does not make up for it.`,
          "A bug in the service then reaches more of the system than it did.",
          "An equally strong setting in its place, or the error that made it necessary, would clear this.",
          `Compare: systemd-analyze security ${service}.service`,
        ].join(" "),
        identity: [service, ...lost.map(({ before, after }) => lastName(after ?? before))],
        related: lost.slice(1).map(({ before, after }) => ({
          at: after ? { side: "head", span: after.span } : { side: "base", span: before.span },
          note: `${lastName(after ?? before)}: ${shownValue(before)} → ${shownValue(after)}`,
        })),
      });
    }
  },
};

/** The changed `serviceConfig` settings by service; services that come or go as a whole are left out. */
function services(facts: Facts): ReadonlyMap<string, readonly SettingChange[]> {
  const found = new Map<string, SettingChange[]>();
  for (const change of facts.settings) {
    const setting = change.after ?? change.before;
    const at = setting.attributes.indexOf("serviceConfig");
    if (at < 0 || isTestPath(setting.path)) continue;
    const name = setting.attributes[at - 1] ?? setting.path;
    const changes = found.get(name) ?? [];
    changes.push(change);
    found.set(name, changes);
  }
  for (const [name, changes] of found) {
    const runs = (setting: Setting | null) => setting !== null && /^ExecStart/.test(lastName(setting));
    const gone = changes.some(({ before }) => runs(before)) && !changes.some(({ after }) => runs(after));
    if (gone) found.delete(name);
  }
  return found;
}

/** Does the service run as root now, by its own words? */
function isRoot({ after }: SettingChange): boolean {
  return after !== null && lastName(after) === "User" && scoreOf(after) === 0;
}

/** Roughly as `systemd-analyze security` weighs them. */
const WEIGHTS: Readonly<Record<string, number>> = {
  NoNewPrivileges: 2,
  ProtectSystem: 2,
  ProtectHome: 2,
  PrivateTmp: 1,
  PrivateDevices: 2,
  PrivateNetwork: 2,
  PrivateUsers: 2,
  PrivateMounts: 1,
  DynamicUser: 3,
  CapabilityBoundingSet: 2,
  RestrictAddressFamilies: 2,
  SystemCallFilter: 3,
  SystemCallArchitectures: 1,
  MemoryDenyWriteExecute: 1,
  RestrictNamespaces: 1,
  RestrictRealtime: 1,
  RestrictSUIDSGID: 1,
  LockPersonality: 1,
  ProtectKernelTunables: 1,
  ProtectKernelModules: 1,
  ProtectKernelLogs: 1,
  ProtectControlGroups: 1,
  ProtectClock: 1,
  ProtectHostname: 1,
  ProtectProc: 1,
  ProcSubset: 1,
  RemoveIPC: 1,
  IPAddressDeny: 2,
  DeviceAllow: 1,
  DevicePolicy: 1,
  KeyringMode: 1,
};

/** How much a setting protects; an account other than root does as much as `DynamicUser`. */
function scoreOf(setting: Setting | null): number {
  if (setting === null) return 0;
  const name = lastName(setting);
  const { value } = setting;
  const text = value.kind === "string" ? value.value : "";
  if (name === "User") return text === "root" || text === "0" ? 0 : 3;
  const weight = Object.hasOwn(WEIGHTS, name) ? (WEIGHTS[name] ?? 0) : 0;
  if (value.kind === "bool" ? !value.value : /^(no|false|off|0|default|inherit)$/i.test(text)) return 0;
  if (value.kind === "list" && value.items.length === 0 && name !== "CapabilityBoundingSet") return 0;
  if (name === "ProtectSystem") return text === "strict" ? 3 : text === "full" ? 2 : 1;
  return weight;
}
