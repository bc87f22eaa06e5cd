import type { Command, Script } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { operandsOf } from "./_commands.ts";
import { isRunLater, nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

interface Write extends Sighting {
  readonly command: Command;
  readonly target: string;
}

export const rule: Rule = {
  id: "writes-outside-out",
  threat: "A57",
  description: "A build or a wrapper writes outside its output",
  severity: "medium",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, writes)) {
      const persistent = PERSISTENT.test(seen.target);
      const severity: Severity = persistent ? "high" : "medium";
      yield scriptFinding(script, seen, {
        severity,
        confidence: persistent ? "high" : "medium",
        title: `${nameOf(script)} writes to ${seen.target}`,
        message: [
          `New in ${nameOf(script)}: ${shownCommand(seen.command)} writes to ${seen.target}.`,
          persistent
            ? "What stands there is run later, by other programs and in the user's name."
            : "In the sandbox this fails or is lost; on a builder without one, or at run time, it changes the machine.",
          "Writing to $out, $TMPDIR or a home made with mktemp would clear this.",
          `See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        ].join(" "),
        after: seen.target,
      });
    }
  },
};

/** Files that other programs run or trust. */
const PERSISTENT =
  /\/\.(bashrc|bash_profile|profile|zshrc|zprofile|zshenv|ssh\/|config\/(autostart|systemd|fish)|local\/share\/applications)|^\/etc\/(cron|profile|systemd|sudoers|ssh|ld\.so|pam\.d|passwd|shadow)|^\/var\/spool\/cron|\/authorized_keys|LaunchAgents|LaunchDaemons|\/etc\/nixos/;

/** Scripts that build the file system of a machine or image, where such paths are inside that image. */
const IMAGES =
  /\b(vms?|docker\w*|oci|iso|lxc|virtualisation|fhs\w*|bubblewrap|containers?|initrd|stage-?1)\b|(disk|docker|oci|iso|make|build|vm|raw|boot|cloud|container|virtual)[-_]?image|fakeRoot|fakeChroot|RPM|extra(Build|Install)Commands/i;

function writes(script: Script): readonly Write[] {
  if (IMAGES.test(`${script.path} ${script.binding}`)) return [];
  if (["test", "patch", "ci", "update"].includes(script.context)) return [];
  let homeIsSet = false;
  const found: Write[] = [];
  for (const command of script.commands) {
    for (const target of targetsOf(command)) {
      const home = /^(~|\$HOME|\$\{HOME\})(\/|$)/.test(target);
      if (!isOutside(target) && !(home && !homeIsSet)) continue;
      // A program may write to the machine that it runs on; only files that others run or trust matter then.
      const atRunTime = script.context !== "build" || isRunLater(command);
      if (atRunTime && !PERSISTENT.test(target)) continue;
      // Services and activation scripts of a module may own such places.
      if (script.context === "run" && /^\/(etc|var)\//.test(target)) continue;
      found.push({ command, target, key: target, span: command.span });
    }
    if (command.assignments.some(({ name }) => name === "HOME")) homeIsSet = true;
  }
  return found;
}

const HARMLESS = /^\/(dev(\/|$)|proc\/self|build\b|tmp\/nix|private\/tmp)|^\/$/;

function isOutside(target: string): boolean {
  return /^\/[a-z]/.test(target) && !HARMLESS.test(target);
}

function targetsOf(command: Command): readonly string[] {
  const targets = command.redirects
    .filter(({ operator }) => /^(&?>>?|>\|)$/.test(operator))
    .map(({ target }) => target);
  const plain = operandsOf(command);
  switch (command.name) {
    case "cp":
    case "mv":
    case "ln":
    case "install": {
      const at = command.words.findIndex((word) => word === "-t" || word === "--target-directory");
      const into =
        at >= 0
          ? command.words[at + 1]
          : command.words.find((word) => word.startsWith("--target-directory="))?.slice(19);
      const last = into ?? (plain.length > 1 || command.words.includes("-d") ? plain.at(-1) : undefined);
      return last === undefined ? targets : [...targets, last];
    }
    case "tee":
    case "mkdir":
    case "touch":
      return [...targets, ...plain.filter((word) => !/^\d+$/.test(word))];
    default:
      return targets;
  }
}
