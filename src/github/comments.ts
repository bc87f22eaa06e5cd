/** Writing line comments. */
import { type GitHubApi, statusOf } from "../change/github-api.ts";
import { commentBody } from "./comment-text.ts";
import type { Placement } from "./placement.ts";
import type { CommentEdit } from "./plan.ts";
import type { PullRequest } from "./published.ts";

const REVIEW_BODY =
  "Verifod asks for a look at these lines. The check run `verifod` lists everything that it found.";

/**
 * Adds comments with one review, which notifies once. If GitHub does not accept one of the lines, it refuses the whole review
 * without saying which. Then each comment is sent alone, and a refused one remains an annotation of the check run.
 */
export async function addComments(
  api: GitHubApi,
  pull: PullRequest,
  placements: readonly Placement[],
): Promise<void> {
  const { owner, name } = pull.repository;
  const target = { owner, repo: name, pull_number: pull.number, commit_id: pull.head };
  const comments = placements.map(commentOf);
  const route = "POST /repos/{owner}/{repo}/pulls/{pull_number}";
  try {
    await api.request(`${route}/reviews`, { ...target, event: "COMMENT", body: REVIEW_BODY, comments });
  } catch (error) {
    if (statusOf(error) !== 422) throw error;
    for (const comment of comments) await addAlone(api, `${route}/comments`, { ...target, ...comment });
  }
}

async function addAlone(
  api: GitHubApi,
  route: string,
  comment: Readonly<Record<string, unknown>>,
): Promise<void> {
  try {
    await api.request(route, comment);
  } catch (error) {
    if (statusOf(error) !== 422) throw error;
  }
}

function commentOf({ finding, side, line, startLine }: Placement): Readonly<Record<string, unknown>> {
  const several = startLine === null ? {} : { start_line: startLine, start_side: side };
  return { path: finding.path, body: commentBody(finding), side, line, ...several };
}

/** Edits, hides and shows comments of ours with one request. */
export async function editComments(api: GitHubApi, edits: readonly CommentEdit[]): Promise<void> {
  const variables: Record<string, string> = {};
  const parts = edits.flatMap(({ id, body, minimize }, index) => {
    variables[`id${index}`] = id;
    const steps: string[] = [];
    if (body !== null) {
      variables[`body${index}`] = body;
      steps.push(
        `e${index}: updatePullRequestReviewComment(input: { pullRequestReviewCommentId: $id${index}, body: $body${index} }) { pullRequestReviewComment { id } }`,
      );
    }
    if (minimize === true) {
      steps.push(
        `m${index}: minimizeComment(input: { subjectId: $id${index}, classifier: OUTDATED }) { minimizedComment { isMinimized } }`,
      );
    } else if (minimize === false) {
      steps.push(
        `m${index}: unminimizeComment(input: { subjectId: $id${index} }) { unminimizedComment { isMinimized } }`,
      );
    }
    return steps;
  });
  const declared = Object.keys(variables).map(
    (name) => `$${name}: ${name.startsWith("id") ? "ID" : "String"}!`,
  );
  await api.graphql(`mutation (${declared.join(", ")}) { ${parts.join(" ")} }`, variables);
}
