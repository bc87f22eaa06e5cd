/** The built programs with a review that never ends, or takes all memory: it is ended, and that is what they say. */
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Review } from "../../src/report/review.ts";
import { startFakeGitHub } from "../fake-github/server.ts";
import { reviewPull } from "../support/action.ts";
import { verifod } from "../support/cli.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const LIMIT = /LONGEST_ALONE_MS = 15 \* 6e4/;
const HANGS = "for (;;);";
const FILLS = "const all = []; for (;;) all.push(new Array(100_000).fill(0));";

let folder = "";
let repository: TestRepository;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verifod-endless-"));
  repository = makeRepository({ "a.nix": "1\n" }, { "a.nix": "2\n" });
  const dist = join(folder, "dist");
  cpSync(fileURLToPath(new URL("../../dist", import.meta.url)), dist, { recursive: true });
  // A quarter of an hour is too long for a test; all else is as it is built.
  const limited = readdirSync(dist).filter((name) => {
    if (!name.endsWith(".mjs")) return false;
    const text = readFileSync(join(dist, name), "utf8");
    writeFileSync(join(dist, name), text.replace(LIMIT, "LONGEST_ALONE_MS = 1500"));
    return LIMIT.test(text);
  });
  expect(limited).toHaveLength(1);
});
const programs: ChildProcess[] = [];
const onSpawn = (child: ChildProcess) => void programs.push(child);
afterAll(() => {
  // None that was not ended stays behind.
  for (const child of programs) child.kill("SIGKILL");
  repository.remove();
  rmSync(folder, { recursive: true });
});

/** Has a review do something else than to review. */
function reviewDoes(what: string): void {
  const text = `import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { ${what} });\n`;
  writeFileSync(join(folder, "dist", "review-thread.mjs"), text);
}

test.each([
  [HANGS, /^the review took longer than 1\.5 s: /],
  [FILLS, /^the review ended early: .*memory/],
])("the command line, when a review does %s", async (what, reason) => {
  reviewDoes(what);
  const run = await verifod(["review", "--repo", repository.directory, "--format", "json"], {
    program: join(folder, "dist", "cli.mjs"),
    env: { NODE_OPTIONS: "--max-old-space-size=64" },
    onSpawn,
  });
  expect([run.status, run.stderr]).toEqual([3, ""]);
  const { complete, head, unchecked } = JSON.parse(run.stdout) as Review;
  expect(complete).toBe(false);
  expect(unchecked).toEqual([{ what: head, reason: expect.stringMatching(reason) }]);
});

test("the action: its check run asks for action", async () => {
  reviewDoes(HANGS);
  const fake = await startFakeGitHub({ repository });
  try {
    const [head = "", base = ""] = repository.git("rev-list", "HEAD").split("\n");
    const pull = fake.openPull({ head, tip: base });
    const run = await reviewPull(fake, pull, { program: join(folder, "dist", "action.mjs"), onSpawn });
    expect(run.status).toBe(1);
    expect(fake.checkRuns.map(({ status, conclusion }) => [status, conclusion])).toEqual([
      ["completed", "action_required"],
    ]);
    expect(fake.checkRuns[0]?.output?.summary).toContain("the review took longer than 1.5 s");
  } finally {
    await fake.close();
  }
});
