// Needs: postgresql
/** Several workers as their users run them: killed while they write. `npm run bench:workers` does it at full size. */
import { expect, test } from "vitest";
import { startFakeGitHub } from "../fake-github/server.ts";
import { deliver, pullEvent, registerApp, startTestApp } from "../support/app.ts";
import { startPostgres } from "../support/postgres.ts";
import { makeRepository } from "../support/repository.ts";
import { play } from "../support/workers-trial.ts";

test("three workers, killed at random: each pull request has one check run with its result, and no comment twice", async () => {
  const { faults, killed } = await play({ pulls: 8, workers: 3, kills: 2, seed: 8, stallMs: 0 });
  expect([faults, killed]).toEqual([[], 2]);
}, 300_000);

test("without PostgreSQL nobody is told that a delivery was taken, and health says so", async () => {
  const made = makeRepository({ "a.nix": "1\n" });
  const [postgres, fake] = await Promise.all([startPostgres(), startFakeGitHub({ repository: made })]);
  registerApp(fake);
  const app = await startTestApp(fake, { role: "receiver", database: postgres.database() });
  let stopping: Promise<void> | null = null;
  try {
    const delivery = pullEvent(fake, fake.openPull({ head: "main" }), "opened");
    const health = async () => (await fetch(`${app.url}/health`)).status;
    expect([await deliver(app.url, delivery), await health()]).toEqual([200, 200]);
    stopping = postgres.stop();
    await stopping;
    expect([await deliver(app.url, delivery), await health()]).toEqual([500, 503]);
  } finally {
    await app.stop();
    await (stopping ?? postgres.stop());
    await fake.close();
    made.remove();
  }
}, 120_000);
