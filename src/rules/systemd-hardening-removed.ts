import { addTo } from "../lists.ts";
import type { Setting } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import { STRONG } from "./_capabilities.ts";
import {
  isExample,
  isGonePackage,
  isTestPath,
  lastName,
  listDifference,
  optionPath,
  settingFinding,
  settingName,
  shownValue,
} from "./_settings.ts";
import { argument, visible } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

export const rule: Rule = {
  id: "systemd-hardening-removed",
  threat: "A43",
  description: "A systemd service, or the whole system, loses protections that it had",
  severity: "medium",
  *check(facts) {
    for (const [service, changes] of services(facts)) {
      const counted = changes.filter((change) => !isImplied(change, changes));
      const lost = counted.filter((change) => gainOf(change) < 0);
      const delta = counted.reduce((sum, change) => sum + gainOf(change), 0);
      const [first] = lost;
      if (!first || delta >= 0) continue;
      const list = lost.map(
        ({ before, after }) => `${nameIn(after ?? before)} (${shownValue(before)} → ${shownValue(after)})`,
      );
      yield settingFinding(first, {
        // Honest fixes loosen one setting; a confinement protects the whole file system.
        severity:
          (delta <= -2 && lost.length > 1) || changes.some(isRoot) || lost.some(isConfinement)
            ? "medium"
            : "low",
        confidence: "medium",
        title: `${service} loses protections: ${lost.map(({ before, after }) => nameIn(after ?? before)).join(", ")}`,
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
    yield* systemFindings(facts);
    yield* moduleFindings(facts);
  },
};

/** What a message calls a service's setting. */
function nameIn(setting: Setting): string {
  const name = lastName(setting);
  return name === "enable" ? `confinement.${name}` : name;
}

/** `confinement.enable` of NixOS: the service sees nothing of the file system but what it needs. */
function isConfinement({ before, after }: SettingChange): boolean {
  return (after ?? before).attributes.at(-2) === "confinement";
}

/** Protections of the whole system, and the value that switches each on. */
const SWITCHES: Readonly<Record<string, boolean>> = {
  "security.apparmor.enable": true,
  "security.apparmor.killUnconfinedConfinables": true,
  "security.lockKernelModules": true,
  "security.protectKernelImage": true,
  "security.forcePageTableIsolation": true,
  "security.hideProcessInformation": true,
  "security.audit.enable": true,
  "security.auditd.enable": true,
  "security.sudo.execWheelOnly": true,
  "security.sudo-rs.execWheelOnly": true,
  "security.unprivilegedUsernsClone": false,
  "security.allowUserNamespaces": false,
  "security.allowSimultaneousMultithreading": false,
  "services.fail2ban.enable": true,
  "services.sshguard.enable": true,
  "services.usbguard.enable": true,
};

/** The protection that a setting is the switch of. */
function switchOf(setting: Setting): string | null {
  const path = optionPath(setting)
    .join(".")
    .replace(/^(?:(?:options|config)\.)*/, "");
  return Object.hasOwn(SWITCHES, path) ? path : null;
}

/** The option of a service's account now has root as its default. */
function isRootByDefault({ before, after }: SettingChange): boolean {
  if (after === null || before?.value.kind !== "string" || before.value.value === "root") return false;
  const isDefault = after.attributes.at(-1) === "default" && optionPath(after).at(-1) === "user";
  return isDefault && after.value.kind === "string" && after.value.value === "root";
}

/** Whether a setting says that its protection is on. */
function isOn(setting: Setting): boolean {
  const name = switchOf(setting);
  return name !== null && setting.value.kind === "bool" && setting.value.value === SWITCHES[name];
}

function* systemFindings(facts: Facts): Generator<RuleFinding> {
  for (const change of facts.settings) {
    const { before, after } = change;
    if (before === null || isTestPath(before.path) || isExample(before)) continue;
    const isRoot = isRootByDefault(change);
    if (!isRoot && !isOn(before)) continue;
    if (
      after === null ? isGonePackage(facts, before) : !isRoot && (after.value.kind !== "bool" || isOn(after))
    )
      continue;
    yield settingFinding(change, {
      severity: "medium",
      confidence: after ? "high" : "medium",
      title: isRoot
        ? `A service is root by default: ${optionPath(before).join(".")}`
        : `The system loses a protection: ${switchOf(before) ?? ""}`,
      message: [
        `${settingName(before)} was ${shownValue(before)} and is ${after ? `now ${shownValue(after)}` : "not set any more"}.`,
        "What it kept programs from, they can do on every system that takes this over with its next update.",
        "The error that made it necessary, or the setting that does the same now, would clear this.",
        `See it with: git diff BASE HEAD -- ${argument((after ?? before).path)}`,
      ].join(" "),
    });
  }
}

/** Modules of NixOS that protect the system, as `disabledModules` names them: by path below `nixos/modules`. */
const PROTECTING =
  /^(?:nixos\/modules\/)?(?:(?:services\/)?security\/|services\/networking\/(?:firewall[\w-]*|nftables)\.nix$)/;

function* moduleFindings(facts: Facts): Generator<RuleFinding> {
  for (const change of facts.settings) {
    const { after } = change;
    if (after === null || lastName(after) !== "disabledModules" || isTestPath(after.path)) continue;
    const modules = listDifference(change).added.filter((item) => PROTECTING.test(item));
    if (modules.length === 0) continue;
    const names = visible(modules.join(", "), 200);
    yield settingFinding(change, {
      severity: "medium",
      confidence: "medium",
      title: `A module that protects the system is disabled: ${names}`,
      message: [
        `disabledModules newly has ${names}.`,
        "What the module does is then left to whatever is imported in its place, or to nobody.",
        "The module that takes its place, in the same change, would clear this.",
        `See it with: git diff BASE HEAD -- ${argument(after.path)}`,
      ].join(" "),
      identity: ["disabled module", ...modules],
    });
  }
}

/**
 * The changed settings of `serviceConfig` and `confinement`, and what services run, by service; those that come or go as a
 * whole are left out. Sets of such settings that services share, as `hardening = { … }`, are looked at like services; what
 * moves between these and services is no loss.
 */
function services(facts: Facts): ReadonlyMap<string, readonly SettingChange[]> {
  const found = new Map<string, SettingChange[]>();
  const shared = new Map<string, SettingChange[]>();
  for (const change of facts.settings) {
    const setting = change.after ?? change.before;
    if (isTestPath(setting.path)) continue;
    const at = setting.attributes.findIndex((name) => /^(?:serviceConfig|confinement|script)$/.test(name));
    const name = setting.attributes.at(at < 0 ? -2 : at - 1) ?? setting.path;
    if (at >= 0) addTo(found, at === 0 ? setting.path : name, change);
    else if (Object.hasOwn(WEIGHTS, lastName(setting)) && setting.attributes.length > 1)
      addTo(shared, name, change);
  }
  const gone = new Set<string>();
  for (const [name, changes] of found) {
    const runs = (setting: Setting | null) =>
      setting !== null && /^(?:ExecStart|script$)/.test(lastName(setting));
    if (!changes.some(({ before }) => runs(before)) || changes.some(({ after }) => runs(after))) continue;
    found.delete(name);
    for (const { before } of changes) if (before) gone.add(before.path);
  }
  const [inServices, inSets] = [gained(found), gained(shared)];
  for (const [name, changes] of found) found.set(name, without(changes, inSets));
  for (const [name, changes] of shared) {
    const left = without(changes, inServices).filter(
      ({ before }) => before === null || !(gone.has(before.path) || isGonePackage(facts, before)),
    );
    if (!found.has(name)) found.set(name, left);
  }
  return found;
}

const nameAndValue = (setting: Setting) => `${lastName(setting)}\0${setting.text}`;

/** The settings that are new. */
function gained(groups: ReadonlyMap<string, readonly SettingChange[]>): ReadonlySet<string> {
  return new Set(
    [...groups.values()].flat().flatMap(({ after }) => (after === null ? [] : [nameAndValue(after)])),
  );
}

/** The changes without the removals of what is new elsewhere. */
function without(changes: readonly SettingChange[], moved: ReadonlySet<string>): SettingChange[] {
  return changes.filter(({ before, after }) => after !== null || !moved.has(nameAndValue(before)));
}

/** What `DynamicUser` brings with it. https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#DynamicUser= */
const IMPLIED = /^(?:User|PrivateTmp|RemoveIPC|NoNewPrivileges|RestrictSUIDSGID|ProtectSystem|ProtectHome)$/;

/** Whether a protection goes that the service's new `DynamicUser` has as well. */
function isImplied({ before, after }: SettingChange, changes: readonly SettingChange[]): boolean {
  if (after !== null || !IMPLIED.test(lastName(before))) return false;
  const isDynamic = ({ before: old, after: now }: SettingChange) =>
    now !== null && lastName(now) === "DynamicUser" && scoreOf(now) > scoreOf(old);
  return changes.some(isDynamic);
}

/** How much more a setting protects than before. What is newly forced off was on elsewhere. */
function gainOf({ before, after }: SettingChange): number {
  const isForced =
    before === null &&
    after.wrappers.includes("mkForce") &&
    after.value.kind === "bool" &&
    !after.value.value;
  return isForced ? -weightOf(lastName(after)) : scoreOf(after) - scoreOf(before);
}

/** Whether the service now says that it runs as root. */
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

const weightOf = (name: string) => (Object.hasOwn(WEIGHTS, name) ? (WEIGHTS[name] ?? 0) : 0);

/** How much a setting protects; an account other than root protects as much as `DynamicUser`. */
function scoreOf(setting: Setting | null): number {
  if (setting === null) return 0;
  const name = lastName(setting);
  const { value } = setting;
  const text = value.kind === "string" ? value.value : "";
  if (setting.attributes.at(-2) === "confinement")
    return name === "enable" && (value.kind !== "bool" || value.value) ? 3 : 0;
  if (name === "User") return text === "root" || text === "0" ? 0 : 3;
  const weight = weightOf(name);
  if (value.kind === "bool" ? !value.value : /^(no|false|off|0|default|inherit)$/i.test(text)) return 0;
  if (value.kind === "list" && value.items.length === 0 && name !== "CapabilityBoundingSet") return 0;
  // A list of what is forbidden lets the rest through.
  const words = value.kind === "list" ? value.items : text.split(/\s+/);
  if (name === "SystemCallFilter" && words.every((word) => word.startsWith("~"))) return weight - 1;
  if (name === "CapabilityBoundingSet" && words.some((word) => word.startsWith("~") || STRONG.test(word)))
    return weight - 1;
  if (name === "ProtectSystem") return text === "strict" ? 3 : text === "full" ? 2 : 1;
  return weight;
}
