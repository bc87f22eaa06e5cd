/** Fetches all changed FODs of a change again, side by side and within the budgets, and judges them. */
import { messageOf } from "../errors.ts";
import { formatSri } from "../nix/hash.ts";
import { anySignal } from "../signals.ts";
import type { Builder } from "./builder.ts";
import type { ChangedFod } from "./changed-fods.ts";
import { type Derivation, fixedOutput } from "./drv.ts";
import { evidenceOf, verdictOf } from "./fod-verdict.ts";
import { realiseInputs } from "./inputs.ts";
import type { Nix } from "./nix.ts";
import type { VerifyOptions } from "./options.ts";
import { createPacing } from "./pacing.ts";
import { type Mirrors, type Plan, planRefetch, type Ways } from "./plan.ts";
import { type Refetched, refetch } from "./refetch.ts";
import { reasonNotTo, unlikeTheirParts } from "./refusals.ts";
import { reproduce } from "./reproduce.ts";
import { schedule } from "./schedule.ts";
import { currentSystem } from "./systems.ts";
import type { FodVerdict, Judgement } from "./verdict.ts";

/** A FOD with how it can be fetched again; `id`: the path of its derivation. */
interface Job<P extends Plan = Plan> {
  readonly id: string;
  readonly fod: ChangedFod;
  readonly plan: P;
}

/** Verdicts, in the order of the FODs. */
export async function refetchAll(
  nix: Nix,
  changed: readonly ChangedFod[],
  mirrors: Mirrors,
  options: VerifyOptions,
): Promise<readonly FodVerdict[]> {
  const strange = options.refetch
    ? await unlikeTheirParts(nix, changed, options.signal)
    : new Map<string, string>();
  const jobs = changed.map((fod): Job => {
    const id = fod.derivation.path;
    const label = `${fod.attrs[0] ?? ""} ${fod.derivation.name}`.trim();
    options.onProgress?.({ kind: "waiting", id, label });
    const { allowedHosts, ownBuilders } = options;
    return {
      id,
      fod,
      plan: planRefetch(fod.derivation, currentSystem(), mirrors, allowedHosts, ownBuilders),
    };
  });
  const verdicts = new Map<string, FodVerdict>();
  const settle = ({ id, fod, plan }: Job, judgement: Judgement, more: Partial<FodVerdict> = {}) => {
    const verdict = verdictOf(fod, plan, judgement, more);
    verdicts.set(id, verdict);
    options.onProgress?.({ kind: "verdict", id, verdict });
  };

  const runnable: Job<Ways>[] = [];
  for (const job of jobs) {
    const because = reasonNotTo(nix, job.fod, job.plan, strange, options);
    if (because !== null) settle(job, { got: null, ...because });
    else if (job.plan.kind === "ways" && runnable.length < options.maxFods)
      runnable.push({ ...job, plan: job.plan });
    else {
      const reason = `more than ${options.maxFods} sources changed`;
      settle(job, { outcome: "not-checked", got: null, reason });
    }
  }

  const budget = openBudget(options);
  const { signal } = budget;
  const { builders } = options;
  const builderOf = new Map(runnable.map(({ id }, n) => [id, builders[n % builders.length] ?? null]));
  const fetch = createFetcher(nix, budget, options);
  const pacing = options.pacing ?? createPacing(options.hostDelaySeconds);
  const isFar = (job: Job) => pacing.isFar(hostOf(job));
  const limits = {
    total: options.parallel,
    perKey: options.perHost,
    // Jobs that will not be fetched any more are settled at once.
    readyAt: (job: Job) => (signal.aborted || isFar(job) ? 0 : pacing.readyAt(hostOf(job))),
  };
  try {
    await schedule(runnable, hostOf, limits, async (job) => {
      if (signal.aborted || isFar(job)) {
        const reason = signal.aborted ? endOf(signal) : `${hostOf(job)} asked to be left alone for longer`;
        settle(job, { outcome: "not-checked", got: null, reason }, { interrupted: true });
        return;
      }
      const started = performance.now();
      const { id, fod, plan } = job;
      const builder = builderOf.get(id) ?? null;
      options.onProgress?.({ kind: "fetching", id, bytes: 0 });
      const refetched = await fetch({ id, builder }, fod.derivation, plan, meanings(fod, changed));
      const { interrupted } = refetched;
      const judgement = interrupted ? { ...refetched.judgement, reason: endOf(signal) } : refetched.judgement;
      const introduced = await isIntroduced(fod, judgement, mirrors, options, (base, basePlan) =>
        fetch({ id, builder }, base, basePlan, new Map()),
      );
      pacing.ended(hostOf(job), retryAfterOf(refetched));
      settle(job, judgement, {
        introduced,
        interrupted,
        ...evidenceOf(nix, refetched.fetches),
        builder: builder?.label ?? null,
        seconds: Math.round((performance.now() - started) / 100) / 10,
        command: reproduce(fod, refetched.fetches),
      });
    });
  } finally {
    budget.end();
  }
  return jobs.flatMap(({ id }) => verdicts.get(id) ?? []);
}

