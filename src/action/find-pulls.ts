/** The pull requests whose head a finished run was about: from GitHub, never from what that run left behind. */
import * as z from "zod";
import type { GitHubApi, RepositoryName } from "../change/github-api.ts";
import type { Target } from "../review-pull.ts";
import type { RunEvent } from "./inputs.ts";

/** One branch can be the head of several pull requests; more than this is nobody's work. */
const MOST_PULLS = 5;

const pullsSchema = z.array(
  z.object({
    number: z.number(),
    title: z.string(),
    head: z.object({ sha: z.string(), repo: z.object({ id: z.number() }).nullable() }),
    base: z.object({ sha: z.string(), repo: z.object({ full_name: z.string() }) }),
  }),
);

/**
 * The open pull requests of `repository` with the run's head, from the run's own repository. The event itself names none
 * for forks, and a commit's list of pull requests is empty for them.
 */
export async function findPulls(
  api: GitHubApi,
  { owner, name }: RepositoryName,
  run: RunEvent,
): Promise<readonly Target[]> {
  if (run.event !== "pull_request" || run.head_repository === null || run.head_branch === null) return [];
  const { head_repository: from, head_branch: branch, head_sha: sha } = run;
  const { data } = await api.request("GET /repos/{owner}/{repo}/pulls", {
    owner,
    repo: name,
    state: "open",
    head: `${from.owner.login}:${branch}`,
    per_page: 100,
  });
  return pullsSchema
    .parse(data)
    .filter(
      ({ head, base }) =>
        head.sha === sha && head.repo?.id === from.id && base.repo.full_name === `${owner}/${name}`,
    )
    .slice(0, MOST_PULLS)
    .map(({ number, title, head, base }) => ({ number, title, base: base.sha, head: head.sha }));
}
