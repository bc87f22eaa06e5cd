/** Fetches all changed FODs of a change again, side by side and within the budgets, and judges them. */
import { messageOf } from "../errors.ts";
import { formatSri } from "../nix/hash.ts";
import type { Builder } from "./builder.ts";
import type { ChangedFod } from "./changed-fods.ts";
import { attributesOf, type Derivation, fixedOutput } from "./drv.ts";
import { realiseInputs } from "./inputs.ts";
import type { Nix } from "./nix.ts";
import { sandboxWeakness, verifiesTls } from "./nix-version.ts";
import type { VerifyOptions } from "./options.ts";
import { createPacing } from "./pacing.ts";
import { declaredLocations, type Mirrors, type Plan, planRefetch } from "./plan.ts";
import { rederive, specOf } from "./rederive.ts";
import { type Refetched, refetch } from "./refetch.ts";
import { reproduce } from "./reproduce.ts";
import { schedule } from "./schedule.ts";
import { currentSystem } from "./touched.ts";
import { type Fetch, type FodVerdict, fetchedUrls, type Judgement } from "./verdict.ts";

interface Job {
  readonly id: string;
  readonly fod: ChangedFod;
  readonly plan: Plan;
}

/** Verdicts, in the order of the FODs. */
export async function refetchAll(
  nix: Nix,
  changed: readonly ChangedFod[],
  mirrors: Mirrors,
  options: VerifyOptions,
): Promise<readonly FodVerdict[]> {
  const strange = options.refetch ? await unlikeTheirParts(nix, changed, options) : new Map<string, string>();
  const jobs = changed.map((fod): Job => {
    const id = fod.derivation.path;
    const plan = planRefetch(
      fod.derivation,
      currentSystem(),
      mirrors,
      options.allowedHosts,
      options.ownBuilders,
    );
    options.onProgress?.({
      kind: "waiting",
      id,
      label: `${fod.attrs[0] ?? ""} ${fod.derivation.name}`.trim(),
    });
    return { id, fod, plan };
  });
  const verdicts = new Map<string, FodVerdict>();
  const settle = (job: Job, judgement: Judgement, more: Partial<FodVerdict> = {}) => {
    const verdict = verdictOf(job, judgement, more);
    verdicts.set(job.id, verdict);
    options.onProgress?.({ kind: "verdict", id: job.id, verdict });
  };

  const runnable: (Job & { readonly plan: Plan & { readonly kind: "ways" } })[] = [];
  for (const job of jobs) {
    const reason = reasonNotTo(nix, job, runnable.length, strange, options);
    if (reason !== null) settle(job, { got: null, ...reason });
    else if (job.plan.kind === "ways") runnable.push({ ...job, plan: job.plan });
  }

  const budget = new AbortController();
  const timer = setTimeout(() => budget.abort("the time for all fetches ended"), options.totalSeconds * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, budget.signal]) : budget.signal;
  let spent = 0;
  const inputsOf = inputsOnce(nix, { ...options, signal });
  const builders = new Map(runnable.map(({ id }, n) => [id, options.builders[n % options.builders.length]]));
  const fetchOne = (
    derivation: Derivation,
    plan: Plan & { readonly kind: "ways" },
    id: string,
    others: ReadonlyMap<string, string>,
  ) => {
    const output = fixedOutput(derivation);
    if (output === null) throw new Error(`${derivation.path} is no fixed-output derivation`);
    let fetched = 0;
    const builder = builders.get(id) ?? null;
    return refetch(
      nix,
      derivation,
      output,
      plan,
      {
        builder,
        limits: options.fetch,
        allowed: options.allowedHosts,
        everyUrl: options.everyUrl,
        retryAfterSeconds: options.retryAfterSeconds,
        signal,
        onBytes(count) {
          spent += count;
          fetched += count;
          if (spent > options.totalBytes) budget.abort("the bytes for all fetches were used up");
          options.onProgress?.({ kind: "fetching", id, bytes: fetched });
        },
        inputs: (of) => {
          options.onProgress?.({ kind: "inputs", id });
          return inputsOf(of, builder);
        },
      },
      others,
    );
  };
  try {
    const pacing = options.pacing ?? createPacing(options.hostDelaySeconds);
    const isFar = (job: Job) => pacing.isFar(hostOf(job));
    const limits = {
      total: options.parallel,
      perKey: options.perHost,
      // Jobs that will not be fetched any more are settled at once.
      readyAt: (job: Job) => (signal.aborted || isFar(job) ? 0 : pacing.readyAt(hostOf(job))),
    };
    await schedule(runnable, hostOf, limits, async (job) => {
      if (signal.aborted || isFar(job)) {
        const reason = signal.aborted ? endOf(signal) : `${hostOf(job)} asked to be left alone for longer`;
        return settle(job, { outcome: "not-checked", got: null, reason }, { interrupted: true });
      }
      const started = performance.now();
      options.onProgress?.({ kind: "fetching", id: job.id, bytes: 0 });
      const refetched = await fetchOne(job.fod.derivation, job.plan, job.id, meanings(job.fod, changed));
      const introduced = await isIntroduced(job.fod, refetched.judgement, mirrors, options, (base, plan) =>
        fetchOne(base, plan, job.id, new Map()),
      );
      pacing.ended(hostOf(job), retryAfterOf(refetched));
      settle(job, interrupted(refetched.judgement, signal), {
        introduced,
        interrupted: isInterrupted(refetched.judgement),
        ...evidenceOf(nix, refetched),
        builder: builders.get(job.id)?.label ?? null,
        seconds: Math.round((performance.now() - started) / 100) / 10,
        command: reproduce(job.fod, refetched.fetches),
      });
    });
  } finally {
    clearTimeout(timer);
  }
  return jobs.flatMap(({ id }) => verdicts.get(id) ?? []);
}

