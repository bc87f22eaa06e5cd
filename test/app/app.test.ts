/** The App through its HTTP server, with GitHub's own example payloads made about the fake's pull requests. */
import { createRequire } from "node:module";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HANDLED } from "../../src/app/events.ts";
import { type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import {
  CANARIES,
  common,
  type Delivery,
  deliver,
  INSTALLATION,
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
const path = "pkgs/by-name/fr/frob/package.nix";
const nix = (version: string, letter: string) =>
  `{ fetchurl, stdenv }:\nstdenv.mkDerivation rec {\n  pname = "frob";\n  version = "${version}";\n  src = fetchurl {\n    url = "https://example.org/frob-\${version}.tar.gz";\n    hash = "sha256-${letter.repeat(43)}=";\n  };\n}\n`;

beforeEach(async () => {
  made = makeRepository({ [path]: nix("1.0", "B") });
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

function bump(version = "1.1", letter = "E"): string {
  return made.commit({ [path]: nix(version, letter) }, `frob: ${version}`);
}

async function start(more: Parameters<typeof startTestApp>[1] = {}): Promise<void> {
  app = await startTestApp(fake, more);
  await idle(app);
  fake.requests.length = 0;
}

/** Delivers, and waits until nothing is left to do. */
async function send(...deliveries: readonly Delivery[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const each of deliveries) statuses.push(await deliver(app.url, each));
  await idle(app);
  return statuses;
}

const checks = () =>
  fake.checkRuns.map(({ head_sha, status, conclusion }) => [head_sha.slice(0, 8), status, conclusion]);
const writes = () =>
  fake.requests.filter(({ isWrite, path: at }) => isWrite && !at.includes("access_tokens")).length;

test("each event that asks for a review gets one, within nine requests", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  expect(await send(pullEvent(fake, pull, "opened"))).toEqual([200]);
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "completed", "success"]]);
  expect(fake.requests.length).toBeLessThanOrEqual(9);
  expect(fake.checkRuns[0]).toMatchObject({
    external_id: expect.stringMatching(/^verifod\/1 pull=1 /),
    actions: [{ identifier: "recheck" }],
  });
  for (const action of ["reopened", "ready_for_review"]) await send(pullEvent(fake, pull, action));
  await send(pullEvent(fake, pull, "edited", { changes: { title: { from: "x" } } }));
  expect(checks().length).toBe(1);
  pull.head.sha = bump("1.2", "I");
  await send(pullEvent(fake, pull, "synchronize"));
  expect(checks().at(-1)).toEqual([pull.head.sha.slice(0, 8), "completed", "success"]);
  made.git("branch", "staging", "main");
  made.git("checkout", "--quiet", "staging");
  pull.base = { ref: "staging", sha: made.commit({ "other.nix": "1\n" }, "other") };
  await send(
    pullEvent(fake, pull, "edited", { changes: { base: { ref: { from: "main" }, sha: { from: "x" } } } }),
  );
  expect(checks().length).toBe(3);
  expect(fake.checkRuns.at(-1)?.external_id).toContain(`base=${pull.base.sha}`);
});

test("a hundred deliveries of the same id are one review", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  const delivery = { ...pullEvent(fake, pull, "opened"), id: "11111111-1111-4111-8111-111111111111" };
  await Promise.all(Array.from({ length: 100 }, () => deliver(app.url, delivery)));
  await idle(app);
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "completed", "success"]]);
  expect(writes()).toBe(2);
  const before = fake.requests.length;
  await send(delivery);
  expect(fake.requests.length - before).toBe(1);
});

test("synchronize before opened, and a late event of an old head: the last head is the one reviewed", async () => {
  await start();
  const first = bump();
  const pull = fake.openPull({ head: first });
  const opened = pullEvent(fake, pull, "opened");
  pull.head.sha = bump("1.2", "I");
  await send(pullEvent(fake, pull, "synchronize"), opened, opened);
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "completed", "success"]]);
});

