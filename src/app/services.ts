/** What the parts of the App share. */
import type { Logger } from "pino";
import type { GitHubApi } from "../change/github-api.ts";
import type { AppIdentity } from "./installations.ts";
import { type JobQueue, type Place, type Reason, UNKNOWN_HEAD } from "./jobs.ts";

export interface Services {
  readonly identity: AppIdentity;
  /** The client of an installation. */
  api(installation: number): GitHubApi;
  readonly queue: JobQueue;
  readonly log: Logger;
}

export interface ReviewRequest {
  readonly place: Place;
  readonly number: number;
  /** Null: the event names none. */
  readonly head: string | null;
  readonly reason: Reason;
}

/** Asks for a review of a pull request; it is done soon, and shows in the check run. */
export async function requestReview(
  { queue }: Pick<Services, "queue">,
  { place, number, head, reason }: ReviewRequest,
): Promise<void> {
  await queue.add({ kind: "pull", ...place, number, head: head ?? UNKNOWN_HEAD, reason });
}
