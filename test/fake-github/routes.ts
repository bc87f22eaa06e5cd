/** GitHub's REST operations on the world, with the limits that GitHub has. */

import { apps } from "./apps.ts";
import { conversation, said } from "./conversation.ts";
import { diffFiles, mergeBase, tryGit } from "./git-data.ts";
import { type Call, checkedBody, type Handler, ok, page, repo, userData } from "./handler.ts";
import { type CommentInput, lineFault } from "./review-lines.ts";
import {
  type CheckRun,
  demand,
  type Identity,
  type Pull,
  Refusal,
  type ReviewComment,
  type World,
} from "./state.ts";

export type { Answer, Call } from "./handler.ts";

/** https://docs.github.com/en/rest/commits/commits#compare-two-commits */
const mostComparedFiles = 300;
/** https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files */
const mostListedFiles = 3_000;

export const handlers: Readonly<Record<string, Handler>> = {
  [`GET ${repo}`]: ({ world }) => ok(repositoryData(world)),

  [`GET ${repo}/compare/{basehead}`]: ({ world, identity, parameters, query }) => {
    demand(identity, "contents", "read");
    const [base = "", head = ""] = (parameters.basehead ?? "").split("...");
    const from = mergeBase(world.repository, base, head);
    const log = tryGit(world.repository, "rev-list", "--count", `${from}..${head}`);
    const files = diffFiles(world.repository, from, head).slice(0, mostComparedFiles);
    return ok({
      base_commit: commitData(world, base),
      merge_base_commit: commitData(world, from),
      status: "ahead",
      ahead_by: Number(log),
      behind_by: 0,
      total_commits: Number(log),
      commits: commitsOf(world, from, head, query),
      ...(Number(query.get("page") ?? 1) === 1 && { files: files.map(fileData) }),
    });
  },

  [`GET ${repo}/git/blobs/{file_sha}`]: ({ world, identity, parameters }) => {
    demand(identity, "contents", "read");
    const sha = parameters.file_sha ?? "";
    const data = /^[0-9a-f]{40}$/.test(sha) ? tryGit(world.repository, "cat-file", "blob", sha) : null;
    if (data === null) throw new Refusal(404, "Not Found");
    return ok({ sha, size: data.length, encoding: "base64", content: data.toString("base64") });
  },

  [`GET ${repo}/pulls`]: ({ world, query }) => {
    const [owner, ref] = (query.get("head") ?? "").split(/:(.*)/s);
    const state = query.get("state") ?? "open";
    const pulls = [...world.pulls.values()]
      .filter((pull) => state === "all" || pull.state === state)
      .filter(({ head }) => !ref || (head.owner === owner && head.ref === ref));
    return ok(pulls.map((pull) => pullData(world, pull)));
  },
  [`GET ${repo}/pulls/{pull_number}`]: ({ world, parameters }) =>
    ok(pullData(world, pullOf(world, parameters))),
  [`GET ${repo}/pulls/{pull_number}/files`]: ({ world, parameters, query }) => {
    const pull = pullOf(world, parameters);
    const from = mergeBase(world.repository, pull.base.sha, pull.head.sha);
    const files = diffFiles(world.repository, from, pull.head.sha).slice(0, mostListedFiles);
    return ok(page(files, query).map(fileData));
  },

  [`POST ${repo}/check-runs`]: ({ world, identity, body }) => {
    demand(identity, "checks", "write");
    if (identity.app === null) throw new Refusal(403, "You must authenticate via a GitHub App.");
    if (tryGit(world.repository, "cat-file", "-e", `${String(body.head_sha)}^{commit}`) === null) {
      throw new Refusal(422, "No commit found for SHA");
    }
    const run: CheckRun = {
      id: world.nextId(),
      name: String(body.name),
      head_sha: String(body.head_sha),
      by: identity,
      started_at: String(body.started_at ?? world.now()),
      external_id: "",
      status: "queued",
      conclusion: null,
      details_url: null,
      output: { title: null, summary: null, text: null },
      annotations: [],
      actions: [],
    };
    updateCheckRun(run, body);
    world.checkRuns.push(run);
    return { status: 201, data: checkRunData(run) };
  },
  [`PATCH ${repo}/check-runs/{check_run_id}`]: ({ world, identity, parameters, body }) => {
    demand(identity, "checks", "write");
    const run = checkRunOf(world, parameters);
    if (run.by.app?.id !== identity.app?.id)
      throw new Refusal(
        403,
        "Invalid app_id `1` - check run can only be modified by the GitHub App that created it.",
      );
    updateCheckRun(run, body);
    return ok(checkRunData(run));
  },
  [`GET ${repo}/check-runs/{check_run_id}`]: ({ world, parameters }) =>
    ok(checkRunData(checkRunOf(world, parameters))),
  [`GET ${repo}/check-runs/{check_run_id}/annotations`]: ({ world, parameters, query }) =>
    ok(page(checkRunOf(world, parameters).annotations, query)),
  // A suite is called by its first check run.
  [`GET ${repo}/check-suites/{check_suite_id}/check-runs`]: ({ world, parameters, query }) => {
    const first = checkRunOf(world, { check_run_id: parameters.check_suite_id ?? "" });
    const runs = world.checkRuns.filter(
      ({ head_sha, by }) => head_sha === first.head_sha && by.id === first.by.id,
    );
    return ok({ total_count: runs.length, check_runs: page(runs, query).map(checkRunData) });
  },
  [`GET ${repo}/commits/{ref}/check-runs`]: ({ world, parameters, query }) => {
    const name = query.get("check_name");
    const runs = world.checkRuns.filter(
      (run) => run.head_sha === parameters.ref && (name === null || run.name === name),
    );
    return ok({ total_count: runs.length, check_runs: page(runs.reverse(), query).map(checkRunData) });
  },

  [`POST ${repo}/pulls/{pull_number}/reviews`]: ({ world, identity, parameters, body }) => {
    demand(identity, "pull_requests", "write");
    const pull = pullOf(world, parameters);
    const text = checkedBody(body.body);
    if (body.event === "COMMENT" && text === "")
      throw new Refusal(422, "Unprocessable Entity: body is required");
    const comments = (body.comments ?? []) as CommentInput[];
    const commit = String(body.commit_id ?? pull.head.sha);
    // One bad line refuses the whole review, and GitHub does not say which.
    for (const comment of comments) checkComment(world, pull, commit, comment);
    const event = String(body.event ?? "PENDING");
    const review = { ...said(world, pull.number, identity, text, "PRR"), event, commit };
    world.reviews.push(review);
    for (const comment of comments) addComment(world, pull, identity, commit, comment, review.id);
    return ok(reviewData(review));
  },
  [`GET ${repo}/pulls/{pull_number}/reviews`]: ({ world, parameters, query }) => {
    const pull = pullOf(world, parameters);
    const reviews = world.reviews.filter((review) => review.pull === pull.number);
    return ok(page(reviews, query).map(reviewData));
  },
  [`GET ${repo}/pulls/{pull_number}/comments`]: ({ world, parameters, query }) =>
    ok(
      page(
        world.reviewComments.filter(({ pull }) => pull === Number(parameters.pull_number)),
        query,
      ).map(commentData),
    ),
  [`POST ${repo}/pulls/{pull_number}/comments`]: ({ world, identity, parameters, body }) => {
    demand(identity, "pull_requests", "write");
    const pull = pullOf(world, parameters);
    const comment = body as unknown as CommentInput;
    checkComment(world, pull, String(body.commit_id), comment);
    return {
      status: 201,
      data: commentData(addComment(world, pull, identity, String(body.commit_id), comment, null)),
    };
  },

  ...conversation,

  ...apps,
};

