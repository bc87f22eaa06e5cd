/** Whatever comes in whatever order: what is visible at the end is that of the last head, once. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseMarker } from "../../src/github/comment-text.ts";
import { parseMark } from "../../src/github/published.ts";
import { type FakeGitHub, type Pull, secondaryLimit, startFakeGitHub } from "../fake-github/server.ts";
import {
  commentEvent,
  common,
  deliver,
  idle,
  pullEvent,
  registerApp,
  startTestApp,
  type TestApp,
} from "../support/app.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let fake: FakeGitHub;
let app: TestApp;
const path = (number: number) => `pkgs/by-name/fr/frob${number}/package.nix`;
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${letter.repeat(43)}=";\n  };\n}\n`;

beforeEach(async () => {
  const files = Array.from({ length: 200 }, (_, number) => [path(number), nix("1.0", "B")]);
  made = makeRepository(Object.fromEntries(files) as Record<string, string>);
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  registerApp(fake);
});
afterEach(async () => {
  fake.before = () => {};
  fake.failWhen = () => null;
  await app.stop();
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

/** Commits on main, each with another text of one file, made by one process; their ids. */
function commits(changes: readonly { readonly number: number; readonly text: string }[]): readonly string[] {
  const from = made.git("rev-parse", "main");
  const parts = changes.map(
    ({ number, text }, index) =>
      `commit refs/heads/c${index}\ncommitter Ada <ada@example.org> 0 +0000\ndata 4\nfrob\nfrom ${from}\nM 644 inline ${path(number)}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  execFileSync("git", ["fast-import", "--quiet", "--force"], {
    cwd: made.directory,
    input: parts.join("\n"),
  });
  const refs = changes.map((_, index) => `refs/heads/c${index}`);
  return made.git("rev-parse", ...refs).split("\n");
}

async function start(more: Parameters<typeof startTestApp>[1] = {}): Promise<void> {
  app = await startTestApp(fake, more);
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("push" as const),
      pull: fc.nat(2),
      head: fc.nat(5),
      told: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("deliver" as const),
      pull: fc.nat(2),
      age: fc.nat(2),
      action: fc.constantFrom("opened", "synchronize", "reopened", "edited"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("again" as const), pull: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("say" as const), pull: fc.nat(2), twice: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("restart" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("fault" as const),
      status: fc.constantFrom(0, 502, 500),
      applied: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.nat(60) }) },
);

test("pushes, events in any order, rechecks, commands, faults and restarts end as the last head says, and say nothing twice", async () => {
  // Of each pull request three heads that are clean, and three that are not.
  const texts = [0, 1, 2].flatMap((number) =>
    [0, 1, 2, 3, 4, 5].map((index) => ({
      number,
      text: nix(index < 3 ? `1.${index + 1}` : "1.0", "CDEFGH"[index] ?? ""),
    })),
  );
  const ids = commits(texts);
  const headOf = (pull: number, index: number) => ids[pull * 6 + index] ?? "";
  const wanted = (head: string) => (ids.indexOf(head) % 6 < 3 ? "success" : "failure");
  await start();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      for (const list of [fake.checkRuns, fake.reviews, fake.reviewComments, fake.issueComments])
        list.length = 0;
      fake.pulls.clear();
      const pulls = [0, 1, 2].map(
        (number): Pull => fake.openPull({ head: headOf(number, 0), branch: `b${number}` }),
      );
      const told: ReturnType<typeof pullEvent>[][] = pulls.map((pull) => [pullEvent(fake, pull, "opened")]);
      const sent: Promise<unknown>[] = [];
      const send = (delivery: ReturnType<typeof pullEvent> | undefined) => {
        if (delivery) sent.push(deliver(app.url, delivery).catch(() => 0));
      };
      for (const each of steps) {
        switch (each.what) {
          case "push": {
            const pull = pulls[each.pull] as Pull;
            pull.head.sha = headOf(each.pull, each.head);
            const event = pullEvent(fake, pull, "synchronize");
            told[each.pull]?.push(event);
            if (each.told) send(event);
            break;
          }
          case "deliver":
            send(told[each.pull]?.at(-1 - each.age));
            break;
          case "again": {
            const run = fake.checkRuns.findLast(
              ({ external_id }) => parseMark(external_id)?.pull === each.pull + 1,
            );
            if (!run) break;
            const check_run = {
              name: run.name,
              head_sha: run.head_sha,
              external_id: run.external_id,
              app: { id: 4_321 },
            };
            send({ event: "check_run", payload: { action: "rerequested", check_run, ...common(fake) } });
            break;
          }
          case "say": {
            const pull = pulls[each.pull] as Pull;
            const event = commentEvent(fake, pull, fake.comment(pull, pull.author, "@verifod recheck"));
            send(event);
            if (each.twice) send(event);
            break;
          }
          case "restart":
            await Promise.all(sent);
            await app.stop();
            await start();
            break;
          case "fault": {
            const at = fake.requests.length + 2;
            fake.failWhen = ({ index, operation }) =>
              index === at &&
              operation !== null &&
              !operation.includes("/app") &&
              !operation.includes("/installation")
                ? { status: each.status, applied: each.applied }
                : null;
            break;
          }
          case "wait":
            await new Promise((resolve) => setTimeout(resolve, each.ms));
            break;
        }
        for (const { conclusion, head_sha } of fake.checkRuns) {
          if (conclusion === "success") expect(wanted(head_sha)).toBe("success");
        }
      }
      await Promise.all(sent);
      fake.failWhen = () => null;
      await idle(app);
      await app.stop();
      await start();
      await idle(app);
      for (const pull of pulls) {
        const own = fake.checkRuns.filter(
          ({ head_sha, external_id }) =>
            head_sha === pull.head.sha && parseMark(external_id)?.pull === pull.number,
        );
        const newest = own.sort((a, b) => b.id - a.id)[0];
        const shown = own.map(({ status, conclusion }) => `${status} ${conclusion}`);
        // What could not be read at all says so, and nobody has asked again.
        expect(["action_required", wanted(pull.head.sha)], shown.join()).toContain(newest?.conclusion);
        expect(own.filter(({ status }) => status !== "completed")).toEqual([]);
        const comments = fake.reviewComments.filter(({ pull: number }) => number === pull.number);
        const fingerprints = comments.map(({ body }) => parseMarker(body)?.fingerprint);
        expect(new Set(fingerprints).size).toBe(fingerprints.length);
        if (newest?.conclusion === "success") {
          expect(comments.filter(({ body }) => parseMarker(body)?.solved === false)).toEqual([]);
        }
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);

/** GitHub's limits for an installation, on a clock that runs `pace` times as fast. */
function enforceLimits(pace: number): { refused: number; most: number } {
  const seen = { refused: 0, most: 0 };
  const writes: number[] = [];
  const points: number[] = [];
  fake.failWhen = ({ isWrite, path: at }) => {
    if (at.includes("/app")) return null;
    const now = performance.now();
    const minute = 60_000 * pace;
    const within = (list: number[]) => {
      while ((list[0] ?? now) < now - minute) list.shift();
      return list.length;
    };
    for (let n = isWrite ? 5 : 1; n > 0; n -= 1) points.push(now);
    if (isWrite) writes.push(now);
    seen.most = Math.max(seen.most, within(writes));
    // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
    if (within(writes) <= 80 && within(points) <= 2_000) return null;
    seen.refused += 1;
    return secondaryLimit(1);
  };
  return seen;
}

test("100 pull requests opened at once: all reviewed, seven requests each, no limit met, memory bounded", async () => {
  const pace = 0.02;
  const ids = commits(Array.from({ length: 100 }, (_, number) => ({ number, text: nix("1.1", "C") })));
  await start({ pace });
  await idle(app);
  fake.requests.length = 0;
  const limits = enforceLimits(pace);
  const before = process.memoryUsage().rss;
  let most = 0;
  const pulls = ids.map((head, index) => fake.openPull({ head, branch: `b${index}` }));
  fake.before = () => {
    most = Math.max(most, process.memoryUsage().rss);
  };
  const statuses = await Promise.all(pulls.map((pull) => deliver(app.url, pullEvent(fake, pull, "opened"))));
  expect(new Set(statuses)).toEqual(new Set([200]));
  await idle(app);
  expect(fake.checkRuns.length).toBe(100);
  expect(new Set(fake.checkRuns.map(({ conclusion }) => conclusion))).toEqual(new Set(["success"]));
  expect(limits.refused).toBe(0);
  expect(fake.requests.filter(({ path: at }) => !at.includes("/app")).length).toBeLessThanOrEqual(100 * 7);
  expect((most - before) / 1e6).toBeLessThan(500);
}, 180_000);
