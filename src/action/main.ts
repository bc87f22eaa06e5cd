/** The GitHub Action. */
import * as core from "@actions/core";
import type { GitHubApi } from "../change/github-api.ts";
import { CONFIG_PATH } from "../config.ts";
import { messageOf, unreachable, VerifodError } from "../errors.ts";
import { conclusionOf } from "../github/check-output.ts";
import { createGitHubApi } from "../github/client.ts";
import { cacheDirectory, mayWriteMemory } from "../ledger/places.ts";
import { createDocuments } from "../nix/documents.ts";
import { openUpstreamMemory, upstreamFile } from "../provenance/memory.ts";
import { openUpstream, upstreamPlaces } from "../provenance/open.ts";
import type { Review } from "../report/review.ts";
import { type ReviewSettings, reviewPull, type Target } from "../review-pull.ts";
import { openReviewThread, type ReviewThreads } from "../threads/review-threads.ts";
import { type Analysis, analyze } from "./analyze.ts";
import { findPulls } from "./find-pulls.ts";
import { memoryFrom } from "./index-file.ts";
import { type Inputs, type Runner, readInputs, readPullEvent, readRunEvent, readRunner } from "./inputs.ts";
import { openPull } from "./open-pull.ts";
import { readReport, withReport } from "./report-file.ts";
import { leaveResults, logPublication, printAnnotations, writeStepSummary } from "./results.ts";

async function run(): Promise<void> {
  const inputs = readInputs();
  const runner = readRunner(process.env);
  const thread = openReviewThread();
  try {
    await runMode(inputs, runner, thread);
  } finally {
    await thread.close();
  }
}

async function runMode(inputs: Inputs, runner: Runner, thread: ReviewThreads): Promise<void> {
  switch (inputs.mode) {
    case "analyze":
      return runAnalyze(inputs, runner, thread);
    case "review": {
      const { number, title, base, head } = readPullEvent(process.env);
      const target = { number, title, base: base.sha, head: head.sha };
      return runPublishing(target, inputs, runner, thread, [], async (review) => review);
    }
    case "publish":
      return runPublish(inputs, runner, thread);
    default:
      return unreachable(inputs.mode);
  }
}

/** Leaves a report for a run that may publish it. Its job is green when there is one, whatever it says. */
async function runAnalyze(inputs: Inputs, runner: Runner, thread: ReviewThreads): Promise<void> {
  if (inputs.report === null)
    throw new VerifodError("usage", "mode analyze writes a report: give it the input report");
  const { review, config }: Analysis = await analyze(readPullEvent(process.env), inputs, runner, thread);
  const conclusion = conclusionOf(review, inputs.failOn ?? config.failOn);
  await leaveResults(review, conclusion, inputs, true);
  await writeStepSummary(review);
  printAnnotations(review);
}

const REPORTED =
  "What was fetched again is told by a run of this pull request's own workflow, which could say anything: it adds findings and clears none.";

async function runPublish(inputs: Inputs, runner: Runner, thread: ReviewThreads): Promise<void> {
  const { report: path } = inputs;
  if (path === null) throw new VerifodError("usage", "mode publish takes a report: give it the input report");
  const event = readRunEvent(process.env);
  const targets = await findPulls(clientFor(inputs, runner), runner.repository, event);
  if (targets.length === 0)
    core.notice("no open pull request has the head of that run any more: nothing to publish");
  for (const target of targets) {
    await runPublishing(target, inputs, runner, thread, [REPORTED], async (review) =>
      withReport(review, await readReport(path, event.head_sha)),
    );
  }
}

async function runPublishing(
  target: Target,
  inputs: Inputs,
  runner: Runner,
  thread: ReviewThreads,
  notes: readonly string[],
  complete: (review: Review) => Promise<Review>,
): Promise<void> {
  const api = clientFor(inputs, runner);
  const { repository, run, details, workspace, pace } = runner;
  const { config, failOn } = inputs;
  const memory = upstreamFile(cacheDirectory(process.env));
  const settings: ReviewSettings = {
    repository,
    run,
    details,
    config,
    failOn,
    open: (range, prefetch) => openPull(api, repository, range, workspace, prefetch),
    // The token of a workflow has 1,000 requests an hour for the whole repository. The list of nixpkgs is longer than the
    // 512,000 bytes that a query gives of a text, so that it takes a request of its own.
    accounts: false,
    check: async (change, configuration, subjects) => {
      const asks = runner.asksUpstream && (inputs.ask ?? configuration.ask) === "auto";
      const upstream = asks
        ? openUpstream({
            api: clientFor(inputs, runner, false),
            places: upstreamPlaces(process.env),
            memory: await openUpstreamMemory(memory, mayWriteMemory(process.env)),
          })
        : null;
      const about = {
        config: { of: "tip", path: config ?? CONFIG_PATH } as const,
        subjects,
        upstream,
        memory: await memoryFrom(inputs.index),
      };
      return thread.review(change, about);
    },
    documents: createDocuments,
    complete,
    notes,
    pace,
  };
  const { review, output, publication, failure } = await reviewPull(api, target, settings);
  const { conclusion } = output;
  logPublication(target.number, review, conclusion, publication);
  await leaveResults(review, conclusion, inputs, inputs.mode === "review");
  await writeStepSummary(review);
  if (publication.check === "denied") {
    printAnnotations(review);
    // There is no check run to say so: the job has to.
    if (conclusion === "failure" || conclusion === "action_required")
      core.setFailed(`verifod: ${conclusion}`);
  }
  if (failure !== null) throw failure;
}

/** `patient`: whether it waits for rate limits. */
function clientFor({ token }: Inputs, { apiUrl, pace }: Runner, patient = true): GitHubApi {
  return createGitHubApi({ token, apiUrl, pace, patient, onWait: (message) => core.info(message) });
}

try {
  await run();
} catch (error) {
  if (error instanceof VerifodError) core.setFailed(error.message);
  else {
    core.setFailed(`This is a bug in verifod, please report it: ${messageOf(error)}`);
    // As a command: a stack may hold text of the pull request, which must not start a line of its own.
    core.error(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  }
}
