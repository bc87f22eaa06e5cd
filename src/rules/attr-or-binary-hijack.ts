import type { Command, Script } from "../nix/model.ts";
import type { SettingChange } from "../pair/settings.ts";
import type { Severity } from "../report/review.ts";
import { operandsOf, writtenFiles } from "./_commands.ts";
import { asksBy, type Redirected, redirectedBy, redirectedIn } from "./_host-names.ts";
import { isNewFile, nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import { type OthersCode, othersCodeIn, othersCodeOf } from "./_search-paths.ts";
import {
  isExample,
  isNewPackage,
  isTestPath,
  lastName,
  lastPart,
  newSettings,
  nowSentence,
  settingFinding,
  settingName,
  versionChange,
} from "./_settings.ts";
import { argument, fileName, visible } from "./_text.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

export const rule: Rule = {
  id: "attr-or-binary-hijack",
  threat: "A37",
  description: "A name or a search path that people use starts to lead to another program or host",
  severity: "high",
  *check(facts) {
    for (const change of newSettings(facts)) {
      const { after } = change;
      if (isTestPath(after.path)) continue;
      const hijack = hijackOf(facts, change);
      if (!hijack) continue;
      yield settingFinding(change, {
        severity: hijack.severity,
        confidence: "medium",
        title: hijack.what,
        message: [
          nowSentence(change),
          hijack.why,
          "Upstream's own rename, linked from the change, would clear this.",
          hijack.check,
        ].join(" "),
      });
    }
    for (const { script, seen } of newSightings(facts, shadowed)) {
      yield scriptFinding(script, seen, {
        severity: isNewFile(facts, script.path) ? "low" : "high",
        confidence: "medium",
        title: `${nameOf(script)} puts ${seen.name} into bin`,
        message: `New in ${nameOf(script)}: ${shownCommand(seen.command)}. A package that is not ${seen.name} then answers when people type ${seen.name}, and sees what they hand to it. Another name, or a folder outside bin, would clear this. See what it installs: ls $(nix-build -A ATTRIBUTE)/bin`,
        after: seen.name,
      });
    }
    yield* othersFindings(facts);
    yield* hostFindings(facts);
    yield* askedFindings(facts);
  },
};

const compare = (path: string) => `See it with: git diff BASE HEAD -- ${argument(path)}`;

function* othersFindings(facts: Facts): Generator<RuleFinding> {
  const about = ({ variable, place, why, severity }: OthersCode, path: string) => ({
    severity,
    confidence: "medium" as const,
    title: `${variable} leads to ${visible(place)}`,
    message: `${variable} newly holds ${visible(place)}: ${why}. Programs that see the variable run what lies there, with the rights of whoever starts them. A file of the package itself, or of another one, would clear this. ${compare(path)}`,
  });
  for (const change of newSettings(facts)) {
    const { after, before } = change;
    if (isTestPath(after.path) || isExample(after)) continue;
    const found = othersCodeOf(after);
    if (!found || (before && othersCodeOf(before)?.key === found.key)) continue;
    yield settingFinding(change, { ...about(found, after.path), identity: [settingName(after), found.key] });
  }
  for (const { script, seen } of newSightings(facts, othersCodeIn))
    yield scriptFinding(script, seen, { ...about(seen, script.path), after: shownCommand(seen.command) });
}

function* hostFindings(facts: Facts): Generator<RuleFinding> {
  const keyOf = ({ host, address }: Redirected) => `${host} ${address}`;
  const known = new Set(
    facts.settings.flatMap(({ before }) => (before ? redirectedBy(before).map(keyOf) : [])),
  );
  const about = ({ host, address }: Redirected, path: string) => ({
    severity: "high" as const,
    confidence: "medium" as const,
    title: `${host} is sent to ${visible(address)}`,
    message: `Machines that take this over ask ${visible(address)} for what they mean to get from ${host}: who answers there sees what they ask for, can keep updates from them, and stands in where nothing but the name is checked. Leaving the name to DNS, or a mirror under its own name, would clear this. ${compare(path)}`,
  });
  for (const change of newSettings(facts)) {
    const { after } = change;
    if (isTestPath(after.path) || isExample(after)) continue;
    for (const each of redirectedBy(after).filter((one) => !known.has(keyOf(one))))
      yield settingFinding(change, { ...about(each, after.path), identity: [keyOf(each)] });
  }
  for (const { script, seen } of newSightings(facts, redirectedIn))
    yield scriptFinding(script, seen, { ...about(seen, script.path), after: shownCommand(seen.command) });
}

const ASKED = {
  names: [
    "All names are asked of",
    "says which address each name has, also that of the cache and of updates",
  ],
  web: ["The web is reached through", "sees whom each machine asks, and can keep updates from it"],
} as const;

function* askedFindings(facts: Facts): Generator<RuleFinding> {
  const known = new Set(
    facts.settings.flatMap(({ before }) => (before ? asksBy(before).map(({ address }) => address) : [])),
  );
  for (const change of newSettings(facts)) {
    const { after } = change;
    if (isTestPath(after.path) || isExample(after)) continue;
    const [first] = asksBy(after).filter(({ address }) => !known.has(address));
    if (!first) continue;
    const [what, why] = ASKED[first.what];
    yield settingFinding(change, {
      severity: "medium",
      confidence: "medium",
      title: `${what} ${visible(first.address)}`,
      message: `${settingName(after)} newly holds ${visible(first.address)}: who is there ${why}. A word on whose it is, or leaving the choice to whoever runs the machine, would clear this. ${compare(after.path)}`,
      identity: [settingName(after), first.address],
    });
  }
}

interface Hijack {
  readonly what: string;
  readonly why: string;
  readonly check: string;
  readonly severity: Severity;
}

function hijackOf(facts: Facts, change: SettingChange): Hijack | null {
  const { after, before } = change;
  if (after === null) return null;
  const name = lastName(after);
  if (name === "mainProgram" && before !== null) {
    const [now, old] = [after.value, before.value];
    if (now.kind !== "string" || old.kind !== "string" || isNewPackage(facts, after)) return null;
    const version = versionChange(facts, change);
    const major = version !== null && version.from.split(".")[0] !== version.to.split(".")[0];
    if (major || now.value.includes("${") || packageNames(facts, change).includes(now.value)) return null;
    return {
      what: `The package now starts ${now.value} instead of ${old.value}`,
      why: "nix run and every module that uses lib.getExe start this program, with the user's rights, without anybody having asked for another one.",
      check: "See what is installed: ls $(nix-build -A ATTRIBUTE)/bin",
      severity: "medium",
    };
  }
  if (name === "priority" && after.attributes.includes("meta")) {
    const was = before?.value.kind === "number" ? before.value.value : 5;
    if (after.value.kind !== "number" || after.value.value >= was || isNewPackage(facts, after)) return null;
    return {
      what: `The package's files now win over those of others (priority ${after.value.value})`,
      why: "In a profile with both, its programs take the place of others with the same name.",
      check: "See which names it has: ls $(nix-build -A ATTRIBUTE)/bin",
      severity: "medium",
    };
  }
  return retargeted(change);
}

/** The names that the package goes by: that of its folder, and its pname. */
function packageNames(facts: Facts, { after }: SettingChange): readonly string[] {
  const path = after?.path ?? "";
  const folder = path.split("/").at(-2) ?? "";
  const names = facts.pins.head.flatMap((pin) =>
    pin.path === path && pin.pname !== null ? [pin.pname] : [],
  );
  return [folder, ...names];
}

const NAME_LISTS =
  /(^|\/)(aliases|all-packages|top-level|python-aliases|python-packages|perl-packages|\w+-packages)\.nix$/;

/** An attribute of a list of packages that goes from one package to an unrelated one. */
function retargeted({ before, after }: SettingChange): Hijack | null {
  if (before === null || after === null || !NAME_LISTS.test(after.path)) return null;
  const name = lastName(after);
  const [old, now] = [targetOf(before.text), targetOf(after.text)];
  if (old === null || now === null || old === now) return null;
  // Another version or variant, or the attribute's own name: bumps of defaults and renames look like this.
  const isAlike = now.split(".").some((part) => related(part, lastPart(old)) || related(part, name));
  if (isAlike || after.conditions.length > 0) return null;
  return {
    what: `${name} now is ${now} instead of ${old}`,
    why: "Everybody who installs or depends on that name gets another program with their next update.",
    check: `Compare both: nix eval -f . ${now}.meta.homepage; nix eval -f . ${old}.meta.homepage`,
    severity: "high",
  };
}

/** `x`, `pkgs.x`, or the last folder of `callPackage ../x/y { }`. */
function targetOf(text: string): string | null {
  if (/^(null|true|false|pkgs|self|super|final|prev|lib)$/.test(text)) return null;
  if (/^[a-zA-Z_][\w'-]*(\.[a-zA-Z_][\w'-]*)*$/.test(text))
    return text.replace(/^(pkgs|self|super|final|prev)\./, "");
  const path = /^(?:[\w.]*\.)?(?:callPackage|newScope \S+) (\.\.?\/[\w./+-]+)/.exec(text)?.[1];
  return path ? fileName(path.replace(/\/(default|package)\.nix$/, "").replace(/\.nix$/, "")) : null;
}

