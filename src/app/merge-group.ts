/** The answer for a merge group: that of the pull request when it changes the same files the same way, else a review. */
import { createHash } from "node:crypto";
import { openApiChange } from "../change/api.ts";
import { type Change, type Entry, pathOf } from "../change/change.ts";
import type { GitHubApi } from "../change/github-api.ts";
import { CONFIG_PATH } from "../config.ts";
import type { CheckOutput } from "../github/check-output.ts";
import { isFinished } from "../github/plan.ts";
import { publishCheck, startCheck } from "../github/publish.ts";
import { type Published, type PullRequest, readPublished } from "../github/published.ts";
import { readResult } from "../github/result.ts";
import { reviewPull } from "../review-pull.ts";
import type { GroupJob } from "./jobs.ts";
import { type Result, settingsFor, type WorkServices } from "./review-settings.ts";

/** @throws VerifodError (outside) when GitHub does not answer */
export async function answerGroup(
  services: WorkServices,
  job: GroupJob,
  signal: AbortSignal,
): Promise<Result> {
  const { owner, repo, number, head, base } = job;
  const api = services.api(job.installation);
  const repository = { owner, name: repo };
  const pull: PullRequest = { repository, number, head };
  const settings = settingsFor(services, job, signal);
  const options = { reporter: { pull: number, base, run: settings.run }, details: null, pace: services.pace };
  const known = await readPublished(api, pull);
  if (isFinished(known.checks, base)) return "finished";
  await startCheck(api, pull, options, known);

  // Read at most once, whoever needs it.
  const range = { number, base, head, changedFiles: null };
  let opened: ReturnType<typeof openApiChange> | undefined;
  const open = () => {
    opened ??= openApiChange(api, repository, range, [CONFIG_PATH]);
    return opened;
  };
  const same = await reviewed(api, pull, known, open).catch(() => null);
  if (same !== null) {
    const { check } = await publishCheck(api, pull, same, options);
    return check === "denied" || check === "superseded" ? check : same.conclusion;
  }
  const target = { number, title: known.title, base, head };
  const { publication, output } = await reviewPull(api, target, {
    ...settings,
    open: async () => ({ change: await open(), close: () => {} }),
    notes: [
      `The merge group of #${number}, reviewed afresh: its files differ from those that were reviewed.`,
    ],
    actions: () => [],
  });
  const { check } = publication;
  return check === "denied" || check === "superseded" ? check : output.conclusion;
}

/** The result of the pull request's own review, where it is about the same change; else null. */
async function reviewed(
  api: GitHubApi,
  { repository, number, head }: PullRequest,
  { currentHead }: Published,
  open: () => Promise<Change>,
): Promise<CheckOutput | null> {
  const own = { repository, number, head: currentHead };
  const { checks } = await readPublished(api, own);
  const [newest] = checks;
  if (newest === undefined || !newest.completed || newest.mark.result === null) return null;
  const result = await readResult(api, repository, newest);
  if (result === null) return null;
  // Of the base that was reviewed, which may have moved on: what matters is what the files were.
  const range = { number, base: newest.mark.base, head: currentHead, changedFiles: null };
  const [before, group] = await Promise.all([openApiChange(api, repository, range), open()]);
  if (before.unchecked.length + group.unchecked.length > 0 || touched(before) !== touched(group)) return null;
  const title = result.title;
  const summary = `The same as the review of #${number} at ${currentHead}: this merge group changes the same files in the same way.`;
  return {
    conclusion: result.conclusion,
    title,
    summary,
    text: null,
    annotations: [],
    acknowledged: 0,
    digest: createHash("sha256").update(`${head} ${newest.mark.result}`).digest("hex").slice(0, 16),
  };
}

/** Equal for changes of the same files from the same contents to the same. */
function touched({ files }: Change): string {
  const side = (entry: Entry | null) => entry && [entry.path, entry.kind, entry.oid];
  return JSON.stringify(files.map((file) => [pathOf(file), side(file.base), side(file.head)]));
}
