/** What is looked for, without doing it. */
import { expect, test } from "vitest";
import { openInstallations } from "../../src/app/installations.ts";
import type { Job } from "../../src/app/jobs.ts";
import { createLog } from "../../src/app/log.ts";
import { createMetrics } from "../../src/app/metrics.ts";
import { createQueue } from "../../src/app/queue.ts";
import { createSweeper } from "../../src/app/sweep.ts";
import { person, startFakeGitHub } from "../fake-github/server.ts";
import { registerApp, settingsOf } from "../support/app.ts";
import { makeRepository } from "../support/repository.ts";

test("a head without a result, and a command without an answer, are looked at three times; the next command too", async () => {
  const made = makeRepository({ "a.nix": "1\n" });
  const fake = await startFakeGitHub({ repository: made });
  const { app } = registerApp(fake);
  const installations = openInstallations(settingsOf(fake));
  const found: Job[] = [];
  const queue = createQueue({ concurrency: 1, perInstallation: 1 });
  const sweeper = createSweeper({
    identity: { id: app?.id ?? 0, slug: "verifod" },
    api: installations.api,
    queue: { ...queue, add: (job) => Promise.resolve(void found.push(job)) },
    log: createLog("silent"),
    metrics: createMetrics(() => queue.counts()),
    installations,
  });
  const finds = async (times: number) => {
    found.length = 0;
    for (let count = 0; count < times; count += 1) await sweeper.sweep();
    return found.map(({ number, head }) => `#${number} ${head}`);
  };
  try {
    const pull = fake.openPull({ head: "main" });
    const one = `#1 ${pull.head.sha}`;
    expect(await finds(5)).toEqual([one, one, one]);
    // By now, nothing but what is asked can be the reason.
    const stranger = person(fake, "stranger", 1);
    fake.comment(pull, stranger, "@verifod help");
    for (let count = 0; count < 9; count += 1) fake.comment(pull, stranger, "What does @verifod do?");
    expect(await finds(5)).toEqual([one, one, one]);
    fake.review(pull, stranger, "@verifod recheck");
    fake.requests.length = 0;
    expect(await finds(1)).toEqual([one]);
    expect(fake.requests.length).toBe(3);
    fake.reviews[0]?.reactions.push({ content: "ROCKET", by: fake.apps[0]?.identity ?? stranger });
    // As before the review: that was looked at often enough, but not right before this.
    expect(await finds(5)).toEqual([one, one, one]);
    pull.state = "closed";
    expect(await finds(1)).toEqual([]);
    expect(fake.faults).toEqual([]);
  } finally {
    await fake.close();
    made.remove();
  }
});
