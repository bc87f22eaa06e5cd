import type { Command, Script } from "../nix/model.ts";
import { flowOf, remoteCode } from "./_remote.ts";
import { nameOf, newSightings, type Sighting, scriptFinding, shownCommand } from "./_scripts.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "update-script-remote-exec",
  threat: "A24",
  description: "An update script runs code that it fetches, or reads secrets of whoever runs it",
  severity: "medium",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, (each) =>
      each.context === "update" ? remoteCode(each) : [],
    )) {
      const flow = flowOf(seen);
      yield scriptFinding(script, seen, {
        severity: "medium",
        confidence: "high",
        title: `${nameOf(script)} runs code that it fetches`,
        message: [
          `New in ${nameOf(script)}: ${flow}.`,
          "Update scripts are run by the update bot and by maintainers, with their credentials and outside any sandbox; whoever controls that address controls them.",
          "Downloading data only, or taking the program from nixpkgs (nix-shell -p, runtimeInputs), would clear this.",
          `Read it, do not run it: git show HEAD:${argument(script.path)}`,
        ].join(" "),
        after: flow,
      });
    }
    for (const { script, seen } of newSightings(facts, (each) =>
      each.context === "update" ? secrets(each) : [],
    )) {
      yield scriptFinding(script, seen, {
        severity: seen.sends ? "high" : "medium",
        confidence: "medium",
        title: `${nameOf(script)} ${seen.sends ? "sends" : "reads"} ${seen.what}`,
        message: [
          `New in ${nameOf(script)}: ${shownCommand(seen.command)}.`,
          `It ${seen.sends ? "sends" : "reads"} ${seen.what} of whoever runs the update script: the update bot, or a maintainer.`,
          "A script that needs no secret, or a comment in the base that says why it needs one, would clear this.",
          `Read it, do not run it: git show HEAD:${argument(script.path)}`,
        ].join(" "),
        after: shownCommand(seen.command),
      });
    }
  },
};

interface Secret extends Sighting {
  readonly what: string;
  readonly sends: boolean;
  readonly command: Command;
}

const FILES =
  /(~|\$HOME|\$\{HOME\})\/\.(ssh|aws|gnupg|netrc|config|docker|npmrc|pypirc|git-credentials|kube)\b|\/etc\/(shadow|ssh)\b/;
const VARIABLES = /\$\{?([A-Z_]*(PASSWORD|SECRET|PRIVATE_KEY|AWS_ACCESS\w*|CACHIX\w*|NPM_TOKEN))\b/;
/** Tokens of forges, which scripts honestly use to ask the forge. */
const API_TOKEN = /\$\{?(GITHUB_TOKEN|GH_TOKEN|GITLAB_TOKEN)\b/;
const FORGE = /api\.github\.com|github\.com|gitlab\.com|\$|nix-update|gh\b/;

function secrets(script: Script): readonly Secret[] {
  const found: Secret[] = [];
  for (const command of script.commands) {
    const line = [
      ...command.words,
      command.input ?? "",
      ...command.redirects.map(({ target }) => target),
    ].join(" ");
    const file = FILES.exec(line)?.[0];
    const variable = VARIABLES.exec(line)?.[1];
    const url = /https?:\/\/[^\s"']+/.exec(line)?.[0];
    const token = url && !FORGE.test(url) ? API_TOKEN.exec(line)?.[1] : undefined;
    const what = file ?? ((variable ?? token) ? `$${variable ?? token}` : undefined);
    if (what === undefined) continue;
    const sends = /^(curl|wget|nc|ncat|scp|rsync|http)$/.test(command.name) && url !== undefined;
    found.push({ what, sends, command, key: `${what}:${sends}`, span: command.span });
  }
  return found;
}
