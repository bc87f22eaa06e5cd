import type { Command, Script, Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { STRONG, WEAK } from "./_capabilities.ts";
import { indexed } from "./_index.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import {
  isExample,
  isTestPath,
  itemsOf,
  lastName,
  newValues,
  nowSentence,
  optionPath,
  settingFinding,
  settingName,
  stringsOf,
} from "./_settings.ts";
import { addedLines, addedText, argument, extension, headPath, inHead, type Line, visible } from "./_text.ts";
import type { Facts, FileFacts, Rule, RuleFinding } from "./rule.ts";

interface Grant {
  /** Equal for the same power: a grant that the change takes away elsewhere is not new. */
  readonly key: string;
  readonly severity: Severity;
  readonly what: string;
}

interface SeenGrant extends Grant, Sighting {
  readonly command: Command;
}

export const rule: Rule = {
  id: "privilege-grant-added",
  threat: "A35",
  description: "A program or user gets more power over the system",
  severity: "high",
  *check(facts) {
    const given = grantsOfBase(facts);
    for (const change of newValues(facts)) {
      const { after, before } = change;
      if (isTestPath(after.path) || isExample(after)) continue;
      const old = new Set(before ? grantsOf(before).map(({ key }) => key) : []);
      for (const grant of grantsOf(after)) {
        if (old.has(grant.key) || given.has(grant.key)) continue;
        // A capability is less than setuid.
        if (grant.severity === "low" && given.has(grant.key.replace(/^capabilities /, "setuid "))) continue;
        yield settingFinding(change, {
          severity: grant.severity,
          confidence: "medium",
          title: grant.what,
          message: [
            nowSentence(change),
            "Whoever controls that program or account, by a bug or on purpose, then has this power over the whole system.",
            "A narrower grant (one capability instead of setuid, a group of its own), or the upstream's reason for it, would clear this.",
            `See what it gives: nixos-option ${settingName(after).replace(/^config\./, "")}`,
          ].join(" "),
          identity: [settingName(after), grant.key],
        });
      }
    }
    for (const { script, seen } of newSightings(facts, commandGrants)) {
      yield scriptFinding(script, seen, {
        severity: seen.severity,
        confidence: "medium",
        title: seen.what,
        message: `New in ${nameOf(script)}: ${shownCommand(seen.command)}. A file that gives its caller another user's rights is a way in for everybody on the system; in the store such bits are even lost, so it does nothing good there. security.wrappers, with the narrowest capability, would clear this. See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        after: shownCommand(seen.command),
      });
    }
    for (const file of facts.files) yield* fileGrants(facts, file);
  },
};

/** What the base grants and the head does not, at the same place. */
function grantsOfBase(facts: Facts): ReadonlySet<string> {
  return new Set(
    facts.settings.flatMap(({ before, after }) => {
      const kept = new Set(after ? grantsOf(after).map(({ key }) => key) : []);
      return before ? grantsOf(before).flatMap(({ key }) => (kept.has(key) ? [] : [key])) : [];
    }),
  );
}

/** Files that other programs take as configuration; settings and scripts of Nix files are read as such. */
const CONFIGURATION = new Set(["rules", "policy", "conf", "xml", "in", "pkla", "service", ""]);

/** What of that the base has anywhere. */
const openInBase = indexed(
  ({ files }) =>
    new Set(OPEN_TEXTS.filter(({ text }) => files.some(({ base }) => base !== null && text.test(base)))),
);

/** The same texts in files. */
function* fileGrants(facts: Facts, file: FileFacts): Generator<RuleFinding> {
  const path = headPath(file);
  if (isTestPath(path) || !CONFIGURATION.has(extension(path))) return;
  const added = addedText(file);
  for (const open of OPEN_TEXTS) {
    const { about, text, severity, what } = open;
    if (!text.test(added) || !about.test(`${path}\n${file.head ?? ""}`)) continue;
    if (openInBase(facts).has(open)) continue;
    const line: Line | undefined = addedLines(file).find((each) => text.test(each.text));
    if (!line) continue;
    yield {
      severity,
      confidence: "medium",
      title: what,
      message: `New in ${path}: \`${visible(line.text.trim(), 200)}\`. Whoever can ask then gets this power over the whole system. A narrower rule, or the upstream's reason for it, would clear this. See it with: git diff BASE HEAD -- ${argument(path)}`,
      at: inHead(file, line.start, line.end),
      before: null,
      after: visible(line.text.trim(), 200),
      evidence: ["static"],
      related: [],
      identity: [what, line.text.trim()],
    };
  }
}

const POWERFUL_GROUPS =
  /^(wheel|docker|kvm|libvirtd|disk|shadow|root|sudo|lxd|podman|video-admin|incus-admin|kmem)$/;

/** A line of a sudoers file that asks for no password. */
const FREE_LINE = /^[ \t]{0,40}[%\w][^\s$]{0,80}[ \t][^$\n]{0,300}NOPASSWD/m;
/** Options and mounts that give a container the whole machine. */
const HOST = /^--privileged$|^--cap-add[= ](?:ALL|SYS_ADMIN)$|^--pid[= ]host$|docker\.sock|^\/:/;

/** Texts of configuration that let everybody do something: what they are about, where and how they say it. */
const OPEN_TEXTS: readonly {
  readonly kind: string;
  /** What the path and the text have, where such a text is looked for. */
  readonly about: RegExp;
  readonly text: RegExp;
  readonly severity: Severity;
  readonly what: string;
}[] = [
  {
    kind: "polkit",
    about: /polkit|<policyconfig/i,
    text: /Result\.YES|return\s+["']yes["']|<allow_(?:any|inactive|active)>\s{0,20}yes/,
    severity: "high",
    what: "A polkit rule says yes without asking",
  },
  {
    kind: "dbus",
    about: /^/,
    text: /<allow\s+(?:own|send_destination)="\*"/,
    severity: "high",
    what: "A D-Bus policy lets everybody reach every service",
  },
  {
    kind: "pam",
    about: /^/,
    text: /^auth\s+(?:sufficient|required)\s+\S*pam_permit\.so/m,
    severity: "high",
    what: "A PAM service lets everybody in",
  },
  {
    kind: "udev",
    about: /udev|\b(?:KERNEL|SUBSYSTEM)S?\s?==/,
    text: /MODE\s*:?=\s*"0?666"/,
    severity: "medium",
    what: "A udev rule lets everybody write to a device",
  },
];

/** Kernel parameters that switch off a protection, or start something else than the system. */
const OPEN_KERNEL =
  /^(mitigations=off|nokaslr|nopti|nospectre\w*|selinux=0|apparmor=0|lockdown=none|module\.sig_enforce=0|init=[^$]+|rd\.break\S*|(?:rd\.)?systemd\.debug[_-]shell\S*|init_on_alloc=0|slab_nomerge=0|iommu=off)$/;

/** The power that a setting gives. */
function grantsOf(setting: Setting): readonly Grant[] {
  const path = settingName(setting);
  const name = optionPath(setting).at(-1) ?? "";
  const text = setting.value.kind === "string" ? setting.value.value : "";
  const isOn = setting.value.kind === "bool" && setting.value.value;
  const each = (items: readonly string[], kind: string, what: (item: string) => string) =>
    items.map((item): Grant => ({ key: `${kind} ${item}`, severity: "high", what: what(item) }));

  if (/security\.wrappers\./.test(path) || /\bsecurity\.(setuidPrograms|setuidOwners)\b/.test(path))
    return wrapperGrants(setting);
  if (name === "AmbientCapabilities")
    return stringsOf(setting).flatMap((item) =>
      capabilities(`ambient ${item}`, `A service gets ${item}`, item),
    );
  if (/security\.(sudo|doas|sudo-rs)\b/.test(path) || (/\bsudoers\.d\b/.test(path) && FREE_LINE.test(text))) {
    const what = "Commands run as another user without a password";
    return asksNoPassword(setting) ? [{ key: `nopasswd ${path}`, severity: "high", what }] : [];
  }
  if (/ld-nix\.so\.preload/.test(path))
    return [{ key: "preload", severity: "high", what: "Every program loads a library" }];
  const open = OPEN_TEXTS.find((one) => one.text.test(text) && one.about.test(`${path}\n${text}`));
  if (open) return [{ key: `${open.kind} ${path}`, severity: open.severity, what: open.what }];
  if (
    name === "modulePath" &&
    setting.attributes.includes("pam") &&
    setting.attributes.includes("auth") &&
    /pam_permit\.so/.test(text)
  )
    return [{ key: `pam ${path}`, severity: "high", what: "A PAM service lets everybody in" }];
  if (
    /\bcontainers\./.test(path) &&
    ((name === "privileged" && isOn) || (name === "hostPath" && (text === "/" || HOST.test(text))))
  )
    return each(
      [name === "privileged" ? name : text],
      "host",
      (item) => `A container or service gets ${item}`,
    );
  if (/^(?:extraOptions|volumes|Bind(?:ReadOnly)?Paths)$/.test(name)) {
    const wide = itemsOf(setting).filter((item) => HOST.test(item));
    if (wide.length > 0) return each(wide, "host", (item) => `A container or service gets ${item}`);
  }
  if (
    /^(?:extraGroups|SupplementaryGroups)$/.test(name) ||
    (name === "group" && /\busers\.(?:users|extraUsers)\./.test(path)) ||
    (name === "members" && /\busers\.(?:groups|extraGroups)\./.test(path))
  ) {
    const groups = name === "members" ? [setting.attributes.at(-2) ?? ""] : stringsOf(setting);
    const powerful = groups.filter((group) => POWERFUL_GROUPS.test(group));
    return each(powerful, "group", (group) => `An account joins the group ${group}`);
  }
  if (name === "uid" && /\busers\.(?:users|extraUsers)\.(?!root\b)/.test(path) && setting.text === "0")
    return [{ key: `uid ${path}`, severity: "high", what: "An account is root by another name" }];
  if (name === "kernelParams") {
    const opening = itemsOf(setting).filter((item) => OPEN_KERNEL.test(item));
    return each(opening, "kernel", (item) => `The kernel starts with ${item}`);
  }
  const weak = weakSysctl(setting);
  return weak === null
    ? []
    : [{ key: `sysctl ${weak}`, severity: "medium", what: `The kernel setting ${weak} is opened` }];
}

/** The power that `security.wrappers` and its older forms give to programs. */
function wrapperGrants(setting: Setting): readonly Grant[] {
  const { attributes, value } = setting;
  const name = lastName(setting);
  const program = attributes[attributes.indexOf("wrappers") + 1] ?? "";
  const setuid = (item: string, as: string): Grant => ({
    key: `setuid ${item}`,
    severity: "high",
    what: `${item} becomes ${as}`,
  });
  if (/^(setuid|setgid)$/.test(name) && value.kind === "bool" && value.value) return [setuid(program, name)];
  if (name === "permissions" && value.kind === "string" && /[ugoa+=,][rwx]{0,3}s/.test(value.value))
    return [setuid(program, "setuid or setgid")];
  // `security.wrappers.frob = mkSetuidRoot "…";`
  if (attributes.at(-1) === program && value.kind === "other" && /^[\w.]*setuid/i.test(setting.text))
    return [setuid(program, "setuid")];
  if (name === "capabilities") {
    const text = value.kind === "string" ? value.value : "";
    return capabilities(`capabilities ${program}`, `${program} gets ${text}`, text);
  }
  return name === "setuidPrograms" ? itemsOf(setting).map((item) => setuid(item, "setuid")) : [];
}

/** Whether a setting of sudo or doas lets commands run without a password. */
function asksNoPassword(setting: Setting): boolean {
  const { value } = setting;
  const name = lastName(setting);
  return (
    (name === "options" && itemsOf(setting).includes("NOPASSWD")) ||
    (value.kind === "string" && /NOPASSWD|nopass/.test(value.value)) ||
    (name === "noPass" && value.kind === "bool" && value.value)
  );
}

function capabilities(key: string, what: string, text: string): readonly Grant[] {
  if (text === "" || text.startsWith("~")) return [];
  return [{ key, what, severity: STRONG.test(text) ? "high" : WEAK.test(text) ? "low" : "medium" }];
}

/** Settings that are weaker the lower they are, with the lowest value that is not weak. */
const SYSCTL: Readonly<Record<string, number>> = {
  "kernel.yama.ptrace_scope": 1,
  "kernel.kptr_restrict": 1,
  "kernel.dmesg_restrict": 1,
  "kernel.unprivileged_bpf_disabled": 1,
  "kernel.randomize_va_space": 2,
  "net.ipv4.conf.all.rp_filter": 1,
  "fs.protected_symlinks": 1,
  "fs.protected_hardlinks": 1,
};

function weakSysctl(setting: Setting): string | null {
  if (!setting.attributes.includes("sysctl")) return null;
  const name = setting.attributes.slice(setting.attributes.indexOf("sysctl") + 1).join(".");
  const least = Object.hasOwn(SYSCTL, name) ? SYSCTL[name] : undefined;
  const { value } = setting;
  const number = "value" in value ? Number(value.value) : Number.NaN;
  return least !== undefined && number < least ? name : null;
}

function commandGrants(script: Script): readonly SeenGrant[] {
  if (["test", "patch", "ci"].includes(script.context)) return [];
  return script.commands.flatMap((command): readonly SeenGrant[] => {
    const seen = (key: string, what: string, severity: Severity) => [
      { key, what, severity, command, span: command.span },
    ];
    const words = command.words.join(" ");
    if (
      command.name === "chmod" &&
      /(^|\s)([ugoa]*[+=][rwxX]*s|[2467]\d{3})(\s|$|,)/.test(words) &&
      !/(^|\s)(g\+s|2\d{3})(\s|$)/.test(words)
    ) {
      return seen(`chmod ${words}`, "A file becomes setuid", "high");
    }
    if (command.name === "install" && /(-m\s*|--mode=)[467]\d{3}\b/.test(words))
      return seen(`install ${words}`, "A file becomes setuid", "high");
    if (command.name === "setcap")
      return seen(`setcap ${words}`, "A file gets capabilities", STRONG.test(words) ? "high" : "medium");
    return [];
  });
}
