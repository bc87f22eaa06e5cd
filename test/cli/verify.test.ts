// Needs: nix, postgresql
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { type Review, SCHEMA } from "../../src/report/review.ts";
import { verifod } from "../support/cli.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { contentOf, type Origin, sri, startOrigin } from "../verify/support/origin.ts";
import { packageNix, packagePath, SET_FILES } from "../verify/support/packages.ts";

let origin: Origin;
let repository: TestRepository;
/** Where the program makes its scratch directories. */
let scratch: string;
let server: PostgresServer;
/** Its ledger: an embedded one takes each command seconds. */
let ledger: string;

const frob = (version: string, path: string, content: string) => ({
  [packagePath("frob")]: packageNix("frob", version, "builtin", {
    url: `${origin.url}${path}`,
    hash: sri(content),
  }),
});

beforeAll(async () => {
  [origin, server] = await Promise.all([startOrigin(), startPostgres()]);
  ledger = server.database();
  scratch = mkdtempSync(`${tmpdir()}/verifod-test-`);
  repository = makeRepository(
    SET_FILES,
    frob("1", "/ok/frob-1", contentOf("frob-1")),
    frob("2", "/ok/frob-2", contentOf("frob-2")),
    frob("3", "/ok/frob-3", contentOf("frob-2")),
    frob("4", "/hang/frob-4", contentOf("frob-4")),
  );
});
afterAll(async () => {
  repository.remove();
  rmSync(scratch, { recursive: true });
  await Promise.all([origin.close(), server.stop()]);
});

const verify = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  verifod(["verify", "--repo", repository.directory, "--allow-host", origin.host, ...args], {
    env: { TMPDIR: scratch, VERIFOD_DATABASE_URL: ledger, ...env },
  });

/** What the ledger holds, oldest first. */
async function recorded(): Promise<LedgerRecord[]> {
  const { stdout } = await verifod(["ledger", "export"], { env: { VERIFOD_DATABASE_URL: ledger } });
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).record);
}

