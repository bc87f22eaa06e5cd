/** From events to jobs. Handlers only look at what the event says and queue: GitHub waits for no more than ten seconds. */
import type { Context, Probot } from "probot";
import * as z from "zod";
import { CHECK_NAME, parseMark } from "../github/published.ts";
import type { Place } from "./jobs.ts";
import { onComment, onPress, type Person } from "./on-comment.ts";
import { requestReview, type Services } from "./services.ts";

/** The events that are handled: `app.yml` subscribes to these, and to no other. */
export const HANDLED = [
  "pull_request.opened",
  "pull_request.synchronize",
  "pull_request.reopened",
  "pull_request.ready_for_review",
  "pull_request.edited",
  "issue_comment.created",
  "pull_request_review.submitted",
  "check_run.rerequested",
  "check_run.requested_action",
  "check_suite.rerequested",
  "merge_group.checks_requested",
] as const;
type Handled = (typeof HANDLED)[number];

type Handlers = { readonly [E in Handled]: (context: Context<E>) => Promise<void> };

/** Registers a handler for each event. */
export function handleEvents(app: Probot, services: Services): void {
  const pushed = (
    context: Context<"pull_request.opened" | "pull_request.synchronize" | "pull_request.reopened">,
  ) => lookAt(context.payload, "push");
  const lookAt = async (
    { installation, repository, pull_request: { number, head } }: PullPayload,
    reason: "push" | "edit",
  ): Promise<void> => {
    const place = placeOf({ installation, repository });
    if (place) await requestReview(services, { place, number, head: head.sha, reason });
  };

  const handlers: Handlers = {
    "pull_request.opened": pushed,
    "pull_request.synchronize": pushed,
    "pull_request.reopened": pushed,
    "pull_request.ready_for_review": ({ payload }) => lookAt(payload, "edit"),
    "pull_request.edited": async ({ payload }) => {
      if (payload.changes.base) await lookAt(payload, "edit");
    },

    "issue_comment.created": async ({ payload: { installation, repository, issue, comment } }) => {
      const place = placeOf({ installation, repository });
      if (!place || !issue.pull_request || issue.state !== "open") return;
      const by = personOf(comment.user);
      if (!by) return;
      const { id, node_id: nodeId, body } = comment;
      const pullAuthor = personOf(issue.user);
      await onComment(services, {
        place,
        number: issue.number,
        source: "comment",
        id,
        nodeId,
        body,
        by,
        pullAuthor,
      });
    },
    "pull_request_review.submitted": async ({
      payload: { installation, repository, pull_request: pull, review },
    }) => {
      const place = placeOf({ installation, repository });
      const by = personOf(review.user);
      if (!place || !by || pull.state !== "open" || !review.body) return;
      const { id, node_id: nodeId, body } = review;
      const pullAuthor = personOf(pull.user);
      await onComment(services, {
        place,
        number: pull.number,
        source: "review",
        id,
        nodeId,
        body,
        by,
        pullAuthor,
      });
    },

    "check_run.rerequested": async ({ payload }) => {
      const run = ownRun(payload, services);
      if (run) await requestReview(services, { ...run, reason: "recheck" });
    },
    "check_run.requested_action": async ({ payload }) => {
      const run = ownRun(payload, services);
      const by = personOf(payload.sender);
      if (!run || !by) return;
      await onPress(services, { ...run, identifier: payload.requested_action?.identifier ?? "", by });
    },
    "check_suite.rerequested": async ({ payload: { installation, repository, check_suite: suite } }) => {
      const place = placeOf({ installation, repository });
      if (!place || suite.app.id !== services.identity.id) return;
      for (const number of await pullsOf(services, place, suite.id)) {
        await requestReview(services, { place, number, head: suite.head_sha, reason: "recheck" });
      }
    },

    "merge_group.checks_requested": async ({ payload: { installation, repository, merge_group: group } }) => {
      const place = repository && placeOf({ installation, repository });
      if (!place) return;
      const number = pullOfBranch(group.head_ref);
      if (number === null) {
        services.log.warn(
          { ...place },
          "the branch of a merge group names no pull request: it gets no answer",
        );
        return;
      }
      await services.queue.add({
        kind: "group",
        ...place,
        number,
        head: group.head_sha,
        base: group.base_sha,
      });
    },
  };
  // The compiler knows that all of HANDLED are there, not which goes with which.
  for (const event of HANDLED) app.on(event, handlers[event] as (context: Context<Handled>) => Promise<void>);
}

interface PlacePayload {
  readonly installation?: { readonly id: number } | undefined;
  readonly repository: { readonly name: string; readonly owner: { readonly login: string } };
}

interface PullPayload extends PlacePayload {
  readonly pull_request: { readonly number: number; readonly head: { readonly sha: string } };
}

/** Null for an event that comes by no installation: there is no token for it. */
function placeOf({ installation, repository }: PlacePayload): Place | null {
  if (!installation) return null;
  return { installation: installation.id, owner: repository.owner.login, repo: repository.name };
}

function personOf(user: { id: number; login: string; type?: string } | null | undefined): Person | null {
  return user ? { id: user.id, login: user.login, type: user.type ?? "" } : null;
}

interface RunPayload extends PlacePayload {
  readonly check_run: {
    readonly name: string;
    readonly head_sha: string;
    readonly external_id: string;
    readonly app: { readonly id: number } | null;
  };
}

/** The pull request of one of our check runs: GitHub names none for those from forks. */
function ownRun(payload: RunPayload, { identity }: Services) {
  const place = placeOf(payload);
  const { name, head_sha: head, external_id: mark, app } = payload.check_run;
  const number = parseMark(mark ?? "")?.pull;
  if (!place || app?.id !== identity.id || name !== CHECK_NAME || number === undefined) return null;
  return { place, number, head };
}

const runsSchema = z.object({ check_runs: z.array(z.object({ external_id: z.string().nullable() })) });

/** The pull requests that the check runs of one of our suites are about. */
async function pullsOf(
  services: Services,
  { installation, owner, repo }: Place,
  suite: number,
): Promise<Set<number>> {
  const { data } = await services
    .api(installation)
    .request("GET /repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", {
      owner,
      repo,
      check_suite_id: suite,
      check_name: CHECK_NAME,
      per_page: 100,
    });
  const marks = runsSchema.parse(data).check_runs.map(({ external_id }) => parseMark(external_id ?? ""));
  return new Set(marks.flatMap((mark) => mark?.pull ?? []));
}

/** As `gh-readonly-queue/main/pr-123-<base>`; no documentation of GitHub's says so, all its queues do. */
function pullOfBranch(ref: string): number | null {
  const [, number] = /\/pr-(\d{1,10})-[0-9a-f]{40,64}$/.exec(ref) ?? [];
  return number === undefined ? null : Number(number);
}
