import type { Command, Script } from "../nix/model.ts";
import { isNetwork, runsItsInput } from "./_commands.ts";
import { addedCode, baseCode, isNewFile, nameOf } from "./_scripts.ts";
import { argument, count } from "./_text.ts";
import type { Rule, RuleFinding } from "./rule.ts";

/** Lines of code that a script may gain before it is worth a look; tests are scripts by design. */
const ALLOWED = 30;
/** A new package may bring a wrapper or an installer of its own. */
const ALLOWED_IN_NEW_FILE = 200;
const TEST_FACTOR = 5;
/** With new commands that fetch, decode or run what they are given, fewer lines are enough. */
const ALLOWED_WITH_THREAT = 15;

export const rule: Rule = {
  id: "embedded-script-growth",
  threat: "A46",
  description: "A script grew by many lines of code",
  severity: "medium",
  *check(facts) {
    const moved = baseCode(facts);
    for (const change of facts.scripts) {
      const script = change.after;
      if (!script || ["unknown", "patch", "ci"].includes(script.context)) continue;
      const added = addedCode(change, moved);
      const isNew = isNewFile(facts, script.path);
      const factor = script.context === "test" ? TEST_FACTOR : 1;
      const threats = threatsIn(script, change.before, added);
      const allowed =
        factor * (isNew ? ALLOWED_IN_NEW_FILE : threats.length > 0 ? ALLOWED_WITH_THREAT : ALLOWED);
      if (added.length <= allowed) continue;
      yield finding(script, change.before, added.length, isNew ? [] : threats);
    }
  },
};

/** The commands of the added lines that fetch, decode or run what they are given. */
function threatsIn(script: Script, before: Script | null, added: readonly string[]): readonly string[] {
  const old = new Set(before?.commands.map((command) => command.name));
  const isThreat = (command: Command) =>
    isNetwork(command) ||
    /^(base64|base32|xxd|openssl|eval)$/.test(command.name) ||
    (runsItsInput(command) && command.reads.length > 0);
  const text = added.join("\n");
  const names = script.commands
    .filter((command) => isThreat(command) && !old.has(command.name) && text.includes(command.name))
    .map(({ name }) => name);
  return [...new Set(names)];
}

function finding(
  script: Script,
  before: Script | null,
  added: number,
  threats: readonly string[],
): RuleFinding {
  const name = nameOf(script);
  const used = [
    ...new Set(script.commands.map((command) => command.name).filter((each) => /^[\w.-]+$/.test(each))),
  ];
  const weak = threats.length === 0;
  return {
    severity: weak ? "low" : "medium",
    confidence: script.parsed ? "high" : "medium",
    title: `${name} grew by ${count(added, "line")} of code`,
    message: [
      `${name} has ${count(script.code.length, "line")} of code, ${count(before?.code.length ?? 0, "line")} before; ${added} of them stand nowhere in the base.`,
      weak
        ? ""
        : `Among them are commands that fetch, decode or run what they are given: ${threats.join(", ")}.`,
      "Long scripts inside Nix files are checked by no linter and read by few people.",
      `Commands: ${used.slice(0, 15).join(", ")}${used.length > 15 ? ", …" : ""}.`,
      "A shorter script, or a file of its own that a reviewer has read line by line, clears this.",
      `See it with: git diff -w BASE HEAD -- ${argument(script.path)}`,
    ]
      .filter((sentence) => sentence !== "")
      .join(" "),
    at: { side: "head", span: script.span },
    before: count(before?.code.length ?? 0, "line"),
    after: count(script.code.length, "line"),
    evidence: ["static"],
    related: [],
    identity: [script.binding],
  };
}
