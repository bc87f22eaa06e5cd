/** The one interface behind which forges are asked. */
import {
  type Answer,
  type CommitFacts,
  known,
  type RefFacts,
  type ReleaseFacts,
  type RepositoryFacts,
  unknown,
} from "./answers.ts";
import type { Hosted } from "./hosted.ts";

/** All that a review wants to know of one repository, the most important first, since the budget may end. */
export interface RepositoryQuestion extends Hosted {
  /** Names of tags or branches. */
  readonly refs: readonly string[];
  /** Full commit ids; `reach`: whether it matters that a branch or tag leads to it. */
  readonly commits: readonly { readonly id: string; readonly reach: boolean }[];
  readonly releases: readonly ReleaseQuestion[];
}

/** A release by its tag, with a file that is fetched from it; of several files, each is asked for. */
export interface ReleaseQuestion {
  readonly tag: string;
  readonly asset: string | null;
}

/** What the answer to a question for a release is found by. */
export function releaseKey({ tag, asset }: ReleaseQuestion): string {
  return asset === null ? tag : `${tag}\0${asset}`;
}

/** The answers, by what was asked; what is not in a map was not asked. */
export interface RepositoryAnswers {
  readonly repository: Answer<RepositoryFacts>;
  readonly refs: ReadonlyMap<string, Answer<Omit<RefFacts, "moved">>>;
  readonly commits: ReadonlyMap<string, Answer<CommitFacts | null>>;
  /** By `releaseKey`. */
  readonly releases: ReadonlyMap<string, Answer<ReleaseFacts | null>>;
}

/**
 * Answers questions in their order, and never throws for what a server does. What the server did not or cannot say is
 * unknown, with the reason, or null where the fact's type says so; nothing is guessed.
 */
export type Forge = (questions: readonly RepositoryQuestion[]) => Promise<readonly RepositoryAnswers[]>;

/** The answers where nothing was answered: `answer`, with the reason, for each part of the question. */
export function unanswered(question: RepositoryQuestion, answer: Answer<never>): RepositoryAnswers {
  return {
    repository: answer,
    refs: new Map(question.refs.map((ref) => [ref, answer])),
    commits: new Map(question.commits.map(({ id }) => [id, answer])),
    releases: new Map(question.releases.map((each) => [releaseKey(each), answer])),
  };
}

/** The answers for a repository that does not exist or is not shown; `owner`: whether its account exists, null: not known. */
export function gone(question: RepositoryQuestion, owner: boolean | null = null): RepositoryAnswers {
  return {
    ...unanswered(question, unknown("the repository is not there")),
    repository: known({ kind: "gone", owner }),
  };
}

/** The name of a tag or branch without `refs/…/`, and which of the two it may be. */
export function readRef(ref: string): {
  readonly name: string;
  readonly isTag: boolean;
  readonly isBranch: boolean;
} {
  const name = ref.replace(/^refs\/(heads|tags)\//, "");
  return { name, isTag: !ref.startsWith("refs/heads/"), isBranch: !ref.startsWith("refs/tags/") };
}
