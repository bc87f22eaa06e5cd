/** The repository and the promises of publishing, for playing what goes wrong: see publish-schedules.ts. */
import assert from "node:assert/strict";
import { openApiChange } from "../../src/change/api.ts";
import type { GitHubApi } from "../../src/change/github-api.ts";
import { createGitHubApi } from "../../src/github/client.ts";
import { createDocuments } from "../../src/nix/documents.ts";
import { review as reviewChange } from "../../src/review.ts";
import { reviewPull, type Target } from "../../src/review-pull.ts";
import { createTools } from "../../src/tools.ts";
import {
  actionsBot,
  type FakeGitHub,
  type LoggedRequest,
  type Pull,
  startFakeGitHub,
} from "../fake-github/server.ts";
import { exampleFiles } from "./examples.ts";
import {
  checkEnd,
  checkRequest,
  type Expectations,
  type Expected,
  published,
  type Running,
} from "./publish-promises.ts";
import { makeRepository, type TestFile, type TestRepository } from "./repository.ts";

export interface Stage {
  readonly repository: TestRepository;
  /** The tip of the base branch. */
  readonly tip: string;
  readonly commits: readonly string[];
  readonly expected: Expectations;
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

/** The heads that schedules use, in their order, and how much of what there is to publish on each. */
export const HEADS = [
  { what: "honest", conclusion: "success", annotations: 0, comments: 0, told: 0 },
  { what: "one finding", conclusion: "failure", annotations: 1, comments: 1, told: 0 },
  { what: "two, and a team", conclusion: "failure", annotations: 2, comments: 2, told: 1 },
  { what: "sixty, and a team", conclusion: "failure", annotations: 60, comments: 10, told: 60 },
  { what: "what cannot be judged", conclusion: "action_required", annotations: 0, comments: 0, told: 0 },
] as const;

/** What a stage found on its heads, as `HEADS` has it. */
export function foundOn({ commits, expected }: Stage): object[] {
  return commits.map((commit, index) => {
    const { conclusion, annotations, comments, told } = expected.get(commit) ?? {};
    const what = HEADS[index]?.what;
    return {
      what,
      conclusion,
      annotations: annotations?.length,
      comments: comments?.length,
      told: told?.length,
    };
  });
}

/** The repository with the heads, and what publishing each in peace gives. */
export async function openStage(): Promise<Stage> {
  // What cannot be read is then no finding by itself.
  const config = `rules:
  binary-or-huge-file: off
subsystems:
  - { name: lantern, paths: ["/pkgs/by-name/la/"], alert: ["@NixOS/lantern"] }
  - { name: many, paths: ["/pkgs/by-name/ma/"], alert: ["@NixOS/many"] }
`;
  const base = { ...exampleFiles("base"), ".github/verifod.yml": config };
  const repository = makeRepository({ ...base, ...many("a") });
  const tip = repository.git("rev-parse", "HEAD");
  repository.git("checkout", "--quiet", "--detach");
  const commits = [
    repository.commit(exampleFiles("1-honest-bump"), "brook: 1.4.2 -> 1.5.0"),
    repository.commit(exampleFiles("3-hash-alone"), "pebble-db: refresh hash"),
    repository.commit(exampleFiles("2-stale-hash"), "lantern: 1.4.2 -> 1.4.3"),
    repository.commit({ ...base, ...many("b") }, "many: refresh"),
    repository.commit({ ...many("a"), "pkgs/by-name/br/brook/package.nix": "\0" }, "brook: make binary"),
  ];
  const stage: Stage = { repository, tip, commits, expected: new Map(), remove: () => repository.remove() };
  const expected = new Map<string, Expected>();
  for (const commit of commits) {
    const world = await openWorld(stage);
    world.pull.head.sha = commit;
    await review(
      world,
      commit,
      ++world.number,
      () => false,
      () => {},
    );
    expected.set(commit, published(world.fake));
    await world.fake.close();
  }
  return { ...stage, expected };
}

export interface World {
  readonly stage: Stage;
  readonly fake: FakeGitHub;
  readonly pull: Pull;
  /** Of the newest run so far. */
  number: number;
}

export async function openWorld(stage: Stage): Promise<World> {
  const fake = await startFakeGitHub({ repository: stage.repository });
  const pull = fake.openPull({ head: stage.commits[0] ?? "", tip: stage.tip });
  return { stage, fake, pull, number: 100 };
}

/** A run in peace brings about what the head deserves; one more writes nothing. */
export async function end(world: World, head: string): Promise<void> {
  const { fake, stage } = world;
  await finish(world, head);
  checkEnd(fake, stage.expected, head);
  const before = writesOf(fake);
  await finish(world, head);
  assert.equal(writesOf(fake), before, "publishing again writes something");
  assert.deepEqual(fake.faults, []);
}

const writesOf = (fake: FakeGitHub): number => fake.requests.filter(({ isWrite }) => isWrite).length;

/** A run on the current head in peace. */
async function finish(world: World, head: string): Promise<void> {
  world.pull.head.sha = head;
  world.fake.failWhen = () => null;
  const failure = await runReview(world, head, ++world.number, null);
  if (failure !== null) throw failure;
}

/** What goes wrong in a run. */
export interface Trouble {
  /** Called before each request. */
  readonly meanwhile: (request: LoggedRequest) => void;
  readonly isDead: () => boolean;
}

/**
 * Runs what the mode `review` runs; what it throws is given. Each of its writes is checked before it takes place.
 * @throws AssertionError when something has happened that must never be
 */
export async function runReview(
  world: World,
  head: string,
  run: number,
  trouble: Trouble | null,
): Promise<Error | null> {
  const running: Running = { head, run, finished: false, peaceful: trouble === null, seen: null };
  const isDead = trouble?.isDead ?? (() => false);
  const checked = watch(world, running, (request) => {
    trouble?.meanwhile(request);
    return !isDead();
  });
  const failure = await review(world, head, run, isDead, () => {
    running.finished = true;
  });
  checked();
  return failure;
}

/**
 * Checks each request of a run for which `act` says true. What breaks a promise does not stop it: the function that is
 * given throws it afterwards.
 */
export function watch(
  { fake, pull, stage }: World,
  running: Running,
  act: (request: LoggedRequest) => boolean,
): () => void {
  const broken: unknown[] = [];
  fake.before = (request) => {
    if (!act(request)) return;
    try {
      checkRequest(fake, pull, stage.expected, running, request);
    } catch (error) {
      broken.push(error);
    }
  };
  return () => {
    fake.before = () => {};
    if (broken.length > 0) throw broken[0];
  };
}

async function review(
  { fake, pull }: World,
  head: string,
  run: number,
  isDead: () => boolean,
  onFinish: () => void,
): Promise<Error | null> {
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
      open: async (range, prefetch) => ({
        change: await openApiChange(api, repository, range, prefetch),
        close: () => {},
      }),
      check: async (change, config, subjects) =>
        reviewChange(change, await createTools(), { config, subjects }),
      complete: async (review) => {
        onFinish();
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