function verdictOf({ fod, plan }: Job, judgement: Judgement, more: Partial<FodVerdict>): FodVerdict {
  const base = fod.base && fixedOutput(fod.base);
  return {
    name: fod.derivation.name,
    drvPath: fod.derivation.path,
    attrs: fod.attrs,
    neededBy: fod.neededBy,
    declared: formatSri(fod.output.hash),
    got: judgement.got,
    outcome: judgement.outcome,
    reason: withChange(fod, judgement),
    introduced: true,
    urls: plan.urls.map((url) => ({ url, finalUrl: null, status: null, bytes: null })),
    seconds: 0,
    change: fod.change,
    place: null,
    locations: declaredLocations(fod.derivation),
    ...argumentsOf(fod.derivation),
    before: base ? formatSri(base.hash) : null,
    authenticated: null,
    opaque: plan.kind === "ways" && plan.ways.some(({ via }) => via === "builder"),
    forgedReports: 0,
    builder: null,
    interrupted: false,
    command: null,
    ...more,
  };
}

/** Arguments of nixpkgs' fetchers that decide which part of a location becomes the content. */
const FLAGS = [
  "outputHashMode",
  "unpack",
  "executable",
  "stripRoot",
  "fetchSubmodules",
  "fetchLFS",
  "fetchTags",
  "deepClone",
  "leaveDotGit",
  "sparseCheckout",
  "rootDir",
  "postFetch",
  "curlOpts",
];

function argumentsOf(derivation: Derivation): Pick<FodVerdict, "rev" | "flags"> {
  const attributes = attributesOf(derivation);
  const flags = FLAGS.flatMap((name) => {
    const value = attributes[name];
    const text = typeof value === "string" || value === undefined ? (value ?? "") : JSON.stringify(value);
    return text === "" ? [] : [[name, text] as const];
  });
  return {
    rev: typeof attributes.rev === "string" && attributes.rev !== "" ? attributes.rev : null,
    flags: Object.fromEntries(flags),
  };
}

/** The reason of a verdict, with the cache attack named whatever the fetch shows, since caches answer with the old content. */
function withChange({ change }: ChangedFod, { outcome, reason }: Judgement): string {
  if (outcome === "match") return reason;
  switch (change) {
    case "fetch-spec-changed-hash-kept":
      return `${reason}; where it is fetched from changed while its hash and name did not, so that every cache answers with the old content`;
    case "renamed-hash-kept":
      return `${reason}; its name changed while its hash did not`;
    case "added":
    case "changed":
      return reason;
  }
}

