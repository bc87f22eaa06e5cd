/** What every job of the App is done with, and how it reviews. */
import { openApiChange } from "../change/api.ts";
import { CONFIG_PATH } from "../config.ts";
import type { Documents } from "../nix/documents.ts";
import type { Upstream } from "../provenance/upstream.ts";
import type { ReviewSettings } from "../review-pull.ts";
import type { ReviewThreads } from "../threads/review-threads.ts";
import type { Job } from "./jobs.ts";
import type { Metrics } from "./metrics.ts";
import { buttonsFor } from "./on-comment.ts";
import type { Services } from "./services.ts";

export interface WorkServices extends Services {
  readonly threads: ReviewThreads;
  readonly metrics: Metrics;
  /** For reading Nix texts of the base. */
  readonly documents: () => Promise<Documents>;
  /** What asks upstream with the token of an installation; null: it is not asked. */
  upstream(installation: number): Upstream | null;
  /** What stretches the pauses between attempts; 1 outside of tests. */
  readonly pace: number;
}

/** What became of a job, for the log and the counters. */
export type Result = "closed" | "finished" | "stopped" | "unreachable" | "denied" | "failed" | Conclusion;
type Conclusion = "success" | "neutral" | "failure" | "action_required" | "superseded";

let lastRun = 0;
/** A number for a run: larger than those before, also of another process. */
export function nextRun(): number {
  lastRun = Math.max(lastRun + 1, Date.now());
  return lastRun;
}

/** The number of the newest run of this process. */
export function latestRun(): number {
  return lastRun;
}

/** How any head of a job's repository is reviewed. */
export function settingsFor(
  { api, threads, documents, upstream, pace }: WorkServices,
  { installation, owner, repo }: Job,
  signal: AbortSignal,
): ReviewSettings {
  const repository = { owner, name: repo };
  return {
    repository,
    run: nextRun(),
    details: null,
    config: null,
    failOn: null,
    open: async (range, prefetch) => ({
      change: await openApiChange(api(installation), repository, range, prefetch),
      close: () => {},
    }),
    check: (change, config, subjects) =>
      threads.review(
        change,
        {
          config: { of: "tip", path: CONFIG_PATH },
          subjects,
          upstream: config.ask === "never" ? null : upstream(installation),
          memory: null,
        },
        signal,
      ),
    complete: async (review) => review,
    accounts: true,
    documents,
    notes: [],
    actions: buttonsFor,
    pace,
  };
}
