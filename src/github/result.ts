/** What a finished check run of ours says. */
import * as z from "zod";
import type { GitHubApi, RepositoryName } from "../change/github-api.ts";
import type { CheckOutput, Conclusion } from "./check-output.ts";
import type { OwnCheck } from "./published.ts";

const schema = z.object({
  conclusion: z.enum(["success", "neutral", "failure", "action_required"] satisfies readonly Conclusion[]),
  output: z.object({ title: z.string() }),
});

/** The conclusion and title of a check run; null when it has none of a review. */
export async function readResult(
  api: GitHubApi,
  { owner, name }: RepositoryName,
  { id }: OwnCheck,
): Promise<Pick<CheckOutput, "conclusion" | "title"> | null> {
  const route = "GET /repos/{owner}/{repo}/check-runs/{check_run_id}";
  const { data } = await api.request(route, { owner, repo: name, check_run_id: id });
  const { data: run } = schema.safeParse(data);
  return run ? { conclusion: run.conclusion, title: run.output.title } : null;
}
