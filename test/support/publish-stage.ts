/** The repository and the promises of publishing, for playing what goes wrong: see publish-schedules.ts. */
import assert from "node:assert/strict";
import { openPull } from "../../src/action/open-pull.ts";
import type { GitHubApi } from "../../src/change/github-api.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { parseMarker } from "../../src/github/comment-text.ts";
import { parseMark } from "../../src/github/published.ts";
import { createDocuments } from "../../src/nix/documents.ts";
import { createTools, review as reviewChange } from "../../src/review.ts";
import { reviewPull, type Target } from "../../src/review-pull.ts";
import {
  actionsBot,
  type FakeGitHub,
  type LoggedRequest,
  type Pull,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { exampleFiles } from "./examples.ts";
import { makeRepository, type TestFile, type TestRepository } from "./repository.ts";

/** What publishing a head in peace gives. */
export interface Expected {
  readonly conclusion: string | null;
  readonly annotations: readonly string[];
  readonly comments: readonly string[];
}

export interface Stage {
  readonly repository: TestRepository;
  readonly commits: readonly string[];
  readonly expected: ReadonlyMap<string, Expected>;
  remove(): void;
}

/** A package whose hash changes alone: sixty of them take two requests for their annotations. */
const many = (letter: string): Record<string, TestFile> =>
  Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `pkgs/by-name/ma/many${index}/package.nix`,
      `{ fetchurl, stdenv }:\nstdenv.mkDerivation {\n  pname = "many${index}";\n  version = "1.0";\n  src = fetchurl {\n    url = "https://example.org/many${index}-1.0.tar.gz";\n    hash = "sha256-${Buffer.from(`${letter}${index}`.padEnd(32, "x")).toString("base64")}";\n  };\n}\n`,
    ]),
  );

export const HEADS = 5;

/** The repository with the heads that schedules use: honest, one finding, two, sixty, and one that cannot be judged. */
export async function openStage(): Promise<Stage> {
  // What cannot be read is then no finding by itself.
  const config = "rules:\n  binary-or-huge-file: off\n";
  const base = { ...exampleFiles("base"), ".github/verifod.yml": config };
  const repository = makeRepository({ ...base, ...many("a") });
  repository.git("checkout", "--quiet", "--detach");
  const commits = [
    repository.commit(exampleFiles("1-honest-bump"), "brook: 1.4.2 -> 1.5.0"),
    repository.commit(exampleFiles("3-hash-alone"), "pebble-db: refresh hash"),
    repository.commit(exampleFiles("2-stale-hash"), "lantern: 1.4.2 -> 1.4.3"),
    repository.commit({ ...base, ...many("b") }, "many: refresh"),
    repository.commit({ ...many("a"), "pkgs/by-name/br/brook/package.nix": "\0" }, "brook: make binary"),
  ];
  const stage: Stage = { repository, commits, expected: new Map(), remove: () => repository.remove() };
  const expected = new Map<string, Expected>();
  for (const commit of commits) {
    const world = await openWorld(stage);
    await finish(world, commit);
    const [check] = world.fake.checkRuns;
    expected.set(commit, {
      conclusion: check?.conclusion ?? null,
      annotations: check?.annotations.map((each) => JSON.stringify(each)) ?? [],
      comments: world.fake.reviewComments.map(fingerprintOf).sort(),
    });
    await world.fake.close();
  }
  return { ...stage, expected };
}

export const fingerprintOf = ({ body }: { readonly body: string }): string =>
  parseMarker(body)?.fingerprint ?? "";

export interface World {
  readonly stage: Stage;
  readonly fake: FakeGitHub;
  readonly pull: Pull;
  /** Of the newest run so far. */
  number: number;
}

export async function openWorld(stage: Stage): Promise<World> {
  const fake = await startFakeGitHub({ repository: stage.repository });
  return { stage, fake, pull: fake.openPull({ head: stage.commits[0] ?? "" }), number: 100 };
}

/** A run in peace brings about what the head deserves; one more writes nothing. */
export async function end(world: World, head: string): Promise<void> {
  await finish(world, head);
  checkEnd(world, head);
  const before = writesOf(world.fake);
  await finish(world, head);
  assert.equal(writesOf(world.fake), before, "publishing again writes something");
  assert.deepEqual(world.fake.faults, []);
}

const writesOf = (fake: FakeGitHub): number => fake.requests.filter(({ isWrite }) => isWrite).length;

/** A run on the current head in peace. */
async function finish(world: World, head: string): Promise<void> {
  world.pull.head.sha = head;
  world.fake.failWhen = () => null;
  await runReview(world, head, ++world.number, () => null);
}

