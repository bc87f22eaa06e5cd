/** Answers commands where they were given: by a reaction, and by a comment where there is more to say. */
import type { GitHubApi } from "../change/github-api.ts";
import { type Answer, answersBody, hasAnswers } from "./answers.ts";
import { type Conversation, react, type Said, writeRemark } from "./conversation.ts";
import type { Outcome } from "./decide.ts";
import type { PullRequest } from "./published.ts";

/**
 * Answers. The reaction comes last: a command without one is answered again, and repeating an answer changes nothing.
 * @throws what the API throws
 */
export async function reply(
  api: GitHubApi,
  pull: PullRequest,
  { own, whole }: Conversation,
  outcomes: readonly Outcome[],
): Promise<void> {
  const answers = answersIn(outcomes);
  const known = own.find(({ body }) => hasAnswers(body));
  // If our comment cannot be found among thousands, a new one each time would be worse than none.
  if (answers.length > 0 && (known || whole)) {
    const body = answersBody(answers, known?.body ?? null);
    if (body.trim() !== known?.body.replaceAll("\r\n", "\n").trim())
      await writeRemark(api, pull, body, known);
  }
  const reactions = new Map(outcomes.map((each) => [`${each.said.nodeId} ${each.reaction}`, each]));
  for (const { said, reaction } of reactions.values()) await react(api, said, reaction);
}

/** One answer to each who asked, however many commands a comment has. */
function answersIn(outcomes: readonly Outcome[]): readonly Answer[] {
  const texts = new Map<Said, string[]>();
  for (const { said, text } of outcomes) {
    if (text !== null) texts.set(said, [...(texts.get(said) ?? []), text]);
  }
  return [...texts].map(([to, lines]) => ({ to, text: lines.join("\n\n") }));
}
