/** Review and verification of a checkout, without a token, into a report for a run that may publish. */

import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Change } from "../change/change.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { CONFIG_PATH, type Config, configuredSeverity } from "../config.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { loadConfig } from "../load-config.ts";
import type { Review, Verdict } from "../report/review.ts";
import { type ReviewThreads, reviewHere } from "../threads/review-threads.ts";
import { joinVerification } from "../verify/join.ts";
import { DEFAULTS } from "../verify/options.ts";
import { verify } from "../verify/verify.ts";
import { memoryFrom } from "./index-file.ts";
import type { Inputs, PullEvent, Runner } from "./inputs.ts";
import { openCheckout } from "./open-pull.ts";

export interface Analysis {
  readonly review: Review;
  readonly config: Config;
}

/**
 * Analyzes the checked-out pull request. The report is filed under the pull request's head, also when the commit that was
 * looked at is the merge of it.
 * @throws VerifodError when there is nothing to look at, or the configuration is wrong
 */
export async function analyze(
  pull: PullEvent,
  inputs: Inputs,
  runner: Runner,
  thread: ReviewThreads,
): Promise<Analysis> {
  const repository = await openRepository(runner.workspace);
  try {
    const change = await openCheckout(repository, pull.base.sha, pull.head.sha);
    const config = await loadConfig(change.base, inputs.config ?? undefined);
    const reviewed = await reviewHere(thread, change, {
      config: { of: "tip", path: inputs.config ?? CONFIG_PATH },
      subjects: [pull.title, ...(change.subjects ?? [])],
      upstream: null,
      memory: await memoryFrom(inputs.index),
    });
    const wanted = inputs.verify ?? config.verify;
    const verifies = wanted === "always" || (wanted === "auto" && (await hasNix(process.env.PATH ?? "")));
    const verified = verifies
      ? await withVerification(reviewed, change, repository, config, inputs)
      : reviewed;
    return { review: { ...verified, head: pull.head.sha }, config };
  } finally {
    repository.close();
  }
}

async function hasNix(path: string): Promise<boolean> {
  const found = await Promise.all(
    path
      .split(delimiter)
      .filter(Boolean)
      .map((folder) =>
        access(join(folder, "nix-instantiate"), constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
  );
  return found.includes(true);
}

/** The review with what a verification adds; one that cannot be done is told as unchecked. */
async function withVerification(
  reviewed: Review,
  change: Change,
  repository: Repository,
  config: Config,
  { allowHosts: allowedHosts }: Inputs,
): Promise<Review> {
  try {
    const verification = await verify(change, {
      ...DEFAULTS,
      environment: process.env,
      allowedHosts,
      repository,
    });
    const joined = joinVerification(reviewed, verification, (rule, path) =>
      configuredSeverity(config, rule, path),
    );
    return { ...joined, verdicts: joined.verdicts.map(publicVerdict) };
  } catch (error) {
    if (!(error instanceof VerifodError)) throw error;
    const unchecked = [...reviewed.unchecked, { what: "verification", reason: messageOf(error) }];
    return { ...reviewed, unchecked, complete: false };
  }
}

/** Without what only this program's rooms use: a report has the published shape. */
function publicVerdict(verdict: Verdict): Verdict {
  const { name, drvPath, attrs, declared, got, outcome, reason, introduced, urls, seconds } = verdict;
  return {
    name,
    drvPath,
    attrs,
    declared,
    got,
    outcome,
    reason,
    introduced,
    urls: urls.map(({ url, finalUrl, status, bytes }) => ({ url, finalUrl, status, bytes })),
    seconds,
  };
}
