// Needs: postgresql
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLedger } from "../../src/ledger/ledger.ts";
import { verifod } from "../support/cli.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeRecord, sri } from "../support/records.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let server: PostgresServer;
let made: TestRepository;
let location: string;
let env: Record<string, string>;

const path = (name: string) => `pkgs/by-name/${name.slice(0, 2)}/${name}/package.nix`;
function recipe(name: string, version: string): string {
  return `{ stdenv, fetchFromGitHub }:
stdenv.mkDerivation (finalAttrs: {
  pname = "${name}";
  version = "${version}";
  src = fetchFromGitHub {
    owner = "acme";
    repo = "${name}";
    tag = "v\${finalAttrs.version}";
    hash = "${sri(name + version)}";
  };
})
`;
}

beforeAll(async () => {
  server = await startPostgres();
  location = server.database();
  made = makeRepository(
    {
      [path("frob")]: recipe("frob", "1"),
      [path("grep")]: recipe("grep", "1"),
      [path("hush")]: recipe("hush", "1"),
    },
    { [path("frob")]: recipe("frob", "2"), [path("grep")]: recipe("grep", "2") },
    { [path("sock")]: recipe("sock", "1"), [path("tent")]: recipe("tent", "1") },
  );
  env = { VERIFOD_DATABASE_URL: location, XDG_CACHE_HOME: made.folder() };
});
afterAll(async () => {
  made.remove();
  await server.stop();
});

const run = (...args: string[]) => verifod([...args], { cwd: made.directory, env });

it("says what to do about an embedded ledger that this account may not write", async () => {
  const state = made.folder();
  const ledger = join(state, "verifod/ledger");
  mkdirSync(ledger, { recursive: true });
  for (const folder of [dirname(state), state]) chmodSync(folder, 0o755);
  chmodSync(ledger, 0o555);
  // For root there is nothing that may not be written.
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const under = process.getuid?.() === 0 ? nobody : [];
  const options = { env: { XDG_STATE_HOME: state }, under };
  const { status, stderr } = await verifod(["ledger", "check"], options);
  expect(stderr).toContain("run this as its owner, or share one by VERIFOD_DATABASE_URL");
  expect(status).toBe(3);
  chmodSync(dirname(ledger), 0o600);
  expect(await verifod(["ledger", "check"], options)).toMatchObject({
    status: 3,
    stderr: expect.stringContaining("EACCES"),
  });
  chmodSync(dirname(ledger), 0o755);
});

it("sees a hash that was fetched from elsewhere once, as the shared ledger has it", async () => {
  const url = server.database();
  const ledger = await openLedger(url);
  const seeded = { declared: sri("sock1"), urls: ["https://zebra.example/zebra-0.1.zip"], rev: null };
  await ledger.append([makeRecord("the first step", { ...seeded, attrs: ["zebra.src"] })]);
  await ledger.close();
  const review = async (shared: string) => {
    const options = { cwd: made.directory, env: { ...env, VERIFOD_DATABASE_URL: shared } };
    const { stdout } = await verifod(["review", "--format", "json"], options);
    const { findings } = JSON.parse(stdout) as { findings: { rule: string; evidence: string[] }[] };
    return findings.filter(({ rule }) => rule === "fod-hash-reuse").map(({ evidence }) => evidence);
  };
  expect(await review(location)).toEqual([]);
  expect(await review(url)).toEqual([["static", "ledger"]]);
});

it("reviews without a cache where none can be, and refuses an address of no ledger", async () => {
  const file = join(made.folder(), "file");
  writeFileSync(file, "");
  const review = (own: Record<string, string>, ...args: string[]) =>
    verifod(["review", ...args], { cwd: made.directory, env: { ...env, ...own } });
  const without = await review({ XDG_CACHE_HOME: file });
  expect(without).toEqual(await review({}));
  const slip = { VERIFOD_DATABASE_URL: "postgress://me:secret@localhost/verifod" };
  const refused = await review(slip);
  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toBe(
    "verifod: VERIFOD_DATABASE_URL is no address like postgres://USER@HOST/DATABASE\n",
  );
  expect(await review(slip, "--offline")).toEqual(without);
});