test("a push while a review runs stops it: its check run is ended, the new head's is the answer", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  const old = pull.head.sha;
  const pushed: Promise<number>[] = [];
  fake.before = ({ path: at }) => {
    if (pushed.length > 0 || !at.includes("/compare/")) return;
    pull.head.sha = bump("1.2", "I");
    pushed.push(deliver(app.url, pullEvent(fake, pull, "synchronize")));
  };
  await send(pullEvent(fake, pull, "opened"));
  await Promise.all(pushed);
  await idle(app);
  expect(checks()).toEqual([
    [old.slice(0, 8), "completed", "cancelled"],
    [pull.head.sha.slice(0, 8), "completed", "success"],
  ]);
});

test("a pull request that is closed while it is reviewed, or before: no comment, no green of nothing", async () => {
  await start();
  const pull = fake.openPull({ head: made.commit({ [path]: nix("1.0", "E") }, "frob: new hash") });
  fake.before = ({ path: at }) => {
    if (at.includes("/compare/")) pull.state = "closed";
  };
  await send(pullEvent(fake, pull, "opened"));
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "completed", "failure"]]);
  expect(fake.reviewComments).toEqual([]);
  fake.checkRuns.length = 0;
  await send(pullEvent(fake, pull, "synchronize"));
  expect(checks()).toEqual([]);
});

test("what is not signed with the secret is refused, and does nothing", async () => {
  await start();
  await idle(app);
  const pull = fake.openPull({ head: bump() });
  const delivery = pullEvent(fake, pull, "opened");
  const asked = fake.requests.length;
  const post = (headers: Record<string, string>, body: string) =>
    fetch(`${app.url}/api/github/webhooks`, { method: "POST", headers, body }).then(({ status }) => status);
  expect(await deliver(app.url, { ...delivery, secret: "development" })).toBe(400);
  expect(await deliver(app.url, { ...delivery, secret: "" })).toBe(400);
  const headers = {
    "content-type": "application/json",
    "x-github-event": "pull_request",
    "x-github-delivery": "1",
  };
  expect(await post(headers, JSON.stringify(delivery.payload))).toBe(400);
  expect(await post({ ...headers, "x-hub-signature-256": "sha256=0" }, "{")).toBe(400);
  expect((await fetch(`${app.url}/api/github/webhooks`)).status).toBe(404);
  expect((await fetch(`${app.url}/../package.json`)).status).toBe(404);
  await idle(app);
  expect([fake.requests.length - asked, checks()]).toEqual([0, []]);
});

const rerun = (action: string, more: object) => ({
  event: action.startsWith("suite") ? "check_suite" : "check_run",
  payload: { action: action.split(" ")[1], ...common(fake), ...more },
});
function runData(run = fake.checkRuns[0], more: object = {}): object {
  return {
    check_run: {
      id: run?.id,
      name: run?.name,
      head_sha: run?.head_sha,
      external_id: run?.external_id,
      app: { id: 4_321 },
      // As for all forks.
      pull_requests: [],
      check_suite: { head_branch: null },
      ...more,
    },
  };
}

test("a run again by its button, GitHub's own, or with its suite: a new check run each, of a fork too", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  await send(pullEvent(fake, pull, "opened"));
  await send(rerun("run rerequested", runData()));
  expect(checks().length).toBe(2);
  await send(rerun("run requested_action", { ...runData(), requested_action: { identifier: "recheck" } }));
  expect(checks().length).toBe(3);
  const suite = { id: fake.checkRuns[0]?.id, head_sha: pull.head.sha, app: { id: 4_321 }, pull_requests: [] };
  await send(rerun("suite rerequested", { check_suite: suite }));
  expect(checks()).toEqual(
    Array.from({ length: 4 }, () => [pull.head.sha.slice(0, 8), "completed", "success"]),
  );
});

