/** A patrol: pins verified again in rounds, each recorded before the next begins, so that it can end at any point. */

import type { DuePin } from "./ledger/due.ts";
import type { IndexedPin } from "./ledger/pin-index.ts";
import type { RecordableVerdict } from "./ledger/record-verdict.ts";
import { addTo } from "./lists.ts";
import type { Outcome } from "./report/review.ts";
import type { FodVerdict } from "./verify/verdict.ts";
import type { PinResult, PinVerifier } from "./verify/verify-pins.ts";

/** A pin that was looked at. */
export interface PatrolledPin {
  readonly pin: IndexedPin;
  readonly outcome: Outcome;
  readonly reason: string;
  /** The location answers no more: it is gone. */
  readonly died: boolean;
  /** Where the location permanently redirects to; null: nowhere. */
  readonly movedTo: string | null;
  /** The look before; null: there was none. */
  readonly before: { readonly outcome: Outcome; readonly at: string } | null;
}

/** Why it ended: all due pins were looked at, or a budget was used up, or somebody stopped it. */
export type PatrolEnd = "done" | "time" | "bytes" | "interrupted";

export interface Patrol {
  readonly schema: "verifod-patrol-v1";
  readonly commit: string;
  readonly ended: PatrolEnd;
  /** How many pins were due. */
  readonly due: number;
  /** How many of them were not looked at: the next patrol begins with them. */
  readonly left: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly pins: readonly PatrolledPin[];
}

export interface PatrolOptions {
  readonly seconds: number;
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** Keeps what a round has reached; the next one begins when it is kept. */
  readonly record: (verdicts: readonly RecordableVerdict[], pins: readonly IndexedPin[]) => Promise<void>;
  readonly onRound?: (pins: readonly PatrolledPin[], looked: number) => void;
}

/** As many as keep the fetches of several hosts busy, and no more than one wants to repeat. */
const PINS_PER_ROUND = 32;

/** Goes through the due pins, in their order, those of one file together. */
export async function patrol(
  commit: string,
  due: readonly DuePin[],
  verifier: PinVerifier,
  options: PatrolOptions,
): Promise<Patrol> {
  const started = performance.now();
  const spent = () => (performance.now() - started) / 1_000;
  const time = AbortSignal.timeout(options.seconds * 1_000);
  const signal = AbortSignal.any([options.signal, time]);
  const pins: PatrolledPin[] = [];
  let bytes = 0;
  for (const round of roundsOf(due)) {
    if (signal.aborted || bytes >= options.bytes) break;
    const limits = { seconds: Math.max(1, options.seconds - spent()), bytes: options.bytes - bytes, signal };
    const results = await verifier.verify(round, limits);
    // What the end cut off is left for the next patrol.
    const reached = results.filter(({ verdict }) => (verdict ? !verdict.interrupted : !signal.aborted));
    const verdicts = [...new Set(results.flatMap(({ verdict }) => verdict ?? []))];
    bytes += verdicts.flatMap(({ urls }) => urls).reduce((sum, url) => sum + (url.bytes ?? 0), 0);
    await options.record(
      [...new Set(reached.flatMap(({ verdict }) => verdict ?? [])), ...reached.flatMap(unfound)],
      round,
    );
    const looked = reached.map(patrolled);
    pins.push(...looked);
    options.onRound?.(looked, pins.length);
  }
  const cut = time.aborted ? "time" : bytes >= options.bytes ? "bytes" : "done";
  return {
    schema: "verifod-patrol-v1",
    commit,
    ended: options.signal.aborted ? "interrupted" : cut,
    due: due.length,
    left: due.length - pins.length,
    bytes,
    seconds: Math.round(spent()),
    pins,
  };
}

/** Pins in their order, a file's together: it is evaluated once. */
function* roundsOf(due: readonly DuePin[]): Generator<readonly DuePin[]> {
  const byPath = new Map<string, DuePin[]>();
  for (const pin of due) addTo(byPath, pin.path, pin);
  let round: DuePin[] = [];
  for (const pins of byPath.values()) {
    round.push(...pins);
    if (round.length < PINS_PER_ROUND) continue;
    yield round;
    round = [];
  }
  if (round.length > 0) yield round;
}

function patrolled({ pin, verdict, reason, movedTo }: PinResult<DuePin>): PatrolledPin {
  const { last, name: _, ...indexed } = pin;
  return {
    pin: indexed,
    outcome: verdict?.outcome ?? "not-checked",
    reason: verdict?.reason ?? reason,
    died: verdict !== null && isGone(verdict),
    movedTo,
    before: last && { outcome: last.outcome, at: last.at },
  };
}

function isGone({ outcome, reason }: FodVerdict): boolean {
  return outcome === "unavailable" && reason.startsWith("gone: ");
}

/** That a pin could not be looked at is recorded too: else each patrol would begin with those that never can. */
function unfound({ pin, verdict, reason }: PinResult<DuePin>): RecordableVerdict[] {
  if (verdict !== null) return [];
  const { name, urls, rev, hash } = pin;
  return [
    {
      name: name ?? pin.path,
      drvPath: "",
      attrs: name === null ? [] : [name],
      declared: hash,
      got: null,
      outcome: "not-checked",
      reason,
      introduced: false,
      urls: [],
      seconds: 0,
      locations: urls,
      rev,
      flags: {},
      opaque: false,
      builder: null,
      interrupted: false,
    },
  ];
}
