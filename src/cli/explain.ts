/** `verifod explain`: a rule's page. */
import type { Command } from "commander";
import { VerifodError } from "../errors.ts";
import { readRulePage, VERDICT_RULE } from "../report/help.ts";
import { rules } from "../rules/index.ts";
import { writeOut } from "./output.ts";

export function register(program: Command): void {
  program
    .command("explain")
    .description("print a rule's page")
    .argument("<rule>", "the name of a rule, as hash-changed-alone")
    .action(async (id: string) => {
      if (id !== VERDICT_RULE && !rules.some((rule) => rule.id === id)) {
        throw new VerifodError("usage", `there is no rule ${JSON.stringify(id)}: verifod rules lists them`);
      }
      await writeOut(await readRulePage(id));
    });
}