function related(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/[\d_.'-]+/g, "");
  const [x, y] = [plain(a), plain(b)];
  if (x === "" || y === "") return true;
  return x.includes(y) || y.includes(x) || commonStart(x, y) >= 4;
}

function commonStart(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** Programs that are called by name, with secrets or rights. */
const SENSITIVE =
  /^(sudo|doas|su|ssh|scp|sftp|ssh-agent|gpg|gpg2|passwd|login|ls|cat|cp|mv|rm|git|bash|sh|zsh|fish|env|curl|wget|nix|nix-build|nix-env|nix-shell|nixos-rebuild|systemctl|pass|age|openssl|docker|kubectl|npm|node|python|python3|pip|cargo|make|gcc|cc|ld)$/;

interface Shadow extends Sighting {
  readonly command: Command;
  readonly name: string;
}

function shadowed(script: Script): readonly Shadow[] {
  if (script.context !== "build") return [];
  return script.commands.flatMap((command) => {
    const targets = targetsOf(command);
    return targets.flatMap((target) => {
      const name = /^\$\{?(?:out|bin|\w*[oO]utput\w*)\}?\/s?bin\/([\w.+-]+)$/.exec(target)?.[1];
      const own = name !== undefined && script.path.split("/").some((part) => part.startsWith(name));
      return name !== undefined && SENSITIVE.test(name) && !own
        ? [{ command, name, key: name, span: command.span }]
        : [];
    });
  });
}

function targetsOf(command: Command): readonly string[] {
  const written = writtenFiles(command);
  const operands = operandsOf(command);
  switch (command.name) {
    case "ln":
    case "cp":
    case "mv":
    case "install":
      return [...written, ...operands.slice(-1)];
    case "makeWrapper":
    case "makeBinaryWrapper":
    case "makeShellWrapper":
      return [...written, ...operands.slice(1, 2)];
    default:
      return written;
  }
}
