import type { Command, Script } from "../nix/model.ts";
import { isNetwork } from "./_commands.ts";
import { remoteCode } from "./_remote.ts";
import { isRunLater, nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import type { Rule } from "./rule.ts";

interface Download extends Sighting {
  readonly command: Command;
}

export const rule: Rule = {
  id: "build-phase-network",
  threat: "A19",
  description: "A build phase asks the network for something",
  severity: "high",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, downloads)) {
      const { command } = seen;
      const tolerated = command.tolerated || command.redirects.some(({ target }) => target === "/dev/null");
      yield scriptFinding(script, seen, {
        severity: "high",
        confidence: tolerated ? "high" : "medium",
        title: `${nameOf(script)} asks the network`,
        message: [
          `New in ${nameOf(script)}: ${shownCommand(command)}${tolerated ? ", whose failure is ignored" : ""}.`,
          "In the sandbox this fails; on builders without one it fetches what no hash covers, and the result differs from machine to machine.",
          "Fetching it as a source with a hash, or moving it to a fixed-output derivation, would clear this.",
          "Check with a build in the sandbox: nix-build --option sandbox true -A ATTRIBUTE",
        ].join(" "),
        after: shownCommand(command),
      });
    }
  },
};

const PACKAGE_MANAGERS = /^(npm|pnpm|yarn|bun|cargo|pip3?|go|gem)$/;

/** Downloads of a build; code that is fetched and run is `remote-code-in-recipe`. */
function downloads(script: Script): readonly Download[] {
  if (script.context !== "build") return [];
  // Hooks of package managers make them use a folder of what was fetched before.
  const isOffline = script.code.some((line) => /offline/i.test(line));
  const others = new Set(remoteCode(script).map(({ fetcher }) => fetcher));
  return script.commands
    .filter((command) => !(isOffline && PACKAGE_MANAGERS.test(command.name)))
    .filter(
      (command) => isNetwork(command) && !command.disguised && !isRunLater(command) && !others.has(command),
    )
    .filter((command) => !command.within.some((layer) => /^(?:base64|hex|text)$/.test(layer)))
    .map((command) => ({ command, key: shownCommand(command), span: command.span }));
}
