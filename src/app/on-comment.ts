/** What people ask of the App: in comments, in reviews, and with the buttons of a check run. */
import { readCommands } from "../github/commands.ts";
import type { CheckAction } from "../github/plan.ts";
import type { Finding } from "../report/review.ts";
import type { Place } from "./jobs.ts";
import { requestReview, type Services } from "./services.ts";

/** An account, as an event names it. */
export interface Person {
  readonly id: number;
  readonly login: string;
  /** `User`, `Bot`, … */
  readonly type: string;
}

/** A new comment on an open pull request, or the text of a review of one. */
export interface Comment {
  readonly place: Place;
  readonly number: number;
  readonly source: "comment" | "review";
  readonly id: number;
  readonly nodeId: string;
  readonly body: string;
  readonly by: Person;
  readonly pullAuthor: Person | null;
}

/** The buttons of a completed check run. */
export function buttonsFor(open: readonly Finding[]): readonly CheckAction[] {
  const [only, ...others] = open;
  const recheck = { label: "Recheck", description: "Review this head again", identifier: "recheck" };
  // With several, one click would acknowledge what nobody has looked at.
  if (only === undefined || others.length > 0) return [recheck];
  const identifier = `acknowledge-${only.fingerprint.slice(0, 8)}`;
  return [
    recheck,
    { label: "Acknowledge", description: "The one finding that fails this check", identifier },
  ];
}

/** Has a job look at what a comment asks for. The event only says that there is something: what counts is what GitHub has. */
export async function onComment(services: Services, { place, number, body, by }: Comment): Promise<void> {
  if (by.type !== "User" || readCommands(body, services.identity.slug).length === 0) return;
  await requestReview(services, { place, number, head: null, reason: "comment" });
}

/** A button of one of our check runs that somebody pressed. GitHub shows them to those with write access only. */
export interface Press {
  readonly place: Place;
  readonly number: number;
  /** The head that the check run is of. */
  readonly head: string;
  readonly identifier: string;
  readonly by: Person;
}

/** Has a job do what a button stands for. */
export async function onPress(
  services: Services,
  { place, number, head, identifier, by: { id, login } }: Press,
): Promise<void> {
  if (identifier === "recheck") await requestReview(services, { place, number, head, reason: "recheck" });
  const finding = /^acknowledge-([0-9a-f]{8})$/.exec(identifier)?.[1];
  if (finding === undefined) return;
  const presses = [{ by: { id, login }, finding, head }];
  await services.queue.add({ kind: "pull", ...place, number, head, reason: "comment", presses });
}
