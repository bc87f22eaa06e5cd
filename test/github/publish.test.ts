import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openApiChange } from "../../src/change/api.ts";
import type { Change } from "../../src/change/change.ts";
import { checkOutput } from "../../src/github/check-output.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { parseMarker } from "../../src/github/comment-text.ts";
import { type PublishOptions, publish, startCheck } from "../../src/github/publish.ts";
import { readPublished } from "../../src/github/published.ts";
import type { Finding, Review } from "../../src/report/review.ts";
import {
  actionsBot,
  badGateway,
  dropped,
  type FakeGitHub,
  type Fault,
  type Identity,
  type Pull,
  primaryLimit,
  secondaryLimit,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { finding, reviewOf } from "../support/reviews.ts";

let made: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
let change: Change;
const path = "pkgs/by-name/fr/frob/package.nix";
const text = (...changed: number[]) =>
  Array.from({ length: 40 }, (_, i) => `${i + 1}${changed.includes(i + 1) ? " new" : ""}\n`).join("");
const bot = actionsBot({ contents: "read", checks: "write", pull_requests: "write" });

beforeEach(async () => {
  made = makeRepository({ [path]: text() });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  await push({ [path]: text(14, 15, 30) });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
  made.remove();
});

async function push(files: Parameters<TestRepository["commit"]>[0]): Promise<void> {
  const head = made.commit(files);
  pull = fake.pulls.get(1) ?? fake.openPull({ head });
  pull.head.sha = head;
  const range = { number: pull.number, base: pull.base.sha, head, changedFiles: null };
  change = await openApiChange(api(), { owner: fake.owner, name: fake.name }, range);
}

function api(identity: Identity = bot) {
  return createGitHubApi({ token: fake.token(identity), apiUrl: fake.url, pace: 0 });
}

const fingerprint = (n: number): string => n.toString(16).padStart(64, "0");
const at = (n: number, line: number, values: Partial<Finding> = {}): Finding =>
  finding({ path, startLine: line, endLine: line, fingerprint: fingerprint(n), ...values });

/** Publishes as a run of the Action does. */
async function run(review: Review, { identity = bot, number = 1, head = pull.head.sha } = {}) {
  const target = { repository: { owner: fake.owner, name: fake.name }, number: pull.number, head };
  const reporter = { pull: pull.number, base: pull.base.sha, run: number };
  const options: PublishOptions = { reporter, details: "https://github.example/run", pace: 0 };
  await startCheck(api(identity), target, options);
  return publish(api(identity), target, review, change, checkOutput(review, "high"), options);
}

/** What a person sees of ours. */
function visible() {
  return {
    checks: fake.checkRuns
      .filter(({ conclusion }) => conclusion !== "cancelled")
      .map(({ status, conclusion, annotations, output, head_sha }) => ({
        status,
        conclusion,
        title: output.title,
        annotations: annotations.length,
        head_sha,
      })),
    comments: fake.reviewComments.map(({ line, start_line, side, body, minimized }) => ({
      line,
      start_line,
      side,
      ...parseMarker(body),
      minimized,
    })),
  };
}

const writes = () => fake.requests.filter(({ isWrite }) => isWrite).length;

test("a clean review is one check run, and nothing else", async () => {
  expect(await run(reviewOf())).toEqual({ check: "written", comments: "unchanged", missing: [] });
  expect(visible()).toEqual({
    checks: [
      {
        status: "completed",
        conclusion: "success",
        title: "No findings; no source pins changed",
        annotations: 0,
        head_sha: pull.head.sha,
      },
    ],
    comments: [],
  });
  expect(fake.checkRuns[0]?.external_id).toMatch(
    /^verifod\/1 pull=1 base=[0-9a-f]{40} run=1 result=[0-9a-f]{16}$/,
  );
});

test("severe and sure findings also stand on their lines; publishing again writes nothing", async () => {
  const review = reviewOf({
    findings: [
      at(1, 14, { endLine: 15 }),
      at(2, 30, { confidence: "medium" }),
      at(3, 30, { severity: "medium" }),
      at(4, 5),
      at(5, 14, { side: "base", severity: "block" }),
      at(6, 2, { side: "base" }),
    ],
  });
  expect(await run(review)).toEqual({ check: "written", comments: "written", missing: [] });
  const { checks, comments } = visible();
  expect(checks).toMatchObject([{ conclusion: "failure", annotations: 6 }]);
  expect(comments).toEqual([
    { line: 14, start_line: null, side: "LEFT", fingerprint: fingerprint(5), solved: false, minimized: null },
    { line: 15, start_line: 14, side: "RIGHT", fingerprint: fingerprint(1), solved: false, minimized: null },
  ]);
  expect(fake.reviews.length).toBe(1);
  const before = writes();
  expect(await run(review, { number: 2 })).toEqual({
    check: "unchanged",
    comments: "unchanged",
    missing: [],
  });
  expect(writes()).toBe(before);
});

test("a finding that goes is struck through and hidden, one that comes back is shown again, none is repeated", async () => {
  await run(reviewOf({ findings: [at(1, 14), at(2, 30)] }));
  const answered = fake.reviewComments.find(({ body }) => parseMarker(body)?.fingerprint === fingerprint(2));
  if (answered === undefined) throw new Error("no comment");
  const person = { login: "reviewer", id: 7, app: null, permissions: {} };
  fake.reviewComments.push({
    ...answered,
    id: 99_999,
    nodeId: "PRRC_reply",
    by: person,
    inReplyTo: answered.id,
    body: "why?",
  });

  await push({ [path]: text(14) });
  await run(reviewOf({ findings: [at(3, 14)] }), { number: 2 });
  expect(visible().comments).toMatchObject([
    { fingerprint: fingerprint(1), solved: true, minimized: "outdated" },
    { fingerprint: fingerprint(2), solved: true, minimized: null },
    { minimized: null },
    { fingerprint: fingerprint(3), solved: false, minimized: null },
  ]);
  const solved = fake.reviewComments[0]?.body ?? "";
  expect(solved).toContain("~~**high**: The hash changed, the version and the location did not~~");
  expect(solved).toContain(`Solved in ${pull.head.sha.slice(0, 12)}.`);
  const before = writes();
  await run(reviewOf({ findings: [at(3, 14)] }), { number: 3 });
  expect(writes()).toBe(before);

  await run(reviewOf({ findings: [at(1, 14), at(3, 14)] }), { number: 4 });
  expect(visible().comments[0]).toMatchObject({
    fingerprint: fingerprint(1),
    solved: false,
    minimized: null,
  });
  expect(fake.reviewComments.length).toBe(4);
});

test("what could not be checked solves nothing", async () => {
  await run(reviewOf({ findings: [at(1, 14)] }));
  const unchecked = [{ what: "x.nix", reason: "unreadable" }];
  expect(await run(reviewOf({ complete: false, unchecked }), { number: 2 })).toMatchObject({
    comments: "unchanged",
  });
  expect(visible().comments).toMatchObject([{ solved: false }]);
  expect(visible().checks.at(-1)).toMatchObject({ conclusion: "action_required" });
  expect(fake.checkRuns.at(-1)?.output.title).toMatch(/^Could not check everything/);
});

test("at most ten comments stand open, with the rest in the check run", async () => {
  await push({ [path]: text(...Array.from({ length: 30 }, (_, i) => i + 1)) });
  const findings = Array.from({ length: 25 }, (_, i) =>
    at(i + 1, i + 1, { severity: i === 20 ? "block" : "high" }),
  );
  await run(reviewOf({ findings }));
  expect(fake.reviewComments.length).toBe(10);
  expect(visible().comments[0]?.fingerprint).toBe(fingerprint(21));
  await run(reviewOf({ findings: findings.slice(5) }), { number: 2 });
  expect(visible().comments.filter(({ solved }) => solved === false).length).toBe(10);
});

test("1,200 findings keep to all limits: 50 annotations a request, the conclusion with the last", async () => {
  const findings = Array.from({ length: 1_200 }, (_, i) =>
    at(i, (i % 40) + 1, {
      severity: i % 100 === 0 ? "block" : "low",
      confidence: "low",
      message: "ü".repeat(1_500),
    }),
  );
  await run(reviewOf({ findings }));
  expect(visible().checks).toMatchObject([
    { status: "completed", conclusion: "failure", annotations: 1_000 },
  ]);
  const { output, annotations } = fake.checkRuns[0] ?? { output: { summary: "" }, annotations: [] };
  expect(Buffer.byteLength(output.summary ?? "")).toBeLessThanOrEqual(65_535);
  expect(annotations.slice(0, 12).every(({ annotation_level }) => annotation_level === "failure")).toBe(true);
  const states = fake.requests
    .filter(({ operation }) => operation?.startsWith("PATCH"))
    .map(({ body }) => (body as { status: string }).status);
  expect(states).toEqual([...Array.from({ length: 19 }, () => "in_progress"), "completed"]);
});

test("a comment, a check run or a marker of somebody else is not taken for ours, nor touched", async () => {
  const review = reviewOf({ findings: [at(1, 14)] });
  await run(review);
  const [ours] = fake.reviewComments;
  const [check] = fake.checkRuns;
  if (ours === undefined || check === undefined) throw new Error("nothing published");
  const other: Identity = {
    login: "verifod-bot[bot]",
    id: 666,
    app: { id: 666, slug: "verifod-bot" },
    permissions: {},
  };
  fake.reviewComments.splice(0, 1, { ...ours, by: other });
  fake.checkRuns.splice(0, 1, { ...check, by: other, conclusion: "success" });
  const copies = JSON.stringify([fake.reviewComments[0], fake.checkRuns[0]]);
  await run(review, { number: 2 });
  expect(JSON.stringify([fake.reviewComments[0], fake.checkRuns[0]])).toBe(copies);
  expect([fake.reviewComments.length, fake.checkRuns.length]).toEqual([2, 2]);
  expect(fake.checkRuns[1]).toMatchObject({ by: { login: bot.login }, conclusion: "failure" });
});

test("a person who is called as the app is not the app: its check runs are not theirs", async () => {
  const review = reviewOf();
  await run(review);
  const { login, app } = bot;
  expect(login).toBe(`${app?.slug}[bot]`);
  const reader = { contents: "read", checks: "read", pull_requests: "read" } as const;
  const namesake: Identity = { login: app?.slug ?? "", id: 4_711, app: null, permissions: reader };
  const repository = { owner: fake.owner, name: fake.name };
  const target = { repository, number: pull.number, head: pull.head.sha };
  expect((await readPublished(api(namesake), target)).checks).toEqual([]);
  expect((await readPublished(api(), target)).checks.length).toBe(1);
});

test("a head that moved meanwhile, or a pull request that was closed, gets no comments", async () => {
  const head = pull.head.sha;
  pull.head.sha = made.commit({ [path]: text(1) });
  expect(await run(reviewOf({ findings: [at(1, 14)] }), { head })).toMatchObject({
    check: "written",
    comments: "skipped",
  });
  expect(visible()).toMatchObject({ checks: [{ head_sha: head, conclusion: "failure" }], comments: [] });
  pull.head.sha = head;
  pull.state = "closed";
  expect(await run(reviewOf({ findings: [at(1, 14)] }), { number: 2 })).toMatchObject({
    comments: "skipped",
  });
});

test("a line that GitHub does not take costs only its own comment", async () => {
  await push({ [path]: text(14, 30) });
  const shifted = { ...change, files: change.files, base: change.base };
  // As when GitHub places a hunk elsewhere among repeated lines: line 22 is in no hunk of its own.
  const lying = {
    ...shifted,
    base: { ...change.base, read: async () => ({ kind: "text" as const, text: "" }) },
  };
  change = lying;
  await run(reviewOf({ findings: [at(1, 14), at(2, 22)] }));
  expect(visible().comments).toMatchObject([{ line: 14 }]);
  expect(visible().checks).toMatchObject([{ annotations: 2 }]);
});

test("without permissions nothing is written, and it says which are missing", async () => {
  const review = reviewOf({ findings: [at(1, 14)] });
  const reader = actionsBot({ contents: "read", checks: "read", pull_requests: "read" });
  expect(await run(review, { identity: reader })).toEqual({
    check: "denied",
    comments: "denied",
    missing: ["checks: write", "pull-requests: write"],
  });
  const checker = actionsBot({ contents: "read", checks: "write" });
  expect(await run(review, { identity: checker })).toEqual({
    check: "written",
    comments: "denied",
    missing: ["pull-requests: write"],
  });
});

test("an older run does not overwrite what a newer one has said", async () => {
  await run(reviewOf({ findings: [at(1, 14)] }), { number: 5 });
  const before = JSON.stringify(visible());
  expect(await run(reviewOf(), { number: 4 })).toMatchObject({ check: "superseded", comments: "skipped" });
  expect(JSON.stringify(visible())).toBe(before);
});

test("a run that died among its annotations is completed by the next, or set aside when its result was another", async () => {
  const findings = Array.from({ length: 120 }, (_, i) => at(i, 30, { confidence: "low" }));
  fake.failWhen = ({ operation }) =>
    operation?.startsWith("PATCH") && (fake.checkRuns[0]?.annotations.length ?? 0) >= 50
      ? badGateway(false)
      : null;
  await expect(run(reviewOf({ findings }))).rejects.toMatchObject({ fault: "outside" });
  expect(visible().checks).toMatchObject([{ status: "in_progress", conclusion: null, annotations: 50 }]);
  fake.failWhen = () => null;
  const saved = fake.checkRuns[0];
  if (saved === undefined) throw new Error("no check run");
  const copy = structuredClone(saved);
  await run(reviewOf({ findings }), { number: 2 });
  expect(visible().checks).toMatchObject([{ status: "completed", annotations: 120 }]);
  expect(fake.checkRuns.map(({ id }) => id)).toEqual([copy.id]);
  expect(fake.checkRuns.map(({ id }) => id)).toEqual([saved.id]);

  fake.checkRuns.splice(0, 1, copy);
  await run(reviewOf({ findings: findings.slice(1) }), { number: 3 });
  expect(fake.checkRuns).toMatchObject([
    { id: saved.id, conclusion: "cancelled" },
    { conclusion: "failure", annotations: { length: 119 } },
  ]);
  expect(fake.checkRuns[1]?.id).not.toBe(saved.id);
});

const faults: readonly [string, Fault][] = [
  ["502 before it takes place", badGateway(false)],
  ["502 after it took place", badGateway(true)],
  ["a connection dropped before", dropped(false)],
  ["a connection dropped after", dropped(true)],
  ["a secondary limit with retry-after", secondaryLimit(2)],
  ["a secondary limit without", secondaryLimit()],
  ["the primary limit", primaryLimit(Math.floor(Date.now() / 1_000))],
];
test.each(faults)(
  "%s at each request in turn: the same state at the end, and nothing twice",
  async (_what, fault) => {
    const first = reviewOf({ findings: [at(1, 14), at(2, 30)] });
    const second = reviewOf({ findings: [at(2, 30), at(3, 15)] });
    const firstHead = pull.head.sha;
    const reset = () => {
      for (const list of [fake.checkRuns, fake.reviews, fake.reviewComments, fake.requests]) list.length = 0;
    };
    const both = async () => {
      await run(first, { head: firstHead });
      await run(second, { number: 2 });
    };
    reset();
    await both();
    const wanted = visible();
    const count = fake.requests.length;
    expect(wanted.comments.length).toBe(3);
    for (let failing = 1; failing <= count; failing += 1) {
      reset();
      fake.failWhen = ({ index }) => (index === failing ? fault : null);
      await both();
      expect(visible(), `request ${failing}`).toEqual(wanted);
      expect(fake.requests[failing - 1]?.status).toBe(fault.status);
    }
    fake.failWhen = () => null;
  },
);

test("a GitHub that goes on failing is an honest failure, with the check run pending", async () => {
  fake.failWhen = ({ operation }) => (operation?.startsWith("PATCH") ? badGateway(false) : null);
  await expect(run(reviewOf())).rejects.toMatchObject({
    fault: "outside",
    message: expect.stringContaining("502"),
  });
  expect(visible().checks).toMatchObject([{ status: "in_progress", conclusion: null }]);
});

test("any order and repetition of publications ends as the newest says", async () => {
  const reviews = [
    reviewOf({ findings: [at(1, 14), at(2, 30)] }),
    reviewOf({ findings: [at(2, 30)] }),
    reviewOf(),
    reviewOf({ findings: [at(3, 15)], complete: false, unchecked: [{ what: "a", reason: "b" }] }),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      async (order) => {
        for (const list of [fake.checkRuns, fake.reviews, fake.reviewComments, fake.requests])
          list.length = 0;
        for (const index of order) await run(reviews[index] ?? reviewOf(), { number: index + 1 });
        const newest = reviews[Math.max(...order)] ?? reviewOf();
        const done = fake.checkRuns.filter(({ conclusion }) => conclusion !== "cancelled");
        expect(done.every(({ status }) => status === "completed")).toBe(true);
        expect(done.at(-1)?.annotations.length).toBe(newest.findings.length);
        const fingerprints = fake.reviewComments.map(({ body }) => parseMarker(body)?.fingerprint);
        expect(new Set(fingerprints).size).toBe(fingerprints.length);
        const open = visible().comments.filter(({ solved }) => solved === false);
        if (newest.complete)
          expect(open.map((each) => each.fingerprint).sort()).toEqual(
            newest.findings.map((each) => each.fingerprint).sort(),
          );
        const before = writes();
        await run(newest, { number: Math.max(...order) + 1 });
        expect(writes()).toBe(before);
      },
    ),
    { numRuns: 12 },
  );
});

test("the subset of GitHub's description is small enough to keep", () => {
  const subset = readFileSync(new URL("../fake-github/openapi-subset.json", import.meta.url));
  expect(subset.length).toBeLessThan(500_000);
});
