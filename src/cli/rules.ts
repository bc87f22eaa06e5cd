/** `verifod rules`: what is known of all rules. */
import { type Command, Option } from "commander";
import { helpAddress } from "../report/help.ts";
import { rules } from "../rules/index.ts";
import { writeOut } from "./output.ts";

export function register(program: Command): void {
  program
    .command("rules")
    .description("list the rules")
    .addOption(
      new Option("--format <format>", "the form of the list").choices(["text", "json"]).default("text"),
    )
    .action(async ({ format }: { format: "text" | "json" }) => {
      const list = rules.map(({ id, threat, severity, description }) => ({
        id,
        threat,
        severity,
        description,
        help: helpAddress(id),
      }));
      if (format === "json") return writeOut(`${JSON.stringify(list, null, 2)}\n`);
      const width = Math.max(0, ...list.map(({ id }) => id.length));
      const lines = list.map(
        ({ id, severity, description }) => `${id.padEnd(width)}  ${severity.padEnd(6)}  ${description}\n`,
      );
      return writeOut(lines.join(""));
    });
}
