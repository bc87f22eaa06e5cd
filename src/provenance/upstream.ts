/** Asks upstream what it says of the pins of a change: forges, registries and hosts, within one budget. */
import type { Source } from "../nix/model.ts";
import type { ForgeKind } from "../origin/forges.ts";
import type { SourceChange } from "../pair/sources.ts";
import {
  type Answer,
  known,
  NOTHING,
  type PinFacts,
  type RefFacts,
  type UpstreamFacts,
  unknown,
} from "./answers.ts";
import type { Budget } from "./budget.ts";
import type { Forge, RepositoryAnswers, RepositoryQuestion } from "./forge.ts";
import type { SoftwareOf } from "./hosted.ts";
import { repositoryKey, repositoryQuestions, type Subject, subjectsOf } from "./questions.ts";

/** Upstream, as a review asks it. */
export interface Upstream {
  ask(changes: readonly SourceChange[]): Promise<UpstreamFacts>;
}

export interface UpstreamOptions {
  readonly budget: Budget;
  /** The forge at a host that runs this software; null: it is not asked. */
  readonly forgeAt: (host: string, software: ForgeKind) => Forge | null;
  /** The software of forges that their name does not tell. */
  readonly softwareOf?: SoftwareOf;
  /** When it is asked, ISO 8601. */
  readonly now: string;
}

export function createUpstream({ budget, forgeAt, softwareOf, now }: UpstreamOptions): Upstream {
  return {
    async ask(changes) {
      const subjects = subjectsOf(changes, softwareOf);
      const added = new Set(changes.map(({ after }) => after));
      const repositories = await askForges(subjects, (source) => added.has(source), forgeAt);
      const pins = new Map<Source, PinFacts>();
      for (const [source, subject] of subjects) {
        const facts = factsOf(subject, repositories);
        if (facts) pins.set(source, facts);
      }
      return { now, pins, requests: budget.used() };
    },
  };
}

/** The answers of all forges, by the key of the repository. Forges are asked side by side. */
async function askForges(
  subjects: ReadonlyMap<Source, Subject>,
  isNew: (source: Source) => boolean,
  forgeAt: UpstreamOptions["forgeAt"],
): Promise<ReadonlyMap<string, RepositoryAnswers>> {
  const byForge = new Map<string, [string, RepositoryQuestion][]>();
  for (const [key, question] of repositoryQuestions(subjects, isNew)) {
    const forge = `${question.software} ${question.host}`;
    byForge.set(forge, [...(byForge.get(forge) ?? []), [key, question]]);
  }
  const answers = new Map<string, RepositoryAnswers>();
  const ask = async (questions: readonly [string, RepositoryQuestion][]) => {
    const [first] = questions;
    const forge = first && forgeAt(first[1].host, first[1].software);
    const given = await forge?.(questions.map(([, question]) => question));
    for (const [index, [key]] of questions.entries()) {
      const answer = given?.[index];
      if (answer) answers.set(key, answer);
    }
  };
  await Promise.all([...byForge.values()].map(ask));
  return answers;
}

function factsOf(subject: Subject, repositories: ReadonlyMap<string, RepositoryAnswers>): PinFacts | null {
  switch (subject.kind) {
    case "repository": {
      const answers = repositories.get(repositoryKey(subject));
      if (!answers) return null;
      const { ref, commit } = subject;
      return {
        ...NOTHING,
        repository: answers.repository,
        ref: ref === null ? null : refFacts(answers.refs.get(ref)),
        commit: commit === null ? null : (answers.commits.get(commit) ?? null),
        release: ref === null ? null : (answers.releases.get(ref) ?? null),
      };
    }
    case "file":
      return null;
  }
}

function refFacts(answer: Answer<Omit<RefFacts, "moved">> | undefined): Answer<RefFacts> | null {
  if (!answer) return null;
  return answer.known ? known({ ...answer.value, moved: null }) : unknown(answer.reason);
}
