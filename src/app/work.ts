/** Doing a job: a pull request is reviewed as it is now, whatever the event said. */
import type { PullRange } from "../change/api.ts";
import { type GitHubApi, isGraphqlError, statusOf } from "../change/github-api.ts";
import { unreachable, VerifodError } from "../errors.ts";
import { isMutation, isRead } from "../github/client.ts";
import { isMaintainerOf } from "../github/people.ts";
import { isFinished } from "../github/plan.ts";
import { cancelChecks } from "../github/publish.ts";
import { type Published, readPublished } from "../github/published.ts";
import { type ReviewSettings, reviewPull } from "../review-pull.ts";
import { openCommands } from "./commands.ts";
import { type Hold, type Job, listens, type PullJob, type Stop, type Work } from "./jobs.ts";
import { answerGroup } from "./merge-group.ts";
import { latestRun, type Result, settingsFor, type WorkServices } from "./review-settings.ts";

/** Longer than GitHub's limits make a review wait; what hangs does not hold its place for ever. */
const LONGEST_JOB_MS = 30 * 60_000;

/** How jobs are done with these services. */
export function createWork(services: WorkServices): Work {
  return async (job, hold) => {
    const started = performance.now();
    const { signal } = hold;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_JOB_MS)]);
    const api = stoppable(services.api(job.installation), limited, hold);
    const { log, metrics } = services;
    const facts = { ...job };
    try {
      const result =
        job.kind === "pull"
          ? await workOnPull({ ...services, api: () => api }, job, limited)
          : await answerGroup({ ...services, api: () => api }, job, limited);
      const seconds = (performance.now() - started) / 1_000;
      metrics.job(job.kind, result, seconds);
      log.info({ ...facts, result, seconds }, "done");
    } catch (error) {
      if (signal.aborted) {
        metrics.job(job.kind, "stopped", (performance.now() - started) / 1_000);
        log.info({ ...facts, result: "stopped", why: signal.reason as Stop }, "stopped");
        if (signal.reason === "superseded") await cancelOld(services, job).catch(() => {});
        return;
      }
      if (!isExpected(error)) throw error;
      metrics.job(job.kind, "unreachable", (performance.now() - started) / 1_000);
      log.warn(
        { ...facts, err: error },
        "GitHub did not answer: left to the next look for what is unfinished",
      );
    }
  };
}

function isExpected(error: unknown): boolean {
  return error instanceof VerifodError || statusOf(error) !== null || isGraphqlError(error);
}

/** A client that asks nothing more once `signal` is aborted, and writes only what is this process's to write. */
function stoppable(api: GitHubApi, signal: AbortSignal, { isHeld }: Hold): GitHubApi {
  const check = async (isReading: boolean) => {
    if (signal.aborted || !(isReading || (await isHeld()))) {
      throw new VerifodError("outside", "stopped: nobody waits for this any more");
    }
  };
  return {
    async request(route, parameters) {
      await check(isRead(route));
      return api.request(route, parameters);
    },
    async graphql(query, variables) {
      await check(!isMutation(query));
      return api.graphql(query, variables);
    },
  };
}

async function workOnPull(services: WorkServices, job: PullJob, signal: AbortSignal): Promise<Result> {
  const { number } = job;
  const api = services.api(job.installation);
  const published = await readCurrent(api, job);
  const { currentHead: head, currentBase: base, title, open, checks } = published;
  if (!open) return "closed";
  const { owner, repo, presses = [] } = job;
  const settings = settingsFor(services, job, signal);
  const commands = await openCommands({
    api,
    pull: { repository: { owner, name: repo }, number, head },
    handle: services.identity.slug,
    isMaintainer: (id) => isMaintainer(services, settings, { number, base, head, changedFiles: null }, id),
    published,
    presses,
    listen: listens(job),
    pace: services.pace,
  });
  const again = job.reason === "recheck" || commands.again;
  // A draft that is ready for review is told of, whatever its check run says.
  if (!again && !commands.needFindings && job.reason !== "edit" && isFinished(checks, base)) {
    await commands.reply();
    return "finished";
  }
  const target = { number, title, base, head };
  const { acknowledged } = commands;
  const outcome = await reviewPull(api, target, { ...settings, again, known: published, acknowledged });
  const { failure, publication, output } = outcome;
  if (publication.check === "written" || publication.check === "unchanged") await commands.reply();
  // What GitHub did not give is told in the check run; a bug is told to whoever runs this, too.
  if (failure !== null && !isExpected(failure))
    services.log.error({ ...job, err: failure }, "a review failed");
  for (const permission of publication.missing) {
    services.log.error(
      { ...job, permission },
      "the App lacks a permission: accept it on the installation's page",
    );
  }
  if (publication.check === "denied") return "denied";
  return publication.check === "superseded" ? "superseded" : output.conclusion;
}

/** Whether an account maintains a package that a change touches; null: the base cannot be read. */
async function isMaintainer(
  { documents }: WorkServices,
  { open }: ReviewSettings,
  range: PullRange,
  id: number,
): Promise<boolean | null> {
  try {
    const { change, close } = await open(range, []);
    try {
      return await isMaintainerOf(change, await documents(), id);
    } finally {
      close();
    }
  } catch (error) {
    if (!isExpected(error)) throw error;
    return null;
  }
}

/** The pull request as it is now, with our check runs on the head that it has now. */
async function readCurrent(api: GitHubApi, { owner, repo, number, head }: PullJob): Promise<Published> {
  const repository = { owner, name: repo };
  const published = await readPublished(api, { repository, number, head });
  if (published.currentHead === head) return published;
  return readPublished(api, { repository, number, head: published.currentHead });
}

/** Ends the check run of a head that is none any more, so that it does not look as if it were still reviewed. */
async function cancelOld({ api, pace }: WorkServices, job: Job): Promise<void> {
  switch (job.kind) {
    case "group":
      return;
    case "pull": {
      const { installation, owner, repo, number, head } = job;
      const pull = { repository: { owner, name: repo }, number, head };
      const client = api(installation);
      const { currentHead, currentBase: base, checks } = await readPublished(client, pull);
      if (currentHead === head || checks.every(({ completed }) => completed)) return;
      await cancelChecks(client, pull, {
        reporter: { pull: number, base, run: latestRun() },
        details: null,
        pace,
      });
      return;
    }
    default:
      unreachable(job);
  }
}
