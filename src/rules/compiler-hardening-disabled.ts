import type { Command, Script, Setting } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import {
  isNewPackage,
  isScript,
  isTestPath,
  itemsOf,
  lastName,
  newSettings,
  nowSentence,
  settingFinding,
  settingName,
  stringsOf,
} from "./_settings.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

interface Off {
  readonly severity: Severity;
  readonly what: string;
}

interface SeenOff extends Off, Sighting {
  readonly command: Command;
}

const WHY =
  "These checks of compiler and kernel turn many bugs into crashes; without them the same bugs let an attacker run code.";

export const rule: Rule = {
  id: "compiler-hardening-disabled",
  threat: "A45",
  description: "Hardening of the compiler or the program's sandbox is switched off",
  severity: "medium",
  *check(facts) {
    for (const change of newSettings(facts)) {
      const { after, before } = change;
      if (isTestPath(after.path) || isScript(facts, after)) continue;
      const old = new Set(before ? switchedOff(before).map(({ what }) => what) : []);
      // To switch off single flags instead of all of them is an improvement.
      if (before && after.attributes.at(-1) === "hardeningDisable" && itemsOf(before).includes("all"))
        continue;
      const fresh = switchedOff(after).filter(({ what }) => !old.has(what));
      const [worst] = fresh.filter(({ severity }) => severity === "medium").concat(fresh);
      // A new package is read as a whole, and loses nothing.
      if (!worst || isNewPackage(facts, after)) continue;
      yield settingFinding(change, {
        severity: worst.severity,
        confidence: "high",
        title: fresh.map(({ what }) => what).join(", "),
        message: [
          nowSentence(change),
          WHY,
          "Switching off only the one flag that breaks the build, with the error beside it, would clear this.",
          "See what a build gets: nix derivation show -f . ATTRIBUTE | grep -i hardening",
        ].join(" "),
        identity: [settingName(after), ...fresh.map(({ what }) => what)],
      });
    }
    for (const { script, seen } of newSightings(facts, switchedOffIn)) {
      yield scriptFinding(script, seen, {
        severity: seen.severity,
        confidence: "medium",
        title: seen.what,
        message: `New in ${nameOf(script)}: ${shownCommand(seen.command)}. ${WHY} Leaving the flag away, or a link to the bug that needs it, would clear this. See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        after: seen.what,
      });
    }
  },
};

/** Flags that protect much. The others matter little, and many honest builds need them off. */
const STRONG = /^(all|stackprotector|pie|relro|bindnow|stackclashprotection|pic)$/;

function switchedOff(setting: Setting): readonly Off[] {
  const name = lastName(setting);
  const { value } = setting;
  if (name === "hardeningDisable") {
    return itemsOf(setting)
      .filter((item) => STRONG.test(item) || /^(format|fortify)$/.test(item))
      .map((item) => ({
        what: `hardening "${item}" is off`,
        severity: STRONG.test(item) ? "medium" : "low",
      }));
  }
  if (/^(enableHardening|withHardening|hardening)$/.test(name) && value.kind === "bool" && !value.value) {
    return [{ what: `${name} is false`, severity: "medium" }];
  }
  if (name === "NIX_HARDENING_ENABLE" && value.kind === "string" && value.value.trim() === "")
    return [{ what: "NIX_HARDENING_ENABLE is empty", severity: "medium" }];
  return stringsOf(setting).flatMap(weakFlags);
}

const WEAK_FLAGS: readonly (readonly [RegExp, string])[] = [
  [/-fno-stack-protector(?![\w-])/, "-fno-stack-protector"],
  [/-D_FORTIFY_SOURCE=0|-U_FORTIFY_SOURCE(?!.*-D_FORTIFY_SOURCE=[123])/, "_FORTIFY_SOURCE off"],
  [/-z,? ?execstack|-Wl,-z,execstack/, "an executable stack"],
  [/(^|\s)-no-pie(\s|$)|-fno-pie(\s|$)/i, "-no-pie"],
  [/-Wl,-z,norelro|-z norelro/, "-z norelro"],
  [/--no-sandbox(\s|$)|--disable-setuid-sandbox/, "--no-sandbox"],
  [/--no-seccomp(\s|$)|--disable-seccomp(\s|$)/, "seccomp off"],
  [
    /--disable-(hardening|stack-protector|pie)(\s|$)|-D\w*HARDENING\w*=(OFF|0|FALSE)/i,
    "upstream's hardening off",
  ],
];

function weakFlags(text: string): readonly Off[] {
  if (!text.includes("-")) return [];
  return WEAK_FLAGS.filter(([pattern]) => pattern.test(text)).map(([, what]) => ({
    what,
    severity: "medium",
  }));
}

function offIn(script: Script, { assignments }: Command, texts: readonly string[]): readonly Off[] {
  // What is built for tests is not installed.
  const isEmpty =
    !/check/i.test(nameOf(script)) &&
    assignments.some(({ name, value }) => name === "NIX_HARDENING_ENABLE" && value === "");
  const flags = weakFlags(texts.join(" "));
  return isEmpty ? [...flags, { what: "NIX_HARDENING_ENABLE is empty", severity: "medium" }] : flags;
}

function switchedOffIn(script: Script): readonly SeenOff[] {
  if (["test", "patch", "ci", "unknown"].includes(script.context)) return [];
  return script.commands
    .filter((command) => !/^(substituteInPlace|substitute|sed|grep|echo|printf)$/.test(command.name))
    .flatMap((command) =>
      offIn(script, command, [...command.words, ...command.assignments.map(({ value }) => value)]).map(
        (off) => ({
          ...off,
          command,
          key: off.what,
          span: command.span,
        }),
      ),
    );
}
