import type { Script } from "../nix/model.ts";
import type { Severity } from "../report/review.ts";
import { flowOf, type RemoteCode, remoteCode } from "./_remote.ts";
import { isRunLater, nameOf, newSightings, scriptFinding, whenRun } from "./_scripts.ts";
import { argument } from "./_text.ts";
import type { Rule } from "./rule.ts";

export const rule: Rule = {
  id: "remote-code-in-recipe",
  threat: "A29",
  description: "Code from the network is run at build or run time, outside any hash",
  severity: "block",
  *check(facts) {
    for (const { script, seen } of newSightings(facts, remoteCode)) {
      // What is hidden by an encoding is another rule's.
      if (seen.runner.within.some((layer) => layer === "base64" || layer === "hex")) continue;
      const severity = severityOf(script, seen);
      if (!severity) continue;
      const flow = flowOf(seen);
      yield scriptFinding(script, seen, {
        severity,
        confidence: script.context === "unknown" ? "medium" : "high",
        title: `${nameOf(script)} runs code that it fetches`,
        message: [
          `New in ${nameOf(script)}: ${flow}. It runs ${whenRun(script, seen.runner)}.`,
          "What the server sends becomes code there, no hash covers it, and it may differ tomorrow or from machine to machine.",
          "Fetching the code with a hash (fetchurl, fetchFromGitHub) and running that file would clear this.",
          `See it with: git diff BASE HEAD -- ${argument(script.path)}`,
        ].join(" "),
        after: flow,
      });
    }
  },
};

/** At run time nothing stops it; a build usually has no network. Update scripts and workflows have rules of their own. */
function severityOf(script: Script, seen: RemoteCode): Severity | null {
  if (script.context === "ci") return null;
  if (isRunLater(seen.runner)) return script.context === "test" ? "low" : "block";
  switch (script.context) {
    case "run":
      return "block";
    case "build":
    case "fetch":
    case "shell":
    case "unknown":
      return "high";
    case "patch":
      return "medium";
    case "update":
    case "test":
      return null;
  }
}
