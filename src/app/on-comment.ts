/** What people ask of the App: in comments, in reviews, and with the buttons of a check run. */
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

/** Does what a comment asks for, if its author may ask for it. */
export async function onComment(services: Services, comment: Comment): Promise<void> {
  const { place, number, body, by, pullAuthor } = comment;
  if (by.type !== "User" || by.id !== pullAuthor?.id) return;
  const asked = body.split(/\r?\n/).some((line) => line.trim() === `@${services.identity.slug} recheck`);
  if (asked) await requestReview(services, { place, number, head: null, reason: "recheck" });
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

export async function onPress(services: Services, { place, number, head, identifier }: Press): Promise<void> {
  if (identifier === "recheck") await requestReview(services, { place, number, head, reason: "recheck" });
}