it("indexes and looks up", async () => {
  const before = await run("lookup", "frob");
  expect(before).toMatchObject({ status: 2, stdout: "" });
  expect(before.stderr).toContain("run verifod index first");
  const indexed = await run("index", "HEAD~1");
  expect(indexed).toMatchObject({ status: 0, stdout: "" });
  expect(indexed.stderr).toContain("3 pins in 3 files");
  expect((await run("index")).stderr).toContain("5 pins in 5 files");
  const found = await run("lookup", "acme/FROB");
  expect(found.stdout).toContain(`${path("frob")}:9  frob 2 src`);
  expect(await run("lookup", sri("frob1"))).toMatchObject({ status: 1, stdout: "" });
  const json = JSON.parse((await run("lookup", sri("hush1"), "--format", "json")).stdout);
  expect(json.found[0].pin).toMatchObject({ path: path("hush"), version: "1" });
  const refused = await verifod(["index"], {
    cwd: made.directory,
    env: { ...env, GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request" },
  });
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("not written in a run for pull_request");
});

it("gates a release by verdicts that fit: hash, location and trust", async () => {
  expect((await run("ledger", "check")).stderr).toContain("there is no ledger here");
  const url = (name: string, version: string) =>
    `https://github.com/acme/${name}/archive/refs/tags/v${version}.tar.gz`;
  const ledger = await openLedger(location);
  await ledger.append([
    makeRecord("1", { declared: sri("frob2"), urls: [url("frob", "2")] }),
    // The right hash, fetched from elsewhere.
    makeRecord("2", { declared: sri("grep2"), urls: ["https://evil.example/grep.tar.gz"] }),
    makeRecord("3", { declared: sri("sock1"), urls: [url("sock", "1")] }),
    makeRecord("4", { declared: sri("sock1"), urls: [url("sock", "1")], outcome: "mismatch", got: sri("x") }),
    makeRecord("5", { declared: sri("tent1"), urls: [url("tent", "1")], trusted: false }),
  ]);
  await ledger.close();
  const { stdout, status } = await run("gate", "--since", "HEAD~2", "--format", "json");
  expect(status).toBe(0);
  const gate = JSON.parse(stdout);
  const states = gate.pins.map((each: { pin: { urls: string[] }; state: string; onlyUntrusted: boolean }) => [
    each.pin.urls[0]?.split("/")[4],
    each.state,
    each.onlyUntrusted,
  ]);
  expect(states).toEqual([
    ["frob", "match", false],
    ["grep", "never", false],
    ["sock", "mismatch", false],
    ["tent", "never", true],
  ]);
  const text = await run("gate", "--since", "HEAD~2", "--enforce");
  expect(text.status).toBe(1);
  expect(text.stdout).toContain("4 pins differ: 1 verified, 1 MISMATCH, 2 never verified");
  // The policy of the base: a match of months ago does not count, and what does not pass can be let pass.
  const policy = join(made.folder(), "verifod.yml");
  writeFileSync(policy, "gate: { max-age: 1, tolerate: [mismatch], exclude: ['pkgs/by-name/te/**'] }\n");
  const strict = await run("gate", "--since", "HEAD~2", "--enforce", "--config", policy);
  expect(strict.stdout).toContain("4 pins differ: 1 expired, 1 MISMATCH, 2 never verified");
  expect(strict.status).toBe(1);
  const rest = ["--tolerate", "expired", "--tolerate", "never"];
  expect((await run("gate", "--since", "HEAD~2", "--enforce", "--config", policy, ...rest)).status).toBe(0);
  const tolerant = ["--tolerate", "never", "--tolerate", "mismatch"];
  expect((await run("gate", "--since", "HEAD~2", "--enforce", ...tolerant)).status).toBe(0);
  expect((await run("gate", "--since", "HEAD~2", "--format", "markdown")).stdout).toContain("MISMATCH");
});

it("checks and exports the ledger", async () => {
  const checked = await run("ledger", "check");
  expect(checked).toMatchObject({ status: 0 });
  const [first, end = ""] = checked.stdout.split("\n");
  expect(first).toBe("5 records, intact");
  expect((await run("ledger", "check", "--expect", end)).status).toBe(0);
  expect((await run("ledger", "check", "--expect", end.replace(/^5/, "4"))).status).toBe(1);
  const lines = (await run("ledger", "export")).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).record.id)).toEqual(["1", "2", "3", "4", "5"]);
});
