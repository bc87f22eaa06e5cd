/** Fetches one fixed-output derivation again: all its locations, with retries and a second look at what does not match. */
import { setTimeout as sleep } from "node:timers/promises";
import { formatSri } from "../nix/hash.ts";
import { type Attempt, type AttemptOptions, attempt } from "./attempt.ts";
import { withoutWayOut } from "./builder.ts";
import type { Derivation, FixedOutput } from "./drv.ts";
import type { Nix } from "./nix.ts";
import type { Way, Ways } from "./plan.ts";
import { combine, type Fetch, type Judgement, judge } from "./verdict.ts";

export interface RefetchOptions extends AttemptOptions {
  /** Fetch from each location, instead of from the first that answers. */
  readonly everyUrl: boolean;
  /** The seconds to wait before each new attempt to reach something unreachable. */
  readonly retryAfterSeconds: readonly number[];
  /** Puts the inputs of a builder into the store; null, or why they are not there. */
  readonly inputs: (derivation: Derivation) => Promise<string | null>;
}

export const RETRY_AFTER_SECONDS: readonly number[] = [2, 8];
/** A server that asks for a longer pause is not tried again. */
const MAX_RETRY_AFTER_SECONDS = 60;

export interface Refetched {
  readonly judgement: Judgement;
  readonly fetches: readonly Fetch[];
  /** The user or a budget cut it off before it could be judged. */
  readonly interrupted: boolean;
}

/** Fetches again in the ways of the plan. `others`: hashes that mean something, with what they are. */
export async function refetch(
  nix: Nix,
  derivation: Derivation,
  output: FixedOutput,
  plan: Ways,
  options: RefetchOptions,
  others: ReadonlyMap<string, string>,
): Promise<Refetched> {
  if (plan.ways.some(({ via }) => via === "builder")) {
    const missing = await options.inputs(derivation);
    if (missing !== null) {
      const interrupted = options.signal?.aborted === true;
      const judgement: Judgement = interrupted
        ? { outcome: "not-checked", got: null, reason: "interrupted" }
        : { outcome: "unavailable", got: null, reason: `blocked: ${missing}` };
      return { judgement, fetches: [], interrupted };
    }
  }
  const fetches: Fetch[] = [];
  const judgements: (Judgement & { readonly url: string | null })[] = [];
  for (const way of plan.ways) {
    const fetch = await fetchBy(nix, derivation.name, output, way, options);
    const judgement = judge(fetch, output.hash, plan.urls, others);
    fetches.push(fetch);
    judgements.push({ ...judgement, url: way.url });
    if (options.signal?.aborted) break;
    if (judgement.got !== null && !options.everyUrl) break;
  }
  const judgement = placed(combine(judgements, options.everyUrl), options);
  // If every location was to be fetched, one that must not be fetched leaves the whole unproven.
  if (options.everyUrl && plan.leftOut.length > 0 && judgement.outcome === "match") {
    const unproven: Judgement = { ...judgement, outcome: "not-checked", reason: plan.leftOut.join("; ") };
    return { judgement: unproven, fetches, interrupted: false };
  }
  const last = fetches.at(-1)?.attempts.at(-1)?.result;
  return {
    judgement,
    fetches,
    interrupted: judgement.outcome === "not-checked" && last?.kind === "interrupted",
  };
}

/** The judgement, with the builder that fetched where it was not this machine. */
function placed(judgement: Judgement, { builder, signal }: RefetchOptions): Judgement {
  if (builder === null || signal?.aborted) return judgement;
  return {
    ...judgement,
    reason: `${judgement.reason}; by the builder ${builder.label}, which nothing guards`,
  };
}

async function fetchBy(
  nix: Nix,
  name: string,
  output: FixedOutput,
  way: Way,
  options: RefetchOptions,
): Promise<Fetch> {
  const made = await attempts(nix, name, output, way, options);
  if (options.builder === null) return { ...way, attempts: made, elsewhere: null };
  // Nix's own downloader gives only what it downloads; other code may make content without a download.
  const last = made.at(-1)?.result;
  const isTried =
    way.via === "builder" && last?.kind === "hash" && formatSri(last.got) === formatSri(output.hash);
  const control = isTried ? await attempt(nix, name, output, withoutWayOut(way), options) : null;
  const needsWayOut = control === null || control.builderFailed;
  const elsewhere = control?.result.kind === "hash" ? "made" : needsWayOut ? "fetched" : "unknown";
  return { ...way, attempts: made, elsewhere };
}

async function attempts(
  nix: Nix,
  name: string,
  output: FixedOutput,
  way: Way,
  options: RefetchOptions,
): Promise<readonly Attempt[]> {
  const made: Attempt[] = [];
  const retries = [...options.retryAfterSeconds];
  const want = formatSri(output.hash);
  let looked = 0;
  for (;;) {
    const next = await attempt(nix, name, output, way, options);
    made.push(next);
    const { result } = next;
    if (options.signal?.aborted) return made;
    if (result.kind === "hash") {
      // What does not match is fetched once more, to tell a wrong hash from content that varies.
      if (formatSri(result.got) === want || ++looked === 2) return made;
      continue;
    }
    if (result.kind !== "unreachable") return made;
    const wait = retries.shift();
    if (wait === undefined) return made;
    if (result.retryAfter !== null && result.retryAfter > MAX_RETRY_AFTER_SECONDS) return made;
    // Jitter, so that many fetches from one server do not come back at once.
    const seconds = Math.max(result.retryAfter ?? 0, wait * (0.75 + Math.random() / 2));
    await sleep(seconds * 1000, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal?.aborted) return made;
  }
}
