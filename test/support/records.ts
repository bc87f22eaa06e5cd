/** Records for tests of the ledger. */
import { createHash } from "node:crypto";
import type { LedgerRecord } from "../../src/ledger/record.ts";

export function sri(seed: string): string {
  return `sha256-${createHash("sha256").update(seed).digest("base64")}`;
}

export function makeRecord(id: string, more: Partial<LedgerRecord> = {}): LedgerRecord {
  const declared = more.declared ?? sri(id);
  return {
    schema: "verifod-ledger-v1",
    id,
    at: "2026-01-02T03:04:05Z",
    vantage: "builder.example.org",
    tool: "0.1.0",
    trusted: true,
    commit: "c".repeat(40),
    attrs: ["frob.src"],
    name: "source",
    drvPath: "/nix/store/00000000000000000000000000000000-source.drv",
    fetcher: "fetchFromGitHub",
    urls: [`https://github.com/acme/${id}/archive/v1.tar.gz`],
    rev: "v1",
    flags: {},
    got: declared,
    outcome: "match",
    reason: "fetched again from github.com",
    ...more,
    declared,
  };
}
