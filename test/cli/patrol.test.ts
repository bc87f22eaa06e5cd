// Needs: nix, postgresql
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import type { Patrol } from "../../src/patrol.ts";
import { verifod } from "../support/cli.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeRepository, type TestFile, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "../verify/support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "../verify/support/packages.ts";

let server: PostgresServer;
let origin: Origin;
let made: TestRepository;
let env: Record<string, string>;

// An embedded ledger takes each command seconds; how it is one of those is seen where a patrol is killed.
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  origin = await startOrigin();
  made = makeRepository(SET_FILES);
  env = {
    XDG_STATE_HOME: made.folder(),
    XDG_CACHE_HOME: made.folder(),
    TMPDIR: made.folder(),
    VERIFOD_DATABASE_URL: server.database(),
  };
});
afterEach(async () => {
  made.remove();
  await origin.close();
});

/** A package whose source is at a path of the origin; `content`: what its hash is of. */
function source(name: string, path: string, content: string, at = origin.url): Record<string, TestFile> {
  const nix = packageNix(name, "1", "builtin", { url: `${at}${path}`, hash: sri(content) });
  return { [packagePath(name)]: nix };
}

const args = (...more: string[]) => ["--repo", made.directory, "--allow-host", origin.host, ...more];
async function patrolled(...more: string[]): Promise<Patrol & { status: number | null }> {
  const quick = ["--delay", "0", "--format", "json"];
  const { stdout, stderr, status } = await verifod(["patrol", ...args(...quick, ...more)], { env });
  if (stdout === "") throw new Error(stderr);
  return { ...JSON.parse(stdout), status };
}
async function records(): Promise<LedgerRecord[]> {
  const { stdout } = await verifod(["ledger", "export"], { env });
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line).record);
}

