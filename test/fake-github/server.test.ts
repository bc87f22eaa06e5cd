/** The fake refuses what GitHub refuses: without this the tests that use it prove nothing. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { statusOf } from "../../src/change/github-api.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import {
  actionsBot,
  dropped,
  type FakeGitHub,
  type Pull,
  primaryLimit,
  secondaryLimit,
  startFakeGitHub,
} from "./server.ts";

let made: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
const lines = (changed: string) =>
  Array.from({ length: 30 }, (_, i) => (i === 14 ? `${changed}\n` : `${i + 1}\n`)).join("");

beforeEach(async () => {
  made = makeRepository({ "a.nix": lines("old") });
  made.git("checkout", "--quiet", "--detach");
  fake = await startFakeGitHub({ repository: made });
  pull = fake.openPull({ head: made.commit({ "a.nix": lines("new") }) });
});
afterEach(async () => {
  await fake.close();
  made.remove();
});

const all = { contents: "read", checks: "write", pull_requests: "write" } as const;
function post(
  route: string,
  body: object,
  permissions: Parameters<typeof actionsBot>[0] = all,
): Promise<unknown> {
  const api = createGitHubApi({ token: fake.token(actionsBot(permissions)), apiUrl: fake.url, pace: 0 });
  return api.request(route, { owner: fake.owner, repo: fake.name, ...body });
}
const check = (output: object = {}) => ({
  name: "verifod",
  head_sha: pull.head.sha,
  status: "in_progress",
  output: { title: "t", summary: "s", ...output },
});
const annotation = (values: object = {}) => ({
  path: "a.nix",
  start_line: 1,
  end_line: 1,
  annotation_level: "notice",
  message: "m",
  ...values,
});
const review = (comment: object) => ({
  pull_number: pull.number,
  event: "COMMENT",
  body: "b",
  commit_id: pull.head.sha,
  comments: [{ path: "a.nix", body: "c", side: "RIGHT", ...comment }],
});
const checkRoute = "POST /repos/{owner}/{repo}/check-runs";
const reviewRoute = "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews";

test.each([
  [
    "51 annotations",
    checkRoute,
    () => check({ annotations: Array.from({ length: 51 }, () => annotation()) }),
  ],
  ["a long summary", checkRoute, () => check({ summary: "x".repeat(65_536) })],
  [
    "columns over lines",
    checkRoute,
    () => check({ annotations: [annotation({ end_line: 2, start_column: 1 })] }),
  ],
  [
    "a long annotation title",
    checkRoute,
    () => check({ annotations: [annotation({ title: "x".repeat(256) })] }),
  ],
  ["an unknown field", checkRoute, () => ({ ...check(), colour: "red" })],
  ["an unknown conclusion", checkRoute, () => ({ ...check(), status: "completed", conclusion: "fine" })],
  ["completed without conclusion", checkRoute, () => ({ ...check(), status: "completed" })],
  ["a line outside of the diff", reviewRoute, () => review({ line: 5 })],
  ["a file outside of the diff", reviewRoute, () => review({ path: "b.nix", line: 15 })],
  ["a start after the end", reviewRoute, () => review({ line: 15, start_line: 15 })],
  ["a long comment", reviewRoute, () => review({ line: 15, body: "x".repeat(65_537) })],
])("%s is refused", async (_what, route, body) => {
  await expect(post(route, body())).rejects.toSatisfy((error) => statusOf(error) === 422);
  expect([fake.checkRuns, fake.reviewComments]).toEqual([[], []]);
});

test("what GitHub takes is taken, by the permissions of the token", async () => {
  await post(checkRoute, check({ annotations: [annotation()] }));
  await post(reviewRoute, review({ line: 18, start_line: 12 }));
  expect([fake.checkRuns.length, fake.reviewComments.length]).toEqual([1, 1]);
  expect(fake.faults).toEqual([]);
  const readOnly = { contents: "read", checks: "read", pull_requests: "read" } as const;
  await expect(post(checkRoute, check(), readOnly)).rejects.toThrow(/not accessible by integration/);
  await expect(post(reviewRoute, review({ line: 15 }), readOnly)).rejects.toThrow(
    /not accessible by integration/,
  );
});

test("a route or a field that GitHub's description lacks is a fault of the test", async () => {
  await expect(post("POST /repos/{owner}/{repo}/check-suites/{id}/nothing", { id: 1 })).rejects.toThrow();
  const api = createGitHubApi({ token: fake.token(actionsBot(all)), apiUrl: fake.url, pace: 0 });
  await expect(api.graphql("query { viewer { password } }", {})).rejects.toThrow(/password/);
  expect(fake.faults).toEqual([
    expect.stringContaining("is not served"),
    expect.stringContaining("password"),
  ]);
});

test("reads are repeated, limits waited for, and a write of unknown outcome is not repeated", async () => {
  const api = createGitHubApi({ token: fake.token(actionsBot(all)), apiUrl: fake.url, pace: 0 });
  const repo = { owner: fake.owner, repo: fake.name };
  for (const fault of [
    dropped(false),
    { status: 502, applied: false },
    secondaryLimit(1),
    secondaryLimit(),
    primaryLimit(0),
  ]) {
    fake.requests.length = 0;
    fake.failWhen = ({ index }) => (index === 1 ? fault : null);
    await api.request("GET /repos/{owner}/{repo}", repo);
    expect(fake.requests.map(({ status }) => status)).toEqual([fault.status, 200]);
  }
  fake.failWhen = () => dropped(true);
  fake.requests.length = 0;
  await expect(api.request(checkRoute, { ...repo, ...check() })).rejects.toThrow();
  expect([fake.requests.length, fake.checkRuns.length]).toEqual([1, 1]);
});

test("an answer that has not changed is 304", async () => {
  const headers = { authorization: `token ${fake.token(actionsBot(all))}` };
  const url = `${fake.url}/repos/${fake.owner}/${fake.name}`;
  const first = await fetch(url, { headers });
  const again = await fetch(url, {
    headers: { ...headers, "if-none-match": first.headers.get("etag") ?? "" },
  });
  expect([first.status, again.status]).toEqual([200, 304]);
});
