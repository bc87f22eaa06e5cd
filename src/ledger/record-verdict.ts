/** Turns verdicts into records. Text of others is clipped, so that it cannot keep a verdict from being recorded. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { PinChange, Verdict } from "../report/review.ts";
import { VERSION } from "../version.ts";
import { openLedger } from "./ledger.ts";
import { ledgerLocation, vantageOf } from "./places.ts";
import type { LedgerRecord } from "./record.ts";

/** A verdict, with what else a verification knows of it. */
export interface RecordableVerdict extends Verdict {
  /** The declared locations. (`urls` are those that were seen; inside TLS, only their hosts.) */
  readonly locations: readonly string[];
  /** The revision that the derivation names; null: none. */
  readonly rev: string | null;
  /** Arguments of the fetch that shape its content, by name. */
  readonly flags: Readonly<Record<string, string>>;
  /** The remote builder that fetched; null: this machine did. */
  readonly builder: string | null;
  /** Code of what was verified made the content from what was fetched. */
  readonly opaque: boolean;
  /** It was cut off before anything was known. */
  readonly interrupted: boolean;
}

/**
 * Whose code was verified. `accepted`: that of a base branch. `change`: nobody has accepted it yet, so only what Nix itself
 * fetched counts, since a change's builder can make any content from any download. `none`: nothing counts.
 */
export const TRUSTS = ["accepted", "change", "none"] as const;
export type Trust = (typeof TRUSTS)[number];

export interface RunFacts {
  readonly commit: string;
  readonly trust: Trust;
  /** Pins as recipes have them: a record takes what all pins with its verdict's hash agree on. */
  readonly pins: readonly PinFacts[];
}

export interface PinFacts {
  readonly hash: string | null;
  readonly fetcher: string | null;
  readonly rev: string | null;
}

/** The pins of a change's head. */
export function pinsOfChange(changes: readonly PinChange[]): readonly PinFacts[] {
  return changes.flatMap(({ after, fetcher }) =>
    after === null ? [] : [{ hash: after.hash, rev: after.rev, fetcher }],
  );
}

/** How long to wait for the embedded ledger: another process keeps it only while it writes a few records. */
export const WAIT_SECONDS = 30;

/**
 * Records the verdicts of a run, without those that were cut off. Returns how many records were written.
 * @throws VerifodError (outside) when the ledger cannot be opened
 */
export async function recordVerdicts(
  environment: NodeJS.ProcessEnv,
  verdicts: readonly RecordableVerdict[],
  facts: RunFacts,
): Promise<number> {
  const reached = verdicts.filter(({ interrupted }) => !interrupted);
  if (reached.length === 0) return 0;
  const where = { vantage: vantageOf(environment, hostname()), at: new Date() };
  const ledger = await openLedger(ledgerLocation(environment), WAIT_SECONDS);
  try {
    return await ledger.append(reached.map((verdict) => recordOf(verdict, { ...facts, ...where })));
  } finally {
    await ledger.close();
  }
}

function recordOf(
  verdict: RecordableVerdict,
  facts: RunFacts & { readonly vantage: string; readonly at: Date },
): LedgerRecord {
  const { name, drvPath, attrs, declared, got, outcome, reason, locations, rev, flags, opaque } = verdict;
  const { commit, trust, at } = facts;
  const vantage = verdict.builder === null ? facts.vantage : `${facts.vantage} by ${verdict.builder}`;
  const pins = facts.pins.filter(({ hash }) => hash === declared);
  const pin = pins.every((other) => other.fetcher === pins[0]?.fetcher && other.rev === pins[0]?.rev)
    ? pins[0]
    : undefined;
  return {
    schema: "verifod-ledger-v1",
    id: randomUUID(),
    at: at.toISOString(),
    vantage: vantage.slice(0, 500),
    tool: VERSION,
    trusted: trust === "accepted" || (trust === "change" && !opaque),
    commit,
    attrs: clip(attrs, 500),
    name: name.slice(0, 500),
    drvPath: drvPath.slice(0, 500),
    fetcher: pin?.fetcher?.slice(0, 200) ?? null,
    urls: clip(locations, 4_000),
    rev: (pin?.rev ?? rev)?.slice(0, 500) ?? null,
    flags: Object.fromEntries(Object.entries(flags).map(([flag, value]) => [flag, value.slice(0, 1_000)])),
    declared,
    got,
    outcome,
    reason: reason.slice(0, 2_000),
  };
}

function clip(texts: readonly string[], length: number): string[] {
  return texts.slice(0, 50).map((text) => text.slice(0, length));
}
