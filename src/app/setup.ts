/** Creating an App from the manifest, with Probot's page for it; what GitHub gives is written to `.env`. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "probot";
import { VerifodError } from "../errors.ts";

/** Where `app.yml` and `package.json` are: beside the folder of this program. Probot reads them from the working directory. */
const HOME = fileURLToPath(new URL("../", import.meta.url));
/** What of GitHub's answer the App needs. */
const KEPT = ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET"];

/**
 * Serves the page until the process ends. `address`: where GitHub will reach the App, as https://verifod.example.org.
 * @throws VerifodError (usage) when that is no such address
 */
export async function setUp(address: string, webhookPath: string): Promise<void> {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new VerifodError(
      "usage",
      `${address} is no address: give that of the App, as https://verifod.example.org`,
    );
  }
  const file = join(process.cwd(), ".env");
  // Probot shows its page only to whom it finds without an App.
  for (const name of ["APP_ID", "PRIVATE_KEY", "PRIVATE_KEY_PATH", "NODE_ENV"]) delete process.env[name];
  const env = { ...process.env };
  process.env.NO_SMEE_SETUP = "true";
  // The manifest's address for deliveries; Probot knows only that of the page.
  process.env.WEBHOOK_PROXY_URL = new URL(webhookPath, url).href;
  process.chdir(HOME);
  await run(() => {}, {
    env,
    updateEnv(values) {
      const lines = Object.entries(values).filter(([name]) => KEPT.includes(name));
      appendFileSync(file, lines.map(([name, value]) => `${name}=${value}\n`).join(""), { mode: 0o600 });
      return values;
    },
  });
}
