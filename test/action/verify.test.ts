// Needs: nix
/** The built action with real Nix: `analyze` refetches what the change declares, `publish` shows what it found. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reviewSchema } from "../../src/report/schema.ts";
import { actionsBot, type FakeGitHub, type Pull, startFakeGitHub } from "../fake-github/server.ts";
import { type ActionRun, runAction } from "../support/action.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "../verify/support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "../verify/support/packages.ts";

let origin: Origin;
let made: TestRepository;
let scratch: string;
beforeAll(async () => {
  origin = await startOrigin();
  made = makeRepository({ ...SET_FILES, ...frob("1", "/ok/frob-1"), ...grob("1", "/ok/grob-1") });
  scratch = made.folder();
  made.git("checkout", "--quiet", "--detach");
});
afterAll(async () => {
  made.remove();
  await origin.close();
});

/** A package whose source is at a path of the origin, declared as what `content` would give. */
const package_ =
  (name: string) =>
  (version: string, path: string, content = path.slice("/ok/".length)) => ({
    [packagePath(name)]: packageNix(name, version, "builtin", {
      url: `${origin.url}${path}`,
      hash: sri(contentOf(content)),
    }),
  });
const frob = package_("frob");
const grob = package_("grob");

interface Both {
  readonly analyzed: ActionRun;
  readonly published: ActionRun;
  readonly fake: FakeGitHub;
  readonly pull: Pull;
  readonly report: string;
}

/** Both workflows, one after the other, on a pull request that changes `files`. */
async function bothRuns(files: Readonly<Record<string, string>>, title: string): Promise<Both> {
  made.git("checkout", "--quiet", "--detach", "main");
  const head = made.commit(files, title);
  const fake = await startFakeGitHub({ repository: made });
  try {
    const pull = fake.openPull({ head });
    // As the runner checks it out.
    made.git("checkout", "--quiet", "--detach", "main");
    made.git("merge", "--quiet", "--no-ff", "--no-edit", head);
    const report = join(made.folder(), "report.json");
    const analyzed = await runAction({
      inputs: { mode: "analyze", verify: "always", "allow-hosts": `mirror.example ${origin.host}`, report },
      event: "pull_request",
      payload: { pull_request: fake.pullData(pull) },
      apiUrl: fake.url,
      workspace: made.directory,
      env: { TMPDIR: scratch },
    });
    expect(fake.requests).toEqual([]);
    const published = await runAction({
      inputs: {
        mode: "publish",
        token: fake.token(actionsBot({ contents: "read", checks: "write", pull_requests: "write" })),
        report,
      },
      event: "workflow_run",
      payload: {
        workflow_run: {
          event: "pull_request",
          conclusion: "success",
          head_sha: head,
          head_branch: pull.head.ref,
          head_repository: { id: pull.head.repositoryId, owner: { login: pull.head.owner } },
          pull_requests: [],
        },
      },
      apiUrl: fake.url,
    });
    expect(fake.faults).toEqual([]);
    return { analyzed, published, fake, pull, report };
  } finally {
    await fake.close();
  }
}

const outcomes = (report: string) =>
  reviewSchema
    .parse(JSON.parse(readFileSync(report, "utf8")))
    .verdicts.map(({ name, outcome, introduced }) => ({ name, outcome, introduced }));

test("a source that is not what its hash declares fails the check, on its line, with both hashes", async () => {
  const change = { ...frob("2", "/ok/frob-2"), ...grob("2", "/ok/grob-2", "something else") };
  const { analyzed, published, fake, report, pull } = await bothRuns(change, "frob, grob: 1 -> 2");
  expect(analyzed).toMatchObject({ status: 0, stderr: "", outputs: { conclusion: "failure" } });
  expect(outcomes(report)).toEqual([
    { name: "frob-2", outcome: "match", introduced: true },
    { name: "grob-2", outcome: "mismatch", introduced: true },
  ]);
  expect(published).toMatchObject({ status: 0, stderr: "", outputs: { conclusion: "failure" } });
  const [check] = fake.checkRuns;
  expect(check).toMatchObject({ head_sha: pull.head.sha, status: "completed", conclusion: "failure" });
  const found = check?.annotations.filter(({ title }) => title?.startsWith("fod-refetch-mismatch"));
  expect(found).toMatchObject([{ path: packagePath("grob"), annotation_level: "failure" }]);
  const lines = (change[packagePath("grob")] ?? "").split("\n");
  expect(lines[(found?.[0]?.start_line ?? 0) - 1]).toContain("src = ");
  expect(found?.[0]?.message).toContain(`${sri(contentOf("something else"))} → ${sri(contentOf("grob-2"))}`);
  expect(check?.output.summary).toContain("1 of 2 fetched sources as declared");
  const rows = check?.output.text?.split("\n").filter((line) => line.includes("package.nix")) ?? [];
  expect(rows.map((row) => row.split("|").at(-2)?.trim())).toEqual(["match", "mismatch"]);
  expect(fake.reviewComments.map(({ path }) => path)).toEqual([packagePath("grob")]);
});

test("sources that are what they declare make it green; one that cannot be fetched does not", async () => {
  const good = await bothRuns(frob("2", "/ok/frob-2"), "frob: 1 -> 2");
  expect(outcomes(good.report)).toEqual([{ name: "frob-2", outcome: "match", introduced: true }]);
  expect(good.published.outputs).toMatchObject({ conclusion: "success" });
  expect(good.fake.requests.length).toBeLessThanOrEqual(8);

  const gone = await bothRuns(frob("2", "/404/frob-2", "frob-2"), "frob: 1 -> 2");
  expect(outcomes(gone.report)).toEqual([{ name: "frob-2", outcome: "unavailable", introduced: true }]);
  expect(gone.analyzed.outputs).toMatchObject({ conclusion: "action_required" });
  expect(gone.fake.checkRuns).toMatchObject([{ conclusion: "action_required" }]);
  expect(gone.fake.checkRuns[0]?.output.summary).toContain("404");
});