describe("verifod verify", () => {
  it("says what it fetched, with the command to see the same, and exits 0 when all is as declared", async () => {
    const { status, stdout, stderr } = await verify(["HEAD~2"]);
    expect(stdout).toMatch(/^match +frob\.src +frob-2 +changed +22 B/m);
    expect(stdout).toContain(`nix-prefetch-url --type sha256 --name frob-2 ${origin.url}/ok/frob-2`);
    expect(stderr).toMatch(/^match +frob\.src frob-2$/m);
    expect(status).toBe(0);
  });

  it("reports a mismatch at the line of its hash, as JSON by the contract", async () => {
    const { status, stdout } = await verify(["HEAD~2..HEAD~1", "--format", "json"]);
    const review: Review = JSON.parse(stdout);
    expect(status).toBe(1);
    expect(review).toMatchObject({
      schema: SCHEMA,
      complete: true,
      findings: [
        {
          rule: "fod-refetch-mismatch",
          severity: "block",
          path: packagePath("frob"),
          startLine: 7,
          attrs: ["frob"],
          before: sri(contentOf("frob-2")),
          after: sri(contentOf("frob-3")),
          evidence: ["evaluated", "refetched"],
          help: expect.stringMatching(/docs\/verification\.md$/),
        },
      ],
      verdicts: [
        {
          name: "frob-3",
          outcome: "mismatch",
          introduced: true,
          drvPath: expect.stringMatching(/^\/nix\/store\//),
        },
      ],
      unchecked: [],
    });
    const explained = await verifod(["explain", "fod-refetch-mismatch"]);
    expect(explained.stdout).toMatch(/^# Verification$/m);
  });

  it("records what it reached; runs for pull requests, and reviews, record nothing", async () => {
    const before = (await recorded()).length;
    await verify(["HEAD~2", "--no-record"]);
    const pull = { GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request" };
    expect((await verify(["HEAD~2"], pull)).stderr).toContain("not recorded: a run for a pull request");
    await verifod(
      ["review", "--verify", "--repo", repository.directory, "--allow-host", origin.host, "HEAD~2"],
      { env: { TMPDIR: scratch, VERIFOD_DATABASE_URL: ledger } },
    );
    expect(await recorded()).toHaveLength(before);
    await verify(["HEAD~2"]);
    await verify(["HEAD~2", "--trust", "none"]);
    const records = (await recorded()).slice(before);
    expect(records).toMatchObject([
      {
        commit: repository.git("rev-parse", "HEAD~2"),
        fetcher: "builtin",
        urls: [`${origin.url}/ok/frob-2`],
        declared: sri(contentOf("frob-2")),
        outcome: "match",
        flags: { outputHashMode: "flat" },
        trusted: true,
      },
      { outcome: "match", trusted: false },
    ]);
  });

  it("says when it cannot record, without taking the report back", async () => {
    const nowhere = { VERIFOD_DATABASE_URL: "postgres://me:secret@127.0.0.1:1/none" };
    const { status, stdout, stderr } = await verify(["HEAD~2"], nowhere);
    expect(stdout).toMatch(/^match +frob\.src/m);
    expect(stderr).toContain("not recorded: PostgreSQL cannot be reached");
    expect(status).toBe(3);
    const sarif = await verify(["HEAD~2", "--format", "sarif"], nowhere);
    expect(sarif).toMatchObject({ status: 0, stderr: expect.stringContaining("not recorded") });
  });

  it("joins a review when asked for with it: the static finding carries the verdict", async () => {
    const { status, stdout } = await verifod(
      [
        "review",
        "--verify",
        "--repo",
        repository.directory,
        "--allow-host",
        origin.host,
        "HEAD~2..HEAD~1",
        "--format",
        "json",
      ],
      { env: { TMPDIR: scratch } },
    );
    const review: Review = JSON.parse(stdout);
    expect(status).toBe(1);
    expect(review.sources).toHaveLength(1);
    expect(review.verdicts).toMatchObject([{ name: "frob-3", outcome: "mismatch" }]);
    expect(review.findings).toContainEqual(
      expect.objectContaining({
        rule: "stale-hash-on-bump",
        evidence: ["static", "evaluated", "refetched"],
      }),
    );
  });

  it.each(["sarif", "github", "markdown"])("has the form %s too", async (format) => {
    const { stdout } = await verify(["HEAD~2..HEAD~1", "--format", format]);
    expect(stdout).toContain("fod-refetch-mismatch");
  });

  it("evaluates without a fetch when offline, which is incomplete", async () => {
    const hits = origin.allHits();
    const { status, stdout } = await verify(["HEAD~2", "--offline"]);
    expect(stdout).toMatch(/^not-checked +frob\.src/m);
    expect(status).toBe(3);
    expect(origin.allHits()).toBe(hits);
  });

  it("tests itself", async () => {
    const { status, stdout } = await verify(["--self-test"]);
    expect(stdout).toMatch(/^Nix \d+\.\d+/);
    expect(stdout.match(/^holds: /gm)).toHaveLength(4);
    expect(status).toBe(0);
  });

  it.each([
    [["--jobs", "0"], "positive whole number"],
    [["--max-time", "3000000"], "at most 2000000"],
    [["--accept-nix", "why not", "--unsafe-no-sandbox"], "choose one"],
    [["nonsense..HEAD"], "nonsense"],
  ])("refuses %j with the reason", async (args, message) => {
    const { status, stderr } = await verify(args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  it("ends at Ctrl-C with what is known, and leaves neither process nor file", async () => {
    const program = fileURLToPath(new URL("../../dist/cli.mjs", import.meta.url));
    const child = spawn(
      process.execPath,
      [program, "verify", "--repo", repository.directory, "--allow-host", origin.host, "HEAD"],
      {
        env: { PATH: process.env.PATH, HOME: "/nonexistent", TMPDIR: scratch },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    while (origin.hits("/hang/frob-4") === 0) await new Promise((soon) => setTimeout(soon, 50));
    child.kill("SIGINT");
    expect(await ended).toBe(3);
    expect(Buffer.concat(output).toString()).toMatch(/frob-4: not-checked: interrupted/);
    expect(readdirSync(scratch)).toEqual([]);
  });
});
