/** `verifod serve`: the GitHub App. */
import { type Command, Option } from "commander";
import { growHeapBy } from "../v8-flags.ts";

export function register(program: Command): void {
  program
    .command("serve")
    .description("run the GitHub App, set up by environment variables as any Probot app: see docs/app.md")
    .option(
      "--setup <address>",
      "create an App whose deliveries come to that address: open http://localhost:3000",
    )
    .addOption(
      new Option(
        "--worker",
        "take no deliveries: do jobs that others queue in VERIFOD_DATABASE_URL",
      ).conflicts("receiver"),
    )
    .option("--receiver", "do no jobs: queue them in VERIFOD_DATABASE_URL for workers")
    .action(serve);
}

interface ServeOptions {
  readonly setup?: string;
  readonly worker?: true;
  readonly receiver?: true;
}

/** What the threads hold of one hostile change is most of the memory: 40 files of 5 MB took 110 MB more by V8's own choice. */
const HEAP_GROWTH_PERCENT = 20;

async function serve({ setup, worker, receiver }: ServeOptions): Promise<void> {
  const { loadEnvironmentFile, readSettings, WEBHOOK_PATH } = await import("../app/settings.ts");
  const { createLog } = await import("../app/log.ts");
  const { startApp } = await import("../app/server.ts");
  if (setup !== undefined) {
    const { setUp } = await import("../app/setup.ts");
    return setUp(setup, process.env.WEBHOOK_PATH || WEBHOOK_PATH);
  }
  loadEnvironmentFile();
  const settings = readSettings(process.env, worker ? "worker" : receiver ? "receiver" : "all");
  // What is started from here, and what prints an environment, does not see them.
  for (const name of ["PRIVATE_KEY", "WEBHOOK_SECRET", "VERIFOD_DATABASE_URL"]) delete process.env[name];
  growHeapBy(HEAP_GROWTH_PERCENT);
  const app = await startApp(settings, createLog(settings.logLevel));
  const failure = await Promise.race([stopSignal(), app.failed]);
  await app.stop();
  if (failure) throw failure;
}

/** Waits for SIGTERM or SIGINT; a second one ends the process as if nobody had waited for it. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