/** Why a FOD is not fetched at all; null when it is. */
function reasonNotTo(
  nix: Nix,
  { fod, plan }: Job,
  before: number,
  strange: ReadonlyMap<string, string>,
  options: VerifyOptions,
): Pick<Judgement, "outcome" | "reason"> | null {
  if (plan.kind !== "ways") {
    return plan.kind === "unsupported"
      ? { outcome: "unsupported", reason: plan.reason }
      : { outcome: "not-checked", reason: `refused: ${plan.reason}` };
  }
  if (!options.refetch) return { outcome: "not-checked", reason: "only evaluated, not fetched" };
  const builder = plan.ways.some(({ via }) => via === "builder");
  const reason = builder ? strange.get(fod.derivation.path) : undefined;
  if (reason !== undefined) return { outcome: "unsupported", reason };
  const weakness =
    builder && nix.store.sandbox && options.acceptNix === null ? weaknessOf(nix, options) : null;
  if (weakness !== null) {
    return {
      outcome: "not-checked",
      reason: `its builder is code of the change, and ${weakness}, or say with --accept-nix REASON why this one may run it`,
    };
  }
  if (before >= options.maxFods)
    return { outcome: "not-checked", reason: `more than ${options.maxFods} sources changed` };
  return null;
}

/** What speaks against letting this Nix run a change's builder, and what to do about it; null: nothing known. */
function weaknessOf(nix: Nix, { builders }: VerifyOptions): string | null {
  if (builders.length > 0) return "a remote builder does not tell its Nix and its sandbox: fetch from here";
  const weakness = sandboxWeakness(nix.version);
  return weakness && `${weakness}: use a newer Nix`;
}

/** FODs with a builder that come out different when made again from their parts, with the reason: we do not understand them. */
async function unlikeTheirParts(
  nix: Nix,
  changed: readonly ChangedFod[],
  options: VerifyOptions,
): Promise<ReadonlyMap<string, string>> {
  const strange = new Map<string, string>();
  const check = async (fods: readonly ChangedFod[]): Promise<void> => {
    if (fods.length === 0) return;
    const again = await rederive(
      nix,
      fods.map(({ derivation }) => specOf(derivation)),
      options.signal,
    );
    if (again.kind === "failed" && fods.length > 1) {
      for (const fod of fods) await check([fod]);
      return;
    }
    fods.forEach(({ derivation }, n) => {
      if (again.kind === "failed") strange.set(derivation.path, again.reason);
      else if (again.paths[n] !== derivation.path)
        strange.set(derivation.path, "it cannot be re-derived exactly");
    });
  };
  await check(changed);
  return strange;
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
  fetchBase: (derivation: Derivation, plan: Plan & { readonly kind: "ways" }) => Promise<Refetched>,
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

function evidenceOf(nix: Nix, { fetches }: Refetched): Partial<FodVerdict> {
  const attempts = fetches.flatMap((fetch) => fetch.attempts);
  const urls = fetches.flatMap(fetchedUrls);
  return {
    authenticated: authenticated(nix, fetches),
    forgedReports: attempts.reduce((sum, { forged }) => sum + forged, 0),
    ...(urls.length > 0 ? { urls } : {}),
  };
}

function authenticated(nix: Nix, fetches: readonly Fetch[]): FodVerdict["authenticated"] {
  const answers = fetches
    .filter(({ attempts }) => attempts.some(({ transfers }) => transfers.some(({ bytes }) => bytes > 0)))
    .map(({ via, secure, attempts }) => {
      // A builder may not check certificates, as nixpkgs' fetchurl does not when it knows the hash.
      const plain = attempts.some(({ transfers }) => transfers.some(({ url }) => url !== null));
      return via === "nix" && secure && !plain && verifiesTls(nix.version);
    });
  if (answers.length === 0) return null;
  if (answers.every(Boolean)) return "yes";
  return answers.some(Boolean) ? "mixed" : "no";
}

/** The `Retry-After` of the last answer, in seconds; null: none. */
function retryAfterOf({ fetches }: Refetched): number | null {
  const result = fetches.at(-1)?.attempts.at(-1)?.result;
  return result && "retryAfter" in result ? result.retryAfter : null;
}

function isInterrupted({ outcome, reason }: Judgement): boolean {
  return outcome === "not-checked" && reason === "interrupted";
}

function interrupted(judgement: Judgement, signal: AbortSignal): Judgement {
  return isInterrupted(judgement) ? { ...judgement, reason: endOf(signal) } : judgement;
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