function pullOf(world: World, parameters: Readonly<Record<string, string>>): Pull {
  const pull = world.pulls.get(Number(parameters.pull_number));
  if (pull === undefined) throw new Refusal(404, "Not Found");
  return pull;
}

function checkRunOf(world: World, parameters: Readonly<Record<string, string>>): CheckRun {
  const run = world.checkRuns.find(({ id }) => id === Number(parameters.check_run_id));
  if (run === undefined) throw new Refusal(404, "Not Found");
  return run;
}

function updateCheckRun(run: CheckRun, body: Call["body"]): void {
  const { external_id, status, conclusion, details_url, output } = body;
  const {
    title,
    summary,
    text,
    annotations = [],
  } = (output ?? {}) as Partial<CheckRun["output"]> & {
    annotations?: CheckRun["annotations"];
  };
  for (const annotation of annotations) {
    const { start_line, end_line, start_column, end_column } = annotation;
    if (start_line < 1 || end_line < start_line) throw new Refusal(422, "Invalid request. Annotation lines");
    if (start_line !== end_line && (start_column !== undefined || end_column !== undefined)) {
      throw new Refusal(422, "Invalid request. start_column and end_column are only for one line");
    }
    if ((annotation.title ?? "").length > 255 || Buffer.byteLength(annotation.message) > 65_536) {
      throw new Refusal(422, "Invalid request. Annotation is too large");
    }
  }
  for (const part of [summary, text]) {
    if ((part ?? "").length > 65_535) throw new Refusal(422, "Only 65535 characters are allowed");
  }
  if (status === "completed" && conclusion === undefined) throw new Refusal(422, "conclusion is required");
  if (typeof external_id === "string") run.external_id = external_id;
  if (typeof details_url === "string") run.details_url = details_url;
  if (typeof status === "string") run.status = status;
  if (typeof conclusion === "string") {
    run.conclusion = conclusion;
    run.status = "completed";
  } else if (typeof status === "string" && status !== "completed") run.conclusion = null;
  run.output = {
    title: title ?? run.output.title,
    summary: summary ?? run.output.summary,
    text: text ?? run.output.text,
  };
  run.annotations.push(...annotations);
  if (Array.isArray(body.actions)) run.actions = body.actions as CheckRun["actions"];
}