it("tells what changed, died and moved, records it, and looks at nothing again too soon", {
  timeout: 120_000,
}, async () => {
  made.commit({
    ...source("dead", "/404/dead", "dead"),
    ...source("good", "/ok/good", contentOf("good")),
    ...source("moved", "/moved/away", contentOf("away")),
    ...source("other", "/ok/other", "what it was once"),
    "pkgs/lost/default.nix": `{ fetchurl }: { src = fetchurl { url = "${origin.url}/ok/lost"; hash = "${sri("lost")}"; }; }`,
  });
  const first = await patrolled();
  expect(first).toMatchObject({ ended: "done", due: 5, left: 0, status: 1 });
  const byName = Object.fromEntries(first.pins.map((each) => [each.pin.path.split("/").at(-2), each]));
  expect(byName).toMatchObject({
    dead: { outcome: "unavailable", died: true, before: null },
    good: { outcome: "match", died: false, movedTo: null },
    moved: { outcome: "match", movedTo: `${origin.url}/ok/away` },
    other: { outcome: "mismatch" },
    lost: { outcome: "not-checked", reason: "no evaluated derivation has the hash (default, lost)" },
  });
  expect((await records()).map(({ outcome, trusted }) => [outcome, trusted]).sort()).toEqual([
    ["match", true],
    ["match", true],
    ["mismatch", true],
    ["not-checked", true],
    ["unavailable", true],
  ]);
  const hits = origin.allHits();
  expect(await patrolled()).toMatchObject({ due: 0, pins: [], status: 0 });
  expect(origin.allHits()).toBe(hits);

  const text = await verifod(["patrol", ...args("--older-than", "0", "--delay", "0")], { env });
  expect(text.status).toBe(1);
  expect(text.stdout).toContain("2 hold, 1 changed, 1 died, 1 moved, 1 not checked; 0 left");
  expect(text.stdout).toMatch(/^Died: .*\n {2}pkgs\/by-name\/de\/dead.*\(unavailable on \d{4}/m);
  expect(text.stdout).toMatch(/^Moved: .*\n.*\/moved\/away: now at .*\/ok\/away$/m);
  expect(text.stderr).toMatch(/^mismatch +pkgs\/by-name\/ot\/other/m);

  // The gate takes what the patrol found.
  const gate = await verifod(["gate", "--since", "HEAD^", "--repo", made.directory], { env });
  expect(gate.stdout).toContain("2 verified, 1 MISMATCH, 1 unavailable, 1 not checked");
});

it("goes on where it was killed, with the embedded ledger", { timeout: 180_000 }, async () => {
  const { VERIFOD_DATABASE_URL: _, ...embedded } = env;
  env = embedded;
  const names = Array.from({ length: 33 }, (_, n) => `p${String(n).padStart(2, "0")}`);
  made.commit(
    Object.assign(
      source("pz-last", "/hang/last", "last"),
      ...names.map((name) => source(name, `/ok/${name}`, contentOf(name))),
    ),
  );
  const program = fileURLToPath(new URL("../../dist/cli.mjs", import.meta.url));
  const killed = spawn(process.execPath, [program, "patrol", ...args("--delay", "0", "--jobs", "4")], {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
    stdio: "ignore",
  });
  const exited = once(killed, "exit");
  while (origin.hits("/hang/last") === 0 && killed.exitCode === null) await sleep(50);
  killed.kill("SIGKILL");
  await exited;
  const known = await records();
  expect(known).toHaveLength(32);
  const again = await patrolled("--max-time", "8");
  expect(again).toMatchObject({ ended: "time", due: 2, left: 1 });
  expect(again.pins).toHaveLength(1);
  expect(await records()).toHaveLength(33);
  for (const { urls } of known) expect(origin.hits(new URL(urls[0] ?? "").pathname)).toBe(2);
});

it("leaves a host alone that asks for it, and stops at its budget of bytes", {
  timeout: 120_000,
}, async () => {
  const other = await startOrigin();
  try {
    made.commit({
      ...source("aa-busy", "/busy/3600/a", "a"),
      ...source("bb-busy", "/busy/3600/b", "b"),
      ...source("cc-busy", "/busy/3600/c", "c"),
      ...source("dd-good", "/ok/good", contentOf("good"), other.url),
    });
    const both = ["--allow-host", other.host, "--jobs-per-host", "1"];
    const result = await patrolled(...both);
    // The first asked; the others were not tried, and are left for the next patrol.
    expect(result).toMatchObject({ ended: "done", due: 4, left: 2 });
    expect(result.pins.map(({ outcome }) => outcome)).toEqual(["unavailable", "match"]);
    expect(origin.allHits()).toBe(1);
    expect((await patrolled(...both)).due).toBe(2);
    made.commit({ ...source("ee-big", "/endless/x", "x", other.url) });
    const bounded = await patrolled(...both, "--max-bytes", "3000000");
    expect(bounded.ended).toBe("bytes");
    expect(bounded.bytes).toBeLessThan(30_000_000);
  } finally {
    await other.close();
  }
});

it("verifies for the gate what is missing, and nothing else", { timeout: 120_000 }, async () => {
  made.commit({
    ...source("aa", "/ok/aa", contentOf("aa")),
    ...source("bb", "/ok/bb", contentOf("bb")),
  });
  const gate = (...more: string[]) =>
    verifod(["gate", "--since", "HEAD^", "--enforce", ...args(...more)], { env });
  expect(await gate()).toMatchObject({ status: 1, stdout: expect.stringContaining("2 never verified") });
  expect(await gate("--fix")).toMatchObject({ status: 0, stdout: expect.stringContaining("2 verified") });
  made.commit({ ...source("cc", "/ok/cc", contentOf("cc")), ...source("bb", "/ok/cc", contentOf("bb")) });
  const hits = origin.hits("/ok/aa");
  const { status, stdout } = await verifod(["gate", "--since", "HEAD~2", "--enforce", "--fix", ...args()], {
    env,
  });
  // The same hash at another location is another question.
  expect(stdout).toContain("2 verified, 1 MISMATCH");
  expect(status).toBe(1);
  expect(origin.hits("/ok/aa")).toBe(hits);
});

it("refuses to fetch offline, and in runs for pull requests", async () => {
  expect(await verifod(["patrol", ...args("--offline")], { env })).toMatchObject({ status: 2 });
  const pull = { ...env, GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request" };
  const refused = await verifod(["patrol", ...args()], { env: pull });
  expect(refused.stderr).toContain("the ledger is not written in a run for pull_request");
});
