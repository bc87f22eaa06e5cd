/** The command line. Only the command that is asked for is loaded: start-up is most of a small review's time. */
import { Command, CommanderError } from "commander";
import { messageOf, VerifodError } from "../errors.ts";
import { EXIT } from "../report/status.ts";
import { VERSION } from "../version.ts";
import { stopOnClosedPipe } from "./output.ts";

/** Each module adds its command to the program, and sets `process.exitCode` when it runs. */
const COMMANDS: Readonly<Record<string, () => Promise<{ register(program: Command): void }>>> = {
  review: () => import("./review.ts"),
  backtest: () => import("./backtest.ts"),
  index: () => import("./index-command.ts"),
  lookup: () => import("./lookup.ts"),
  gate: () => import("./gate.ts"),
  patrol: () => import("./patrol.ts"),
  ledger: () => import("./ledger.ts"),
  explain: () => import("./explain.ts"),
  rules: () => import("./rules.ts"),
  serve: () => import("./serve.ts"),
  verify: () => import("./verify.ts"),
  compare: () => import("./compare.ts"),
};

async function run(args: readonly string[]): Promise<void> {
  const program = new Command("verifod")
    .description("Reviews the source pins of nixpkgs changes")
    .version(VERSION)
    .showHelpAfterError("(verifod --help, or verifod COMMAND --help, tells more)")
    .exitOverride();
  const name = args[0] ?? "";
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const modules = load ? [await load()] : await Promise.all(Object.values(COMMANDS).map((each) => each()));
  for (const module of modules) module.register(program);
  if (args.length === 0) {
    program.outputHelp({ error: true });
    process.exitCode = EXIT.wrongUsage;
    return;
  }
  await program.parseAsync(args, { from: "user" });
}

/** The exit status of what was thrown, which is told on stderr. */
function fail(error: unknown): number {
  // Commander has told it already; help and the version are no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.wrongUsage;
  if (error instanceof VerifodError) {
    process.stderr.write(`verifod: ${error.message}\n`);
    return error.fault === "outside" ? EXIT.incomplete : EXIT.wrongUsage;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`verifod: this is a bug in verifod, please report it\n${stack}\n`);
  return EXIT.incomplete;
}

stopOnClosedPipe();
// What nobody waits for fails, too: Node would end with 1, which says that there are findings.
process.on("uncaughtException", (error) => process.exit(fail(error)));
try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = fail(error);
}