function checkComment(world: World, pull: Pull, commit: string, comment: CommentInput): void {
  checkedBody(comment.body);
  const fault = lineFault(world, pull, commit, comment);
  if (fault !== null) throw new Refusal(422, `Unprocessable Entity: ${fault}`);
}

function addComment(
  world: World,
  pull: Pull,
  by: Identity,
  commit: string,
  comment: CommentInput,
  review: number | null,
): ReviewComment {
  const id = world.nextId();
  const added: ReviewComment = {
    id,
    nodeId: `PRRC_${id}`,
    pull: pull.number,
    review,
    by,
    path: comment.path,
    commit_id: commit,
    side: comment.side ?? "RIGHT",
    line: comment.line ?? 1,
    start_line: comment.start_line ?? null,
    inReplyTo: null,
    body: comment.body,
    minimized: null,
    edits: 0,
  };
  world.reviewComments.push(added);
  return added;
}

function fileData(file: ReturnType<typeof diffFiles>[number]): object {
  // Beyond 20,000 lines of diff in one response GitHub leaves the patch out and says zero; here it always does.
  return { ...file, additions: 0, deletions: 0, changes: 0 };
}

function commitData({ repository }: World, revision: string): object {
  const [sha = "", tree = "", parents = ""] = (
    tryGit(repository, "log", "-1", "--format=%H%n%T%n%P", revision) ?? ""
  )
    .toString()
    .split("\n");
  return {
    sha,
    commit: { tree: { sha: tree } },
    parents: parents
      .split(" ")
      .filter(Boolean)
      .map((parent) => ({ sha: parent })),
  };
}

function commitsOf(world: World, base: string, head: string, query: URLSearchParams): object[] {
  const log = tryGit(world.repository, "log", "-z", "--reverse", "--format=%H%n%B", `${base}..${head}`);
  const commits = (log ?? "").toString().split("\0").filter(Boolean);
  return page(commits, query).map((text) => {
    const [sha = "", ...message] = text.split("\n");
    return { ...commitData(world, sha), commit: { message: message.join("\n").trim(), tree: { sha } } };
  });
}

function repositoryData({ owner, name, repositoryId }: World): object {
  return {
    id: repositoryId,
    name,
    full_name: `${owner}/${name}`,
    owner: { login: owner, id: 1 },
    default_branch: "main",
  };
}

/** A pull request as the API and the payloads of events have it. */
export function pullData(world: World, pull: Pull): object {
  const { owner, ref, sha, repositoryId, repositoryExists } = pull.head;
  const from = tryGit(world.repository, "merge-base", pull.base.sha, sha)?.toString().trim() ?? pull.base.sha;
  const headRepository = {
    id: repositoryId,
    name: world.name,
    full_name: `${owner}/${world.name}`,
    owner: { login: owner },
  };
  return {
    number: pull.number,
    state: pull.state,
    title: pull.title,
    draft: pull.draft,
    user: userData(pull.author),
    changed_files: diffFiles(world.repository, from, sha).length,
    base: {
      label: `${world.owner}:${pull.base.ref}`,
      ref: pull.base.ref,
      sha: pull.base.sha,
      repo: repositoryData(world),
    },
    head: {
      label: `${owner}:${ref}`,
      ref,
      sha,
      repo: repositoryExists ? headRepository : null,
      user: { login: owner },
    },
  };
}

function checkRunData(run: CheckRun): object {
  return {
    id: run.id,
    name: run.name,
    head_sha: run.head_sha,
    external_id: run.external_id,
    status: run.status,
    conclusion: run.conclusion,
    details_url: run.details_url,
    started_at: run.started_at,
    output: { ...run.output, annotations_count: run.annotations.length },
    app: run.by.app,
    // As for each pull request from a fork.
    pull_requests: [],
  };
}

function reviewData({ id, by, body, commit }: World["reviews"][number]): object {
  return { id, user: userData(by), body, state: "COMMENTED", commit_id: commit };
}

function commentData(comment: ReviewComment): object {
  const { id, nodeId, by, path, commit_id, side, line, body } = comment;
  return { id, node_id: nodeId, user: userData(by), path, commit_id, side, line, body };
}
