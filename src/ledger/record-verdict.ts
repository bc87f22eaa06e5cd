/** From a verdict to its record: what others wrote is clipped, so that nothing keeps a verdict from being recorded. */
import { randomUUID } from "node:crypto";
import type { PinChange, Verdict } from "../report/review.ts";
import { VERSION } from "../version.ts";
import type { LedgerRecord } from "./record.ts";

export interface RunFacts {
  readonly commit: string;
  readonly vantage: string;
  readonly at: Date;
  readonly trusted: boolean;
  /** The pins of the change: what the recipe says of the one with a verdict's hash, when it is the only one. */
  readonly sources: readonly PinChange[];
}

export function recordOf(
  verdict: Verdict,
  { commit, vantage, at, trusted, sources }: RunFacts,
): LedgerRecord {
  const { name, drvPath, attrs, declared, got, outcome, reason, urls } = verdict;
  const pins = sources.filter(({ after }) => after?.hash === declared);
  const pin = pins.length === 1 ? pins[0] : undefined;
  return {
    schema: "verifod-ledger-v1",
    id: randomUUID(),
    at: at.toISOString(),
    vantage: vantage.slice(0, 500),
    tool: VERSION,
    trusted,
    commit,
    attrs: clip(attrs, 500),
    name: name.slice(0, 500),
    drvPath: drvPath.slice(0, 500),
    fetcher: pin?.fetcher?.slice(0, 200) ?? null,
    urls: clip(
      urls.map(({ url }) => url),
      4_000,
    ),
    rev: pin?.after?.rev?.slice(0, 500) ?? null,
    flags: {},
    declared,
    got,
    outcome,
    reason: reason.slice(0, 2_000),
  };
}

function clip(texts: readonly string[], length: number): string[] {
  return texts.slice(0, 50).map((text) => text.slice(0, length));
}
