/** What a job does about what people ask: it reads what nobody has answered, and answers when the head is reviewed. */
import type { GitHubApi } from "../change/github-api.ts";
import type { Config } from "../config.ts";
import { type Acknowledged, readAcknowledgements } from "../github/acknowledgements.ts";
import { type Conversation, readConversation } from "../github/conversation.ts";
import { decide, hear, type Outcome, type Press, type Setting, unanswered } from "../github/decide.ts";
import { untilAnswered } from "../github/publish.ts";
import type { Published } from "../github/published.ts";
import { reply } from "../github/reply.ts";
import { subsystemsOf } from "../owners/subsystems.ts";
import type { Review } from "../report/review.ts";

export interface Commands {
  /** Somebody who may wants the head reviewed again, even where nothing has changed. */
  readonly again: boolean;
  /** Something can only be answered with the findings of the head. */
  readonly needFindings: boolean;
  /** What is acknowledged of a review's findings, with what is asked now. */
  acknowledged(review: Review, config: Config): Promise<Acknowledged>;
  /** Answers everybody; to be called when the check run shows the result. */
  reply(): Promise<void>;
}

export interface CommandOptions extends Omit<Setting, "author"> {
  readonly published: Published;
  /** Buttons that somebody pressed. */
  readonly presses: readonly Press[];
  /** False: there is nothing that asks; what was acknowledged before stands all the same. */
  readonly listen: boolean;
  readonly pace?: number | undefined;
}

/**
 * What is asked on a pull request. Nothing is written here.
 * @throws VerifodError (outside) when GitHub does not answer
 */
export async function openCommands(options: CommandOptions): Promise<Commands> {
  const { api, pull, handle, published, presses, listen, pace } = options;
  const { checks } = published;
  const conversation =
    listen || presses.length > 0 ? await untilAnswered(pace, () => readConversation(api, pull)) : null;
  const setting = { ...options, author: conversation?.author ?? null };
  const heard = conversation === null ? null : await hear(setting, unanswered(conversation, handle), checks);
  const outcomes: Outcome[] = [...(heard?.outcomes ?? [])];
  return {
    again: heard?.again ?? false,
    needFindings: (heard?.open.length ?? 0) + presses.length > 0,
    async acknowledged(review, config) {
      const given = await untilAnswered(pace, () => readAcknowledgements(api, pull, checks));
      const decided = await decide(
        setting,
        { open: heard?.open ?? [], presses },
        review,
        given,
        subsystemsOf(config),
      );
      outcomes.push(...decided.outcomes);
      return decided.acknowledged;
    },
    async reply() {
      if (conversation === null || outcomes.length === 0) return;
      await answer(api, options, conversation, outcomes);
    },
  };
}

/** With the conversation as it was read; after a failure, as it is by now. */
function answer(
  api: GitHubApi,
  { pull, pace }: CommandOptions,
  conversation: Conversation,
  outcomes: readonly Outcome[],
): Promise<void> {
  return untilAnswered(pace, async (attempt) =>
    reply(api, pull, attempt === 1 ? conversation : await readConversation(api, pull), outcomes),
  );
}
