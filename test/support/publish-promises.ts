/** What must hold while a pull request is published on, whatever goes wrong: looked at before each write, and after a run. */
import assert from "node:assert/strict";
import { toldBy } from "../../src/github/alerts.ts";
import { parseMarker } from "../../src/github/comment-text.ts";
import { parseMark } from "../../src/github/published.ts";
import type { FakeGitHub, LoggedRequest, Pull } from "../fake-github/server.ts";

/** What publishing a head in peace gives. */
export interface Expected {
  readonly conclusion: string | null;
  readonly annotations: readonly string[];
  /** Fingerprints. */
  readonly comments: readonly string[];
  /** Who is told of which finding. */
  readonly told: readonly string[];
}
export type Expectations = ReadonlyMap<string, Expected>;

/** A run, as its writes are looked at. */
export interface Running {
  readonly head: string;
  readonly run: number;
  /** Its review is done. */
  finished: boolean;
  /** Nothing goes wrong in it. */
  readonly peaceful: boolean;
  /** The pull request when the run looked last. */
  seen: { readonly head: string; readonly open: boolean } | null;
}

interface CheckBody {
  readonly head_sha?: string;
  readonly external_id?: string;
  readonly status?: string;
  readonly conclusion?: string;
  readonly output?: { readonly annotations?: readonly object[] };
}
interface ReviewBody {
  readonly commit_id?: string;
  readonly body: string;
  readonly comments?: readonly { readonly body: string }[];
}

export const fingerprintOf = ({ body }: { readonly body: string }): string =>
  parseMarker(body)?.fingerprint ?? "";

/** What there is: the newest check run, the comments that stand open, and what has been told. */
export function published({ checkRuns, reviewComments, issueComments }: FakeGitHub): Expected {
  const newest = checkRuns.at(-1);
  return {
    conclusion: newest?.conclusion ?? null,
    annotations: newest?.annotations.map((each) => JSON.stringify(each)) ?? [],
    comments: reviewComments
      .filter(({ body }) => parseMarker(body)?.solved === false)
      .map(fingerprintOf)
      .sort(),
    told: issueComments.flatMap(({ body }) => [...toldBy([body]).pairs]).sort(),
  };
}