test("check runs of others, or with a forged mark, are none of ours", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  await send(pullEvent(fake, pull, "opened"));
  const asked = fake.requests.length;
  for (const more of [
    { app: { id: 1 } },
    { app: null },
    { name: "other" },
    { external_id: "pull=1" },
    { external_id: null },
  ]) {
    await send(rerun("run rerequested", runData(fake.checkRuns[0], more)));
  }
  await send(rerun("suite rerequested", { check_suite: { id: 1, head_sha: pull.head.sha, app: { id: 1 } } }));
  expect(fake.requests.length).toBe(asked);
});

function group(pull: Pull, base: string, head: string): Delivery {
  const merge_group = {
    head_sha: head,
    head_ref: `refs/heads/gh-readonly-queue/main/pr-${pull.number}-${base}`,
    base_sha: base,
    base_ref: "refs/heads/main",
    head_commit: {},
  };
  return { event: "merge_group", payload: { action: "checks_requested", merge_group, ...common(fake) } };
}

test("a merge group has the result of its pull request when it changes the same, also what was acknowledged", async () => {
  await start();
  const pull = fake.openPull({ head: made.commit({ [path]: nix("1.0", "E") }, "frob: new hash") });
  await send(pullEvent(fake, pull, "opened"));
  // As if somebody had acknowledged it: what counts is what the check run says.
  const own = fake.checkRuns[0];
  if (own) own.conclusion = "success";
  made.git("checkout", "--quiet", "main");
  const base = made.commit({ "other.nix": "1\n" }, "other");
  made.git("merge", "--quiet", "--no-ff", "--no-edit", pull.head.sha);
  const head = made.git("rev-parse", "HEAD");
  await send(group(pull, base, head));
  expect(checks().at(-1)).toEqual([head.slice(0, 8), "completed", "success"]);
  expect(fake.checkRuns.at(-1)?.output.summary).toContain("The same as the review of #1");
  const before = writes();
  await send(group(pull, base, head));
  expect(writes()).toBe(before);
});

test("a merge group that changes more, or whose pull request has no result, is reviewed afresh", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  made.git("checkout", "--quiet", "main");
  const base = made.git("rev-parse", "HEAD");
  const first = made.commit({ [path]: nix("1.1", "E") }, "frob");
  await send(group(pull, base, first));
  expect(checks()).toEqual([[first.slice(0, 8), "completed", "success"]]);
  await send(pullEvent(fake, pull, "opened"));
  const second = made.commit({ [path]: nix("1.0", "E") }, "frob");
  await send(group(pull, base, second));
  expect(checks().at(-1)).toEqual([second.slice(0, 8), "completed", "failure"]);
  const lost = group(pull, base, second) as { payload: { merge_group: { head_ref: string } } } & Delivery;
  lost.payload.merge_group.head_ref = "refs/heads/else";
  expect(await send(lost)).toEqual([200]);
});

interface Example {
  readonly name: string;
  readonly examples: readonly Record<string, unknown>[];
}
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Example[];

/** What GitHub leaves out, or null, for forks, accounts that are gone, and Apps without an installation. */
const variants: readonly ((payload: Record<string, unknown>) => object)[] = [
  (payload) => payload,
  (payload) => ({ ...payload, installation: undefined }),
  (payload) => ({ ...payload, sender: null }),
  ({ check_run, ...rest }) => ({
    ...rest,
    ...(check_run
      ? { check_run: { ...check_run, pull_requests: [], external_id: null, app: null, output: null } }
      : {}),
  }),
  ({ pull_request: pull, issue, comment, review, ...rest }) => ({
    ...rest,
    ...(pull
      ? {
          pull_request: {
            ...pull,
            user: null,
            body: null,
            head: { ...(pull as { head: object }).head, repo: null, user: null },
          },
        }
      : {}),
    ...(issue ? { issue: { ...issue, user: null, body: null } } : {}),
    ...(comment ? { comment: { ...comment, user: null } } : {}),
    ...(review ? { review: { ...review, user: null, body: null } } : {}),
  }),
];

