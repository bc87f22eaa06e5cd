/** The built action asks a GitHub of our own about the source of a pull request, with real repositories behind. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type FakeGitHub, type Pull, primaryLimit, startFakeGitHub } from "../fake-github/server.ts";
import { addUpstream, type UpstreamRepository } from "../fake-github/upstreams.ts";
import { type ActionRun, reviewPull } from "../support/action.ts";
import { exampleFiles } from "../support/examples.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let made: TestRepository;
let brook: TestRepository;
let fake: FakeGitHub;
let pull: Pull;
let upstream: UpstreamRepository;
let commit: string;
/** A commit that only a tag leads to. */
let tagged: string;

beforeAll(() => {
  made = makeRepository(exampleFiles("base"));
  brook = makeRepository({ "main.c": "1" }, { "main.c": "2" });
  brook.git("tag", "v1.4.2", "HEAD^");
  brook.git("tag", "v1.5.0");
  commit = brook.git("rev-parse", "HEAD");
  brook.git("checkout", "--quiet", "--detach");
  tagged = brook.commit({ "main.c": "3" });
  brook.git("tag", "v1.5.1");
  brook.git("checkout", "--quiet", "-");
});
beforeEach(async () => {
  made.git("checkout", "--quiet", "--detach", "main");
  fake = await startFakeGitHub({ repository: made });
  upstream = addUpstream(fake, brook, { owner: "brook-project", name: "brook" });
  upstream.releases.push({ tag: "v1.5.0", published: "2026-01-02T10:00:00Z", author: "ada" });
  pull = fake.openPull({ head: made.commit(exampleFiles("1-honest-bump"), "brook: 1.4.2 -> 1.5.0") });
});
afterEach(async () => {
  expect(fake.faults).toEqual([]);
  await fake.close();
});
afterAll(() => {
  made.remove();
  brook.remove();
});

const withoutAsking = 6;
/** A run whose token is one of the GitHub that is asked, unless `env` says otherwise. */
const run = (
  inputs: Record<string, string> = {},
  env: Record<string, string> = {},
  runId = 1,
): Promise<ActionRun> =>
  reviewPull(fake, pull, { inputs, runId, env: { VERIFOD_GITHUB_API: fake.url, ...env } });
const asksUpstream = ({ body }: { readonly body: unknown }) =>
  (JSON.stringify(body) ?? "").includes("repositoryOwner");
const text = () => fake.checkRuns.at(-1)?.output.text;

test("says beside the pin what upstream says, for one request more", async () => {
  const { outputs } = await run();
  expect(outputs).toMatchObject({ conclusion: "success" });
  expect(text()).toContain(
    `| \`v1.5.0\` is \`${commit.slice(0, 12)}\`, published \`2026-01-02\` by \`ada\` |`,
  );
  expect(fake.requests).toHaveLength(withoutAsking + 1);
});

test.each([
  ["the input says never", { ask: "never" }, {}],
  ["its token is one of another GitHub", {}, { VERIFOD_GITHUB_API: "" }],
])("asks nobody when %s", async (_, inputs, env) => {
  expect((await run(inputs, env)).outputs).toMatchObject({ conclusion: "success" });
  expect(text()).not.toContain("Upstream");
  expect(fake.requests).toHaveLength(withoutAsking);
});

test("the configuration of the base can say never, and the input overrules it", async () => {
  made.git("checkout", "--quiet", "--detach", "main");
  const base = made.commit({ ".github/verifod.yml": "ask: never\n" }, "ask nobody");
  const files = { ...exampleFiles("1-honest-bump"), ".github/verifod.yml": "ask: auto\n" };
  pull = fake.openPull({ base, head: made.commit(files, "brook: 1.4.2 -> 1.5.0") });
  await run();
  expect(text()).not.toContain("Upstream");
  await run({ ask: "auto" }, {}, 2);
  expect(text()).toContain(commit.slice(0, 12));
});

test("a rate limit while asking is shown, is not green, and stops no review", async () => {
  const limit = primaryLimit(Math.floor(Date.now() / 1_000) + 3_600);
  fake.failWhen = (request) => (asksUpstream(request) ? limit : null);
  expect((await run()).outputs).toMatchObject({ conclusion: "neutral", findings: "0" });
  expect(text()).toContain("could not ask the repository, the tag or branch, the release: the rate limit");
});

test("what is left of a limit is left to reviews", async () => {
  fake.remaining = 99;
  const [path = "", recipe = ""] = Object.entries(exampleFiles("1-honest-bump"))[0] ?? [];
  const text = recipe.replace(/tag = .*;/, `rev = "${tagged}";`);
  pull = fake.openPull({ head: made.commit({ [path]: text }, "brook: pin a commit") });
  expect((await run()).outputs).toMatchObject({ conclusion: "action_required", findings: "0" });
  expect(fake.requests.filter(asksUpstream)).toHaveLength(1);
  expect(fake.checkRuns[0]?.output.summary).toContain("99 requests to GitHub are left for this hour");
});

test("a private repository that the token may read is not told of", async () => {
  upstream.isPrivate = true;
  await run();
  expect(text()).toContain("not there: the repository");
  expect(text()).not.toContain(commit.slice(0, 12));
  expect(text()).not.toContain("ada");
});