/** Runs what the mode `review` runs; what it throws is given. Each of its writes is checked before it takes place. */
export async function runReview(
  { fake, pull, stage }: World,
  head: string,
  run: number,
  meanwhile: (request: LoggedRequest) => void,
  isDead: () => boolean = () => false,
): Promise<Error | null> {
  let finished = false;
  fake.before = (request) => {
    meanwhile(request);
    if (request.isWrite && !isDead()) checkWrite(fake, request, head, finished, stage.expected.get(head));
  };
  const token = fake.token(actionsBot({ contents: "read", checks: "write", pull_requests: "write" }));
  const client = createGitHubApi({ token, apiUrl: fake.url, pace: 0 });
  // What is dead does nothing more: the fake drops what is on its way.
  const alive = <T>(act: () => Promise<T>): Promise<T> =>
    isDead() ? Promise.reject(new Error("dead")) : act();
  const api: GitHubApi = {
    request: (route, parameters) => alive(() => client.request(route, parameters)),
    graphql: (query, variables) => alive(() => client.graphql(query, variables)),
  };
  const target: Target = { number: pull.number, title: "A change", base: pull.base.sha, head };
  const repository = { owner: fake.owner, name: fake.name };
  try {
    const { failure } = await reviewPull(api, target, {
      repository,
      run,
      details: "https://github.example",
      config: null,
      failOn: null,
      open: (range, prefetch) => openPull(api, repository, range, "/nonexistent", prefetch),
      check: async (change, config, subjects) =>
        reviewChange(change, await createTools(), { config, subjects }),
      complete: async (review) => {
        finished = true;
        return review;
      },
      accounts: false,
      documents: createDocuments,
      notes: [],
      pace: 0,
    });
    return failure;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

interface CheckBody {
  readonly head_sha?: string;
  readonly conclusion?: string;
}

function checkWrite(
  fake: FakeGitHub,
  { operation, method, path, body }: LoggedRequest,
  head: string,
  finished: boolean,
  expected: Expected | undefined,
): void {
  if (operation?.includes("/check-runs")) {
    const { head_sha, conclusion } = body as CheckBody;
    const patched = fake.checkRuns.find(({ id }) => path.endsWith(`/${id}`));
    assert.equal(method === "POST" ? head_sha : patched?.head_sha, head, "a check run of another commit");
    if (conclusion === undefined || conclusion === "cancelled") return;
    if (conclusion === "action_required") return;
    assert.ok(finished, `${conclusion} without a finished review`);
    if (expected) assert.equal(conclusion, expected.conclusion);
  } else if (operation?.includes("/pulls/")) {
    assert.equal((body as { commit_id?: string }).commit_id, head, "a comment on another commit");
    assert.ok(finished, "a comment without a finished review");
  }
}

/** What holds at any time. */
export function checkAlways({ fake, stage }: World): void {
  const own = fake.reviewComments.filter(({ inReplyTo }) => inReplyTo === null);
  assert.equal(new Set(own.map(fingerprintOf)).size, own.length, "a finding has two comments");
  for (const comment of own) {
    const here = stage.expected.get(comment.commit_id)?.comments ?? [];
    assert.ok(here.includes(fingerprintOf(comment)), "a comment on a commit without that finding");
  }
  for (const commit of stage.commits) {
    const expected = stage.expected.get(commit);
    const done = fake.checkRuns.filter(
      ({ head_sha, status, conclusion }) =>
        head_sha === commit && status === "completed" && conclusion !== "cancelled",
    );
    for (const [index, check] of done.entries()) {
      const annotations = check.annotations.map((each) => JSON.stringify(each));
      if (check.conclusion === expected?.conclusion && check.conclusion !== "action_required")
        assert.deepEqual(annotations, expected?.annotations, "annotations twice, or not all of them");
      const before = parseMark(done[index - 1]?.external_id ?? "");
      if (before)
        assert.notEqual(parseMark(check.external_id)?.result, before.result, "the same check run twice");
    }
  }
}

/** What holds once a run went through on the current head. */
function checkEnd(world: World, head: string): void {
  checkAlways(world);
  const { fake, stage } = world;
  const expected = stage.expected.get(head);
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
  const open = fake.reviewComments
    .filter(({ body }) => parseMarker(body)?.solved === false)
    .map(fingerprintOf);
  if (expected?.conclusion !== "action_required") assert.deepEqual(open.sort(), expected?.comments);
}