test("GitHub's own examples of all events are answered, and what is about no pull request of ours does nothing", async () => {
  await start();
  await idle(app);
  const handled = new Set<string>();
  let sent = 0;
  for (const { name, examples: payloads } of examples) {
    const some = HANDLED.some((event) => event.startsWith(`${name}.`)) ? payloads : payloads.slice(0, 1);
    for (const payload of some) {
      handled.add(`${name}.${String(payload.action)}`);
      for (const variant of variants) {
        const repository = { id: 1, name: fake.name, owner: { login: fake.owner } };
        const body = variant({
          ...payload,
          installation: { id: INSTALLATION },
          ...(payload.repository ? { repository } : {}),
        });
        expect(
          await deliver(app.url, { event: name, payload: body }),
          `${name} ${JSON.stringify(body).slice(0, 300)}`,
        ).toBe(200);
        sent += 1;
      }
    }
  }
  expect(sent).toBeGreaterThan(300);
  // Those that GitHub has an example of.
  expect(HANDLED.filter((event) => !handled.has(event))).toEqual(["pull_request.edited"]);
  await idle(app);
  expect(await deliver(app.url, { event: "no_such_event", payload: common(fake) })).toBe(200);
  expect(checks()).toEqual([]);
});

test("the log has no secret, no token, and nothing that people wrote; nor have health and metrics", async () => {
  const hostile = "Title with token-1 ::error:: <script> @NixOS/security canary-of-a-title";
  await start({ logLevel: "trace" });
  const pull = fake.openPull({
    head: made.commit({ [path]: nix("1.1", "E"), "canary-of-a-path.nix": "}{\n" }, "canary-of-a-message"),
  });
  pull.title = hostile;
  await send(pullEvent(fake, pull, "opened"));
  fake.failWhen = ({ path: at }) =>
    at.includes("/compare/") ? { status: 500, applied: false, message: hostile } : null;
  pull.head.sha = bump("1.2", "I");
  await send(pullEvent(fake, pull, "synchronize"));
  fake.failWhen = () => null;
  await deliver(app.url, { ...pullEvent(fake, pull, "opened"), secret: "wrong" });
  await deliver(app.url, {
    event: "pull_request",
    payload: { action: "opened", title: hostile, installation: { id: 1 } },
  });
  const health = await (await fetch(`${app.url}/health`)).text();
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  const everything = app.log() + health + metrics;
  expect(app.log()).toContain('"result":"failure"');
  for (const canary of [...CANARIES, "canary-of-a", "token-", "script>", "sha256="])
    expect(everything).not.toContain(canary);
  expect(JSON.parse(health)).toEqual({ ok: true, waiting: 0, running: 0 });
  expect(metrics).toMatch(/^verifod_job_seconds_count\{kind="pull",result="failure"\} 1$/m);
  expect(metrics).toMatch(/^verifod_deliveries_total\{event="refused",status="400"\} 1$/m);
  expect(metrics).not.toContain(fake.owner);
  for (const line of app.log().trim().split("\n")) expect(line).toMatch(/^\{.*"name":"verifod".*\}$/);
});

test("a GitHub that fails, or lacks a permission, never has a green check run of an unread change", async () => {
  await start();
  const pull = fake.openPull({ head: bump() });
  fake.failWhen = ({ path: at }) => (at.includes("/compare/") ? { status: 404, applied: false } : null);
  await send(pullEvent(fake, pull, "opened"));
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "completed", "action_required"]]);
  fake.checkRuns.length = 0;
  pull.head.sha = bump("1.2", "I");
  fake.failWhen = ({ operation }) =>
    operation?.startsWith("PATCH")
      ? { status: 403, applied: false, message: "Resource not accessible by integration" }
      : null;
  await send(pullEvent(fake, pull, "synchronize"));
  expect(checks()).toEqual([[pull.head.sha.slice(0, 8), "in_progress", null]]);
  expect(app.log()).toContain("checks: write");
});
