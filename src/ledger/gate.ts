/** The release gate: every pin that a release changes, with the newest verdict on it. */
import type { Unchecked } from "../change/change.ts";
import type { Outcome, Pin, PinChange, Review } from "../report/review.ts";
import { fits } from "./fits.ts";
import type { LedgerReader } from "./ledger.ts";
import { looksAt } from "./looks.ts";
import type { LedgerRecord } from "./record.ts";

/**
 * `never`: nobody has verified this hash at this location. `expired`: it matched, but longer ago than the policy accepts.
 * `no-hash`: there is nothing to verify it against.
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
  /** The verdict that the state comes from; null: there is none. */
  readonly verdict: LedgerRecord | null;
  /** Whether there are verdicts on it, but only from runs that clear nothing. */
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
  const hashed = changes.flatMap(({ change, pin }) =>
    pin.hash === null ? [] : [{ change, pin, hash: pin.hash }],
  );
  const records = await looksAt(ledger, hashed, ({ change, pin }, record) => isVerdict(record, change, pin));
  return {
    schema: "verifod-gate-v1",
    base: review.base,
    head: review.head,
    pins: changes.map(({ change, pin }) => gatedPin(change, pin, records.get(pin.hash ?? "") ?? [], since)),
    unchecked: review.unchecked,
  };
}

/** Whether a record counts as a verdict on the pin: an attempt that came to nothing does not replace an earlier one. */
function isVerdict(record: LedgerRecord, { attrs }: PinChange, pin: Pin): boolean {
  return record.trusted && record.outcome !== "not-checked" && fits(record, { ...pin, attrs });
}

function gatedPin(change: PinChange, pin: Pin, records: readonly LedgerRecord[], since: Date): GatedPin {
  const { binding, fetcher, attrs } = change;
  const fitting = records.filter((record) => fits(record, { ...pin, attrs }));
  // Newest first: a newer mismatch outweighs an older match.
  const verdict =
    fitting.find((record) => isVerdict(record, change, pin)) ??
    fitting.find(({ trusted }) => trusted) ??
    null;
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
