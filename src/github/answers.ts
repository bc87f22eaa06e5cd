/** The comment that answers commands: one per pull request, which is edited, so that asking often does not add comments. */
import * as z from "zod";
import { code } from "../report/markdown-escape.ts";
import { encodeState, parseState } from "./comment-state.ts";
import type { Said } from "./conversation.ts";

const KIND = "answers";
const MOST_ANSWERS = 5;
const LONGEST_ANSWER = 3_000;

const answersSchema = z
  .array(
    z.strictObject({
      /** The id of the comment that it answers. */
      to: z.string().max(200),
      login: z.string().max(100),
      url: z.url({ protocol: /^https?$/ }).max(300),
      text: z.string().max(LONGEST_ANSWER),
    }),
  )
  .max(MOST_ANSWERS);

/** An answer. `text`: Markdown of ours. */
export interface Answer {
  readonly to: Pick<Said, "nodeId" | "by" | "url">;
  readonly text: string;
}

/** Whether a comment of ours is the one with answers. */
export function hasAnswers(body: string): boolean {
  return parseState(KIND, answersSchema, body) !== null;
}

/** The comment's text with `answers` added before its others; `body` null: there is none yet. The same answers add nothing. */
export function answersBody(answers: readonly Answer[], body: string | null): string {
  const before = body === null ? [] : (parseState(KIND, answersSchema, body) ?? []);
  const fresh = answers.map(({ to, text }) => ({
    to: to.nodeId,
    login: to.by.login,
    url: to.url,
    text: text.slice(0, LONGEST_ANSWER),
  }));
  const known = new Set(fresh.map(({ to }) => to));
  const all = [...fresh.reverse(), ...before.filter(({ to }) => !known.has(to))].slice(0, MOST_ANSWERS);
  const parts = all.map(({ login, url, text }) => `To [what ${code(login, 100)} asked](${url}):\n\n${text}`);
  return `${encodeState(KIND, all)}\n\n${parts.join("\n\n---\n\n")}\n`;
}
