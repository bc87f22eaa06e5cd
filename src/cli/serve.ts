/** `verifod serve`: the GitHub App. */
import type { Command } from "commander";

export function register(program: Command): void {
  program
    .command("serve")
    .description("run the GitHub App, set up by environment variables as any Probot app: see docs/app.md")
    .option(
      "--setup <address>",
      "create an App whose deliveries come to that address: open http://localhost:3000",
    )
    .action(serve);
}

async function serve({ setup }: { readonly setup?: string }): Promise<void> {
  const { loadEnvironmentFile, readSettings, WEBHOOK_PATH } = await import("../app/settings.ts");
  const { createLog } = await import("../app/log.ts");
  const { startApp } = await import("../app/server.ts");
  if (setup !== undefined) {
    const { setUp } = await import("../app/setup.ts");
    return setUp(setup, process.env.WEBHOOK_PATH || WEBHOOK_PATH);
  }
  loadEnvironmentFile();
  const settings = readSettings(process.env);
  // What is started from here, and what prints an environment, does not see them.
  for (const name of ["PRIVATE_KEY", "WEBHOOK_SECRET"]) delete process.env[name];
  const app = await startApp(settings, createLog(settings.logLevel));
  await stopSignal();
  await app.stop();
}

/** Waits for SIGTERM or SIGINT; a second one ends the process as if nobody had waited for it. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