/** What all fetches together may take. */
interface Budget {
  /** Aborted when it is used up, with why, or by the user. */
  readonly signal: AbortSignal;
  /** Takes bytes out of it. */
  take(bytes: number): void;
  end(): void;
}

function openBudget({ totalSeconds, totalBytes, signal }: VerifyOptions): Budget {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort("the time for all fetches ended"), totalSeconds * 1000);
  let spent = 0;
  return {
    signal: anySignal(signal, over.signal),
    take(bytes) {
      spent += bytes;
      if (spent > totalBytes) over.abort("the bytes for all fetches were used up");
    },
    end: () => clearTimeout(timer),
  };
}

/** Fetches a derivation again, as a part of the job `id`. `others`: hashes that would mean something, with what they are. */
type Fetcher = (
  job: { readonly id: string; readonly builder: Builder | null },
  derivation: Derivation,
  plan: Ways,
  others: ReadonlyMap<string, string>,
) => Promise<Refetched>;

function createFetcher(nix: Nix, { signal, take }: Budget, options: VerifyOptions): Fetcher {
  const { fetch: limits, allowedHosts: allowed, everyUrl, retryAfterSeconds, onProgress } = options;
  const inputsOf = inputsOnce(nix, { ...options, signal });
  return ({ id, builder }, derivation, plan, others) => {
    const output = fixedOutput(derivation);
    if (output === null) throw new Error(`${derivation.path} is no fixed-output derivation`);
    let bytes = 0;
    const how = {
      builder,
      limits,
      allowed,
      everyUrl,
      retryAfterSeconds,
      signal,
      onBytes(count: number) {
        bytes += count;
        take(count);
        onProgress?.({ kind: "fetching", id, bytes });
      },
      inputs(of: Derivation) {
        onProgress?.({ kind: "inputs", id });
        return inputsOf(of, builder);
      },
    };
    return refetch(nix, derivation, output, plan, how, others);
  };
}

function inputsOnce(
  nix: Nix,
  options: VerifyOptions,
): (derivation: Derivation, builder: Builder | null) => Promise<string | null> {
  const known = new Map<string, Promise<string | null>>();
  return (derivation, builder) => {
    // FODs of one fetcher need the same tools: realised once.
    const inputs = [...derivation.inputDerivations].map(([path, outputs]) => `${path}!${outputs.join()}`);
    const key = [builder?.uri, ...inputs].join();
    const realised =
      known.get(key) ??
      realiseInputs(nix, derivation, {
        builder,
        limits: options.fetch,
        allowed: options.allowedHosts,
        signal: options.signal,
      });
    known.set(key, realised);
    return realised.catch((error: unknown) => messageOf(error));
  };
}

/** Hashes that would mean something if they came: that of the base, and those of the change's other sources. */
function meanings(fod: ChangedFod, changed: readonly ChangedFod[]): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const other of changed) {
    if (other !== fod) known.set(formatSri(other.output.hash), `it is that of ${other.derivation.name}`);
    const base = other.base && fixedOutput(other.base);
    if (base) known.set(formatSri(base.hash), `it is the one that the base has for ${other.base?.name}`);
  }
  return known;
}

/** Whether the change brought the fault: false when the base's source is as bad. */
async function isIntroduced(
  fod: ChangedFod,
  judgement: Judgement,
  mirrors: Mirrors,
  options: VerifyOptions,
  fetchBase: (derivation: Derivation, plan: Ways) => Promise<Refetched>,
): Promise<boolean> {
  const bad =
    judgement.outcome === "mismatch" ||
    judgement.outcome === "unstable" ||
    judgement.outcome === "unavailable";
  if (!bad || fod.base === null) return true;
  const plan = planRefetch(fod.base, currentSystem(), mirrors, options.allowedHosts);
  if (plan.kind !== "ways") return true;
  const base = await fetchBase(fod.base, plan);
  return base.judgement.outcome !== judgement.outcome;
}

/** The `Retry-After` of the last answer, in seconds; null: none. */
function retryAfterOf({ fetches }: Refetched): number | null {
  const result = fetches.at(-1)?.attempts.at(-1)?.result;
  return result && "retryAfter" in result ? result.retryAfter : null;
}

function endOf(signal: AbortSignal): string {
  return typeof signal.reason === "string" ? signal.reason : "interrupted";
}

function hostOf({ plan }: Job): string {
  try {
    return new URL(plan.urls[0] ?? "").host;
  } catch {
    return "";
  }
}
