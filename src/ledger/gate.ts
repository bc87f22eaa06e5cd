/** The release gate: every pin that a release changes, with the newest verdict on it. */
import type { Unchecked } from "../change/change.ts";
import type { Outcome, Pin, PinChange, Review } from "../report/review.ts";
import { fits } from "./fits.ts";
import type { Entry, LedgerReader } from "./ledger.ts";
import type { LedgerRecord } from "./record.ts";

/**
 * `never`: nobody has verified this hash at this location. `expired`: it held, longer ago than the policy takes. `no-hash`:
 * there is nothing to verify it against.
 */
export const GATE_STATES = [
  "match",
  "expired",
  "mismatch",
  "unstable",
  "unavailable",
  "unsupported",
  "not-checked",
  "never",
  "no-hash",
] as const satisfies readonly (Outcome | "expired" | "never" | "no-hash")[];
export type GateState = (typeof GATE_STATES)[number];

export interface GatedPin {
  readonly pin: Pin;
  readonly binding: string;
  readonly fetcher: string | null;
  readonly attrs: readonly string[];
  readonly state: GateState;
  /** The verdict that says so; null: none. */
  readonly verdict: LedgerRecord | null;
  /** There are verdicts on it, but of runs that clear nothing. */
  readonly onlyUntrusted: boolean;
}

export interface Gate {
  readonly schema: "verifod-gate-v1";
  readonly base: string;
  readonly head: string;
  readonly pins: readonly GatedPin[];
  /** What could not be read: pins may be missing. */
  readonly unchecked: readonly Unchecked[];
}

/**
 * Asks the ledger (null: there is none) for every pin that a review shows as new or changed. `since`: a match before it is
 * expired.
 */
export async function gate(review: Review, ledger: LedgerReader | null, since: Date): Promise<Gate> {
  const changes = review.sources.flatMap((change) => (change.after ? [{ change, pin: change.after }] : []));
  const hashes = changes.flatMap(({ pin }) => pin.hash ?? []);
  const entries = hashes.length === 0 ? [] : ((await ledger?.newest(hashes)) ?? []);
  const byHash = new Map<string, Entry[]>();
  for (const entry of entries) {
    const list = byHash.get(entry.record.declared);
    if (list) list.push(entry);
    else byHash.set(entry.record.declared, [entry]);
  }
  return {
    schema: "verifod-gate-v1",
    base: review.base,
    head: review.head,
    pins: changes.map(({ change, pin }) => gatedPin(change, pin, byHash.get(pin.hash ?? "") ?? [], since)),
    unchecked: review.unchecked,
  };
}

function gatedPin(
  { binding, fetcher, attrs }: PinChange,
  pin: Pin,
  entries: readonly Entry[],
  since: Date,
): GatedPin {
  // Newest first: a newer mismatch outweighs an older match.
  const fitting = entries.map(({ record }) => record).filter((record) => fits(record, { ...pin, attrs }));
  const trusted = fitting.filter((record) => record.trusted);
  // That a later look could not be taken says nothing against an earlier one.
  const verdict = trusted.find(({ outcome }) => outcome !== "not-checked") ?? trusted[0] ?? null;
  const isExpired = verdict?.outcome === "match" && verdict.at < since.toISOString();
  const known = isExpired ? "expired" : (verdict?.outcome ?? "never");
  const state = pin.hash === null ? "no-hash" : known;
  return {
    pin,
    binding,
    fetcher,
    attrs,
    state,
    verdict,
    onlyUntrusted: verdict === null && fitting.length > 0,
  };
}
