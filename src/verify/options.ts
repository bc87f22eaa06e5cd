/** The options of a verification: what it may do, and its limits. */
import type { Repository } from "../change/repository.ts";
import { FETCH_LIMITS, type FetchLimits } from "./attempt.ts";
import type { Builder } from "./builder.ts";
import { EVALUATION_LIMITS, type EvaluationLimits } from "./evaluate.ts";
import { DEFAULT_KEYS, DEFAULT_SUBSTITUTERS, type NixOptions } from "./nix.ts";
import type { Pacing } from "./pacing.ts";
import { RETRY_AFTER_SECONDS } from "./refetch.ts";
import type { AllowedHosts } from "./urls.ts";
import type { FodVerdict } from "./verdict.ts";

/** A pin to look for: a file and the hash that it declares. */
export interface WantedPin {
  readonly path: string;
  /** SRI. */
  readonly hash: string;
  /** The package's name, where the text says one: often that of its attribute. */
  readonly name: string | null;
}

/** Sources to fetch with the old and the new definition of a fetcher. */
export interface Canaries {
  /** The changed files that define fetchers. */
  readonly files: readonly string[];
  /** The seed of the random choice: the same one chooses the same pins. */
  readonly seed: string;
  readonly pins: readonly WantedPin[];
}

export interface VerifyOptions {
  readonly repository: Repository;
  /** PATH, certificates and the variables that name an isolated store are read; nothing else reaches Nix. */
  readonly environment: NodeJS.ProcessEnv;
  readonly nix: NixOptions;
  /** False: builders of the pull request run without a sandbox. */
  readonly sandbox: boolean;
  /** Why a Nix with known ways out of its sandbox may still run builders of the pull request; null: it may not. */
  readonly acceptNix: string | null;
  /** The file with the packages. */
  readonly entry: string;
  /** Attributes to look at instead of those that the change touches; empty: those. */
  readonly attrs: readonly string[];
  readonly maxAttributes: number;
  /** Refetch at most so many; the rest is reported as not checked. */
  readonly maxFods: number;
  /** `totalSeconds`: for all that the change touches, on both sides. */
  readonly evaluation: EvaluationLimits & { readonly parallel: number; readonly totalSeconds: number };
  /** False: evaluate only. */
  readonly refetch: boolean;
  readonly everyUrl: boolean;
  /** Fetch with the derivations' own builders even where Nix's own downloader would suffice. */
  readonly ownBuilders: boolean;
  /** Remote builders that fetch in turn, without what guards a fetch here; empty: this machine fetches. */
  readonly builders: readonly Builder[];
  /** Sources to fetch with the old and the new definition of changed fetchers; null: none. */
  readonly canaries: Canaries | null;
  readonly allowedHosts: AllowedHosts;
  readonly fetch: FetchLimits;
  readonly retryAfterSeconds: readonly number[];
  readonly parallel: number;
  readonly perHost: number;
  /** Between two fetches from one host, in seconds. */
  readonly hostDelaySeconds: number;
  /** When hosts may be asked again, kept by a caller that verifies in several rounds. */
  readonly pacing?: Pacing;
  /** Budgets of all refetches together. */
  readonly totalSeconds: number;
  readonly totalBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

export type Progress =
  | { readonly kind: "step"; readonly text: string }
  | { readonly kind: "evaluating"; readonly attr: string; readonly system: string | null }
  | { readonly kind: "waiting"; readonly id: string; readonly label: string }
  | { readonly kind: "inputs"; readonly id: string }
  | { readonly kind: "fetching"; readonly id: string; readonly bytes: number }
  | { readonly kind: "verdict"; readonly id: string; readonly verdict: FodVerdict };

/** The default of every option but the repository. */
export const DEFAULTS: Omit<VerifyOptions, "repository"> = {
  environment: {},
  nix: { substituters: DEFAULT_SUBSTITUTERS, trustedKeys: DEFAULT_KEYS, allowedUris: [] },
  sandbox: true,
  acceptNix: null,
  entry: "default.nix",
  attrs: [],
  maxAttributes: 100,
  maxFods: 200,
  evaluation: { ...EVALUATION_LIMITS, parallel: 2, totalSeconds: 3_600 },
  refetch: true,
  everyUrl: false,
  ownBuilders: false,
  builders: [],
  canaries: null,
  allowedHosts: [],
  fetch: FETCH_LIMITS,
  retryAfterSeconds: RETRY_AFTER_SECONDS,
  parallel: 8,
  perHost: 2,
  hostDelaySeconds: 0,
  totalSeconds: 3_600,
  totalBytes: 32 * 1024 ** 3,
};
