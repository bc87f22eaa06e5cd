// Needs: postgresql
/** How far back the ledger is asked: what says nothing does not hide what was seen before. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { duePins } from "../../src/ledger/due.ts";
import { gate } from "../../src/ledger/gate.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { type Review, SCHEMA } from "../../src/report/review.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeRecord, sri } from "../support/records.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const hash = sri("frob");
const urls = ["https://example.org/frob-1.tar.gz"];
const pin = { path: "pkgs/frob.nix", line: 3, version: "1", urls, rev: null, hash, resolved: true };
const review: Review = {
  schema: SCHEMA,
  tool: { name: "verifod", version: "1" },
  base: "b",
  head: "h",
  complete: true,
  findings: [],
  sources: [
    {
      path: pin.path,
      binding: "src",
      fetcher: "fetchurl",
      attrs: ["frob"],
      change: "added",
      before: null,
      after: pin,
    },
  ],
  verdicts: [],
  unchecked: [],
  suppressed: [],
  addedSuppressions: [],
  stats: { files: 1, milliseconds: 1 },
};

it("finds a verdict behind hundreds of looks that could not be taken, and of records that clear nothing", async () => {
  const ledger = await openLedger(server.database());
  const many = (name: string, more: Partial<LedgerRecord>) =>
    ledger.append(
      Array.from({ length: 150 }, (_, n) => makeRecord(`${name} ${n}`, { declared: hash, urls, ...more })),
    );
  await ledger.append([makeRecord("seen", { declared: hash, urls, at: "2026-01-01T00:00:00Z" })]);
  await many("in vain", { outcome: "not-checked", got: null, at: "2026-02-01T00:00:00Z" });
  await many("theirs", { trusted: false, at: "2026-03-01T00:00:00Z" });
  await many("elsewhere", {
    urls: ["https://other.example/x"],
    attrs: ["other"],
    at: "2026-03-02T00:00:00Z",
  });
  const { pins } = await gate(review, ledger, new Date(0));
  expect(pins.map(({ state, verdict }) => [state, verdict?.id])).toEqual([["match", "seen"]]);
  const indexed = { ...pin, binding: "src", fetcher: "fetchurl", pname: "frob" };
  const [due] = await duePins([indexed], ledger, new Date("2026-04-01"));
  expect(due?.last?.id).toBe("in vain 149");
  await ledger.close();
});
