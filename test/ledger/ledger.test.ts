// Needs: postgresql
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/ledger/database.ts";
import { openLedger, openLedgerReader } from "../../src/ledger/ledger.ts";
import { createMemory } from "../../src/ledger/memory.ts";
import { checkMayWrite, mayWriteMemory } from "../../src/ledger/places.ts";
import { digestOf, GENESIS } from "../../src/ledger/record.ts";
import { type RecordableVerdict, recordVerdicts, TRUSTS } from "../../src/ledger/record-verdict.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeRecord, sri } from "../support/records.ts";

const folder = mkdtempSync(join(tmpdir(), "verifod-ledger-"));
let server: PostgresServer;
let folders = 0;

beforeAll(async () => {
  server = await startPostgres();
  // Making an embedded database takes seconds, copying one does not.
  await (await openLedger(join(folder, "empty"))).close();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const engines = [
  {
    engine: "embedded",
    place: () => {
      const location = join(folder, `ledger-${++folders}`);
      cpSync(join(folder, "empty"), location, { recursive: true });
      return location;
    },
  },
  { engine: "PostgreSQL", place: () => server.database() },
];

/** Changes what is there behind the ledger's back. */
async function tamper(location: string, statement: string): Promise<void> {
  const database = await openDatabase({ location, readOnly: false });
  await database.query("alter table verdicts disable trigger verdicts_are_final");
  await database.query(statement);
  await database.query("alter table verdicts enable trigger verdicts_are_final");
  await database.close();
}

async function checkAt(location: string) {
  const ledger = await openLedgerReader(location);
  if (ledger === null) throw new Error("no ledger");
  const result = await ledger.check();
  await ledger.close();
  return result;
}

describe.each(engines)("the ledger, $engine", ({ place }) => {
  it("keeps records in order, finds them, and refuses to lose or change one", {
    timeout: 120_000,
  }, async () => {
    const location = place();
    const ledger = await openLedger(location);
    const hash = sri("shared");
    expect(await ledger.append([makeRecord("a", { declared: hash }), makeRecord("b")])).toBe(2);
    // Again, as after a lost answer: written once.
    expect(
      await ledger.append([makeRecord("b"), makeRecord("c", { declared: hash, outcome: "mismatch" })]),
    ).toBe(1);
    // What others wrote may hold anything that JavaScript takes for a text.
    const hostile = "\u0000 \ud800 ' \\u0000 \u202e";
    await ledger.append([makeRecord("d", { reason: hostile, urls: [hostile] })]);
    const found = await ledger.newest([hash, sri("d"), sri("none")]);
    expect(found.map(({ sequence, record }) => [sequence, record.id, record.outcome])).toEqual([
      [4, "d", "match"],
      [3, "c", "mismatch"],
      [1, "a", "match"],
    ]);
    expect(found[0]?.record.reason).toBe(hostile);
    expect((await ledger.newest([hash], 1)).map(({ record }) => record.id)).toEqual(["c"]);

    let digest = GENESIS;
    const ids: string[] = [];
    for await (const { sequence, text, digest: stored } of ledger.stored()) {
      digest = digestOf(digest, sequence, text);
      expect(stored).toBe(digest);
      ids.push(JSON.parse(text).id);
    }
    expect(ids).toEqual(["a", "b", "c", "d"]);
    expect(await ledger.check()).toEqual({ head: { sequence: 4, digest }, broken: null });
    expect(await ledger.continues({ sequence: 4, digest })).toBe(true);
    expect(await ledger.continues({ sequence: 5, digest })).toBe(false);
    await ledger.close();

    const database = await openDatabase({ location, readOnly: false });
    for (const statement of [
      "update verdicts set record = ''",
      "delete from verdicts",
      "truncate verdicts",
    ]) {
      await expect(database.query(statement)).rejects.toThrow("append-only");
    }
    await database.close();
    const reading = await openDatabase({ location, readOnly: true });
    await expect(reading.query("insert into verdicts values (5, 'e', 'h', 'd', 'r')")).rejects.toThrow(
      "read-only",
    );
    await reading.close();
  });

  it("shows what was changed, taken out or put in", { timeout: 120_000 }, async () => {
    const location = place();
    const ledger = await openLedger(location);
    await ledger.append(Array.from({ length: 9 }, (_, n) => makeRecord(`r${n + 1}`)));
    const { head } = await ledger.check();
    await ledger.close();
    await tamper(location, "update verdicts set record = replace(record, 'v1.tar', 'v2.tar') where seq = 7");
    expect((await checkAt(location)).broken).toMatchObject({ sequence: 7 });
    await tamper(location, "update verdicts set declared = 'x' where seq = 6");
    expect((await checkAt(location)).broken).toMatchObject({
      sequence: 6,
      what: "the columns that it is found by differ from the record",
    });
    for (const put of ["-1", "0"]) {
      await tamper(
        location,
        `insert into verdicts select ${put}, 'put in', declared, digest, record from verdicts where seq = 1`,
      );
      expect((await checkAt(location)).broken).toEqual({
        sequence: Number(put),
        what: "it stands before the first record",
      });
      await tamper(location, `delete from verdicts where seq = ${put}`);
    }
    await tamper(location, "delete from verdicts where seq in (3, 4)");
    expect((await checkAt(location)).broken).toEqual({ sequence: 5, what: "records 3 to 4 are missing" });
    await tamper(location, "delete from verdicts where seq > 2");
    // A chain that was cut is intact in itself: only a head kept elsewhere tells.
    expect((await checkAt(location)).broken).toBeNull();
    const cut = await openLedgerReader(location);
    expect(await cut?.continues(head)).toBe(false);
    await cut?.close();
  });

  it("loses nothing that it said is written when its writer is killed", { timeout: 180_000 }, async () => {
    const location = place();
    const written: string[] = [];
    for (let round = 0; round < 3; round++) {
      const writer = spawn(
        process.execPath,
        ["--import", "tsx", fileURLToPath(new URL("writer.ts", import.meta.url)), location, `w${round}`],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      const exited = once(writer, "exit");
      const lines = createInterface({ input: writer.stdout });
      lines.on("line", (line) => written.push(line));
      await once(lines, "line");
      await sleep(Math.random() * 300);
      writer.kill("SIGKILL");
      await exited;
      if (location.startsWith("postgres:") && round === 1) await server.crash();
    }
    const ledger = await openLedger(location);
    const { broken, head } = await ledger.check();
    expect(broken).toBeNull();
    const ids = new Set<string>();
    for await (const { text } of ledger.stored()) ids.add(JSON.parse(text).id);
    expect(written.filter((id) => !ids.has(id))).toEqual([]);
    expect(ids.size).toBe(head.sequence);
    // It goes on from there.
    expect(await ledger.append([makeRecord("after")])).toBe(1);
    expect((await ledger.check()).broken).toBeNull();
    await ledger.close();
  });
});

describe("the embedded ledger", () => {
  it("belongs to one process at a time", { timeout: 60_000 }, async () => {
    const location = join(folder, "empty");
    const ledger = await openLedger(location);
    await expect(openLedger(location)).rejects.toThrow("another process uses the ledger");
    const waiting = openLedger(location, 20);
    await ledger.close();
    await (await waiting).close();
  });

  it("finds a byte that was flipped in its files", { timeout: 60_000 }, async () => {
    const location = join(folder, "flipped");
    cpSync(join(folder, "empty"), location, { recursive: true });
    const ledger = await openLedger(location);
    await ledger.append([
      makeRecord("one"),
      makeRecord("two", { reason: "a text that stands nowhere else" }),
    ]);
    await ledger.close();
    const files = readdirSync(join(location, "base"), { recursive: true, encoding: "utf8" })
      .map((name) => join(location, "base", name))
      .filter((path) => statSync(path).isFile());
    let flipped = 0;
    for (const path of files) {
      const bytes = readFileSync(path);
      const at = bytes.indexOf("stands nowhere else");
      if (at === -1) continue;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      flipped += 1;
    }
    expect(flipped).toBe(1);
    expect((await checkAt(location)).broken).not.toBeNull();
  });
});

it("reads none where there is none, and makes none", async () => {
  expect(await openLedgerReader(join(folder, "none"))).toBeNull();
  expect(existsSync(join(folder, "none"))).toBe(false);
  expect(await openLedgerReader(server.database())).toBeNull();
});

it("remembers what was fetched; what an untrusted run fetched clears nothing", async () => {
  const location = server.database();
  const ledger = await openLedger(location);
  const hash = sri("fetched");
  const urls = ["https://a.example/a.tar.gz"];
  await ledger.append([
    makeRecord("theirs", { declared: hash, trusted: false, urls }),
    makeRecord("wrong", { declared: hash, outcome: "mismatch", urls }),
    makeRecord("ours", { declared: hash, urls }),
  ]);
  const known = await createMemory(null, ledger).pinsWith([hash]);
  expect(known.map(({ accepted, urls: [url] }) => [accepted, url?.value])).toEqual([
    [true, urls[0]],
    [false, urls[0]],
    [false, urls[0]],
  ]);
  await ledger.close();
});

it("marks what code of a change can have made; what was cut off is no verdict", async () => {
  const location = server.database();
  const verdict = (declared: string, more: Partial<RecordableVerdict> = {}): RecordableVerdict => ({
    ...makeRecord(declared, { declared }),
    introduced: true,
    seconds: 1,
    urls: [{ url: "https://a.example", finalUrl: null, status: 200, bytes: 10 }],
    locations: ["https://a.example/a.tar.gz"],
    opaque: false,
    builder: null,
    interrupted: false,
    flags: { postFetch: "x".repeat(5_000) },
    ...more,
  });
  const verdicts = [
    verdict("sha256-plain"),
    verdict("sha256-built", { opaque: true, builder: "ssh-ng://host" }),
    verdict("sha256-cut", { interrupted: true, outcome: "not-checked" }),
  ];
  const environment = { VERIFOD_DATABASE_URL: location };
  for (const trust of TRUSTS) {
    expect(await recordVerdicts(environment, verdicts, { commit: "c", trust, pins: [] })).toBe(2);
  }
  const ledger = await openLedger(location);
  const found = await ledger.newest(["sha256-plain", "sha256-built", "sha256-cut"]);
  await ledger.close();
  expect([...found].reverse().map(({ record }) => [record.declared, record.trusted])).toEqual([
    ["sha256-plain", true],
    ["sha256-built", true],
    ["sha256-plain", true],
    ["sha256-built", false],
    ["sha256-plain", false],
    ["sha256-built", false],
  ]);
  expect(found[0]?.record).toMatchObject({ urls: ["https://a.example/a.tar.gz"] });
  const [built, plain] = found.map(({ record }) => record.vantage);
  expect(built).toBe(`${plain} by ssh-ng://host`);
});

it("is written by runs in which nothing of a pull request took part only", () => {
  for (const GITHUB_EVENT_NAME of [
    "pull_request",
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "",
  ]) {
    expect(mayWriteMemory({ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME })).toBe(false);
  }
  for (const GITHUB_EVENT_NAME of ["push", "schedule", "workflow_dispatch"]) {
    expect(mayWriteMemory({ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME })).toBe(true);
  }
  expect(mayWriteMemory({})).toBe(true);
  expect(() => checkMayWrite({ GITHUB_ACTIONS: "true" }, "the index")).toThrow("the index is not written");
});

it("does not show the password of a server that cannot be reached", async () => {
  const message = await openLedger("postgres://me:secret@127.0.0.1:1/none").catch((error) => String(error));
  expect(message).toContain("VERIFOD_DATABASE_URL");
  expect(message).not.toContain("secret");
});
