import type { Command, Script } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { isInterpreter, isNetwork } from "./_commands.ts";
import { decodedCode } from "./_remote.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand, whenRun } from "./_scripts.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

interface Hidden extends Sighting {
  readonly severity: Severity;
  readonly command: Command;
  /** What is hidden, and how. */
  readonly what: string;
}

export const rule: Rule = {
  id: "obfuscated-payload",
  threat: "A30",
  description: "Code is hidden by an encoding or by names put together from pieces",
  severity: "high",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, hidden)) {
      yield scriptFinding(script, seen, {
        severity: script.context === "test" || script.context === "patch" ? "medium" : seen.severity,
        confidence: script.context === "unknown" ? "medium" : "high",
        title: `${nameOf(script)} hides what it runs`,
        message: [
          `New in ${nameOf(script)}: ${seen.what}. It runs ${whenRun(script, seen.command)}.`,
          "Readers and searches see something else than the shell does; honest recipes have no need for that.",
          "Writing the command as it is would clear this.",
          `See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        ].join(" "),
        after: seen.what,
      });
    }
  },
};

function hidden(script: Script): readonly Hidden[] {
  const decoded = decodedCode(script).map(
    ({ runner, decoder, key, span }): Hidden => ({
      severity: "block",
      command: runner,
      what: `the output of ${shownCommand(decoder)} is run by ${shownCommand(runner)}`,
      key: `decoded ${key}`,
      span,
    }),
  );
  if (decoded.length > 0) return decoded;
  return script.commands.flatMap((command): readonly Hidden[] => {
    const harmful = isNetwork(command) || isInterpreter(command) || DANGEROUS.test(command.name);
    const encoding = command.within.find((layer) => layer === "base64" || layer === "hex");
    if (encoding && harmful) {
      const what = `a text in ${encoding} reads: ${shownCommand(command)}`;
      return [
        { severity: "high", command, what, key: `encoded ${shownCommand(command)}`, span: command.span },
      ];
    }
    if (command.within.includes("computed") && harmful) {
      const what = `a text that Nix puts together from pieces reads: ${shownCommand(command)}`;
      return [
        { severity: "high", command, what, key: `computed ${shownCommand(command)}`, span: command.span },
      ];
    }
    if (script.context !== "unknown" && isComputedName(command)) {
      const what = `a command's name is worked out, and the text does not say what it is: ${shownCommand(command)}`;
      return [
        { severity: "medium", command, what, key: `name ${shownCommand(command)}`, span: command.span },
      ];
    }
    if (command.disguised && harmful) {
      const what = `a name in pieces is a command: ${shownCommand(command)}`;
      return [
        { severity: "high", command, what, key: `pieces ${shownCommand(command)}`, span: command.span },
      ];
    }
    return [];
  });
}

/** Whether a command's name is computed. An expression that stands alone is mostly another package's phase, not a command. */
function isComputedName({ name, words }: Command): boolean {
  return (
    words.length > 0 && COMPUTED_NAME.test(name) && !/\.(?:\w+Phase|(?:pre|post)[A-Z]\w*)\)*\}$/.test(name)
  );
}

/** A name that is nothing but a call of such a function, whose value could not be worked out. */
const COMPUTED_NAME =
  /^\$\{[\s(]*(?:(?:lib|builtins|strings|pkgs)\.)*(?:replaceStrings|replaceChars|substring|fromJSON)\b(?![^{}]*\breadFile\b)[^{}]*\}$/;

const DANGEROUS = /^(rm|chmod|chown|crontab|systemctl|sudo|dd|mkfifo|npx|bunx)$/;