/** Looks at a request before it is answered. @throws AssertionError when a promise would be broken */
export function checkRequest(
  fake: FakeGitHub,
  pull: Pull,
  expectations: Expectations,
  running: Running,
  request: LoggedRequest,
): void {
  const { operation, method, body } = request;
  if (!request.isWrite) {
    if (operation === "graphql" && (body as { query: string }).query.includes("headRefOid"))
      running.seen = { head: pull.head.sha, open: pull.state === "open" };
    return;
  }
  const expected = expectations.get(running.head);
  if (operation?.includes("/check-runs")) {
    checkOfCheckRun(fake, pull, running, expected, request);
    return;
  }
  assert.ok(running.finished, "something is said without a finished review");
  assert.deepEqual(running.seen, { head: running.head, open: true }, "something is said on another head");
  switch (operation) {
    case "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews":
    case "POST /repos/{owner}/{repo}/pulls/{pull_number}/comments": {
      const review = body as ReviewBody;
      assert.equal(review.commit_id, running.head, "a comment on another commit");
      const known = fake.reviewComments.map(fingerprintOf);
      for (const fingerprint of (review.comments ?? [review]).map(fingerprintOf)) {
        assert.ok(expected?.comments.includes(fingerprint), "a comment on what is no finding of the head");
        assert.ok(!known.includes(fingerprint), "a finding has two comments");
      }
      return;
    }
    case "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": {
      const known = toldBy(fake.issueComments.map((each) => each.body)).pairs;
      for (const pair of toldBy([(body as ReviewBody).body]).pairs) {
        assert.ok(expected?.told.includes(pair), "somebody is told of what is no finding of the head");
        assert.ok(!known.has(pair), "somebody is told twice");
      }
      return;
    }
    default:
      assert.match(
        `${operation}: ${(body as { query?: string }).query}`,
        /^graphql: mutation .*(updatePullRequestReviewComment|inimizeComment)\(/,
        `${method} is no write of publishing`,
      );
  }
}

function checkOfCheckRun(
  fake: FakeGitHub,
  pull: Pull,
  { head, run, finished, peaceful }: Running,
  expected: Expected | undefined,
  { method, path, body }: LoggedRequest,
): void {
  const { head_sha, external_id = "", status, conclusion, output } = body as CheckBody;
  const patched = method === "PATCH" ? fake.checkRuns.find(({ id }) => path.endsWith(`/${id}`)) : undefined;
  assert.equal(method === "POST" ? head_sha : patched?.head_sha, head, "a check run of another commit");
  const mark = parseMark(external_id);
  assert.deepEqual([mark?.pull, mark?.base], [pull.number, pull.base.sha], "a check run of another change");
  assert.notEqual(patched?.status, "completed", "a check run is written after its end");
  for (const other of fake.checkRuns.filter((each) => each.head_sha === head)) {
    if (other.status === "completed")
      assert.ok((parseMark(other.external_id)?.run ?? 0) <= run, "a run overwrites a later one");
    else assert.ok(method !== "POST", "two check runs are under way on one commit");
  }

  const annotations = [...(patched?.annotations ?? []), ...(output?.annotations ?? [])].map((each) =>
    JSON.stringify(each),
  );
  assert.equal(new Set(annotations).size, annotations.length, "an annotation stands twice");
  assert.ok(
    annotations.every((each) => expected?.annotations.includes(each)),
    "an annotation of another head",
  );
  if (status !== "completed" || conclusion === "cancelled") return;
  if (conclusion === "action_required") {
    assert.ok(finished || annotations.length === 0, "annotations of another result");
    return;
  }
  assert.ok(finished, `${conclusion} without a finished review`);
  assert.equal(conclusion, expected?.conclusion);
  assert.deepEqual(annotations, expected?.annotations, "done before all annotations are there");
  if (!peaceful) return;
  const here = published(fake);
  for (const said of ["comments", "told"] as const)
    for (const each of expected?.[said] ?? [])
      assert.ok(here[said].includes(each), `done before all are ${said}`);
}

/** What holds at any time. */
export function checkAlways(
  { checkRuns, reviewComments, issueComments }: FakeGitHub,
  expectations: Expectations,
): void {
  const own = reviewComments.filter(({ inReplyTo }) => inReplyTo === null);
  assert.equal(new Set(own.map(fingerprintOf)).size, own.length, "a finding has two comments");
  const told = issueComments.map(({ body }) => toldBy([body]).pairs.size).reduce((a, b) => a + b, 0);
  assert.equal(toldBy(issueComments.map(({ body }) => body)).pairs.size, told, "somebody is told twice");
  for (const comment of own) {
    const here = expectations.get(comment.commit_id)?.comments ?? [];
    assert.ok(here.includes(fingerprintOf(comment)), "a comment on a commit without that finding");
  }
  for (const [commit, expected] of expectations) {
    const here = checkRuns.filter(({ head_sha }) => head_sha === commit);
    const open = here.filter(({ status }) => status !== "completed");
    assert.ok(open.length <= 1, "two check runs are under way on one commit");
    const done = here.filter(
      ({ status, conclusion }) => status === "completed" && conclusion !== "cancelled",
    );
    for (const [index, check] of done.entries()) {
      if (check.conclusion !== "action_required") {
        assert.equal(check.conclusion, expected.conclusion);
        const annotations = check.annotations.map((each) => JSON.stringify(each));
        assert.deepEqual(annotations, expected.annotations, "annotations twice, or not all of them");
      }
      const before = parseMark(done[index - 1]?.external_id ?? "");
      if (before)
        assert.notEqual(parseMark(check.external_id)?.result, before.result, "the same check run twice");
    }
  }
}

/** What holds once a run went through on the current head. */
export function checkEnd(fake: FakeGitHub, expectations: Expectations, head: string): void {
  checkAlways(fake, expectations);
  const expected = expectations.get(head);
  const checks = fake.checkRuns.filter(({ head_sha }) => head_sha === head);
  assert.deepEqual(
    [...new Set(checks.map(({ status }) => status))],
    ["completed"],
    "a check run is left pending",
  );
  const newest = checks.at(-1);
  assert.equal(newest?.conclusion, expected?.conclusion);
  assert.deepEqual(
    newest?.annotations.map((each) => JSON.stringify(each)),
    expected?.annotations,
  );
  const { told, comments } = published(fake);
  for (const each of expected?.told ?? []) assert.ok(told.includes(each), "somebody was not told");
  if (expected?.conclusion !== "action_required") assert.deepEqual(comments, expected?.comments);
}
