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

/** All that a review wants to know of one repository. Its parts are in the order of their weight: a budget may end. */
export interface RepositoryQuestion extends Hosted {
  /** Names of tags or branches. */
  readonly refs: readonly string[];
  /** Full commit ids; `reach`: whether it matters that a branch or tag leads to it. */
  readonly commits: readonly { readonly id: string; readonly reach: boolean }[];
  /** Releases by their tag, with the file that is fetched from it. */
  readonly releases: readonly { readonly tag: string; readonly asset: string | null }[];
}

/** The answers, by what was asked; what is not in a map was not asked. */
export interface RepositoryAnswers {
  readonly repository: Answer<RepositoryFacts>;
  readonly refs: ReadonlyMap<string, Answer<Omit<RefFacts, "moved">>>;
  readonly commits: ReadonlyMap<string, Answer<CommitFacts | null>>;
  /** By tag. */
  readonly releases: ReadonlyMap<string, Answer<ReleaseFacts | null>>;
}

/**
 * Answers questions in their order. Never throws for what a server does. What it did not or cannot say is unknown, with the
 * reason, or null where the fact's type says so: never a guess.
 */
export type Forge = (questions: readonly RepositoryQuestion[]) => Promise<readonly RepositoryAnswers[]>;

/** The same answer to each part of a question: that there is none. */
export function unanswered(question: RepositoryQuestion, answer: Answer<never>): RepositoryAnswers {
  return {
    repository: answer,
    refs: new Map(question.refs.map((ref) => [ref, answer])),
    commits: new Map(question.commits.map(({ id }) => [id, answer])),
    releases: new Map(question.releases.map(({ tag }) => [tag, answer])),
  };
}

/** The answers for a repository that is not there, or not shown; `owner`: whether its account is, null: not known. */
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
