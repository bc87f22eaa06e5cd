/** Asks upstream what it says of the pins of a change: forges, registries and hosts, within one budget. */
import type { Source } from "../nix/model.ts";
import type { ForgeKind } from "../origin/forges.ts";
import type { SourceChange } from "../pair/sources.ts";
import {
  type Answer,
  type HostFacts,
  known,
  NOTHING,
  type PinFacts,
  type RefFacts,
  type RegistryFacts,
  told,
  type UpstreamFacts,
  unknown,
} from "./answers.ts";
import type { Budget } from "./budget.ts";
import { type Forge, type RepositoryAnswers, type RepositoryQuestion, releaseKey } from "./forge.ts";
import { type Hosts, plainUrlOf } from "./hosts.ts";
import { createMemory, type UpstreamMemory } from "./memory.ts";
import { askedPins, repositoryKey, repositoryQuestions, type Subject, subjectsOf } from "./questions.ts";
import type { Registries } from "./registries/open.ts";
import { packageFileOf } from "./registries/packages.ts";

/** Upstream, as a review asks it. */
export interface Upstream {
  ask(changes: readonly SourceChange[]): Promise<UpstreamFacts>;
}

export interface UpstreamOptions {
  readonly budget: Budget;
  /** The forge at a host that runs this software; null: it is not asked. */
  readonly forgeAt: (host: string, software: ForgeKind) => Forge | null;
  /** Package registries; null: they are not asked. */
  readonly registries: Registries | null;
  /** All other hosts; by default they are not asked. */
  readonly hosts?: Hosts;
  /** When it is asked, ISO 8601. */
  readonly now: string;
  /** What was learnt before; by default nothing. */
  readonly memory?: UpstreamMemory;
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { budget, forgeAt, registries, hosts, now, memory = createMemory() } = options;
  const moved: Moved = (repository, tag, commit) => memory.tagIs(repository, tag, commit, now);
  return {
    async ask(changes) {
      const asked = askedPins(changes);
      const subjects = subjectsOf(asked);
      const added = new Set(changes.map(({ after }) => after));
      const isNew = (source: Source) => added.has(source);
      const [repositories, versions, places] = await Promise.all([
        askForges(subjects, isNew, forgeAt),
        registries === null ? new Map() : askRegistries(asked, registries),
        hosts === undefined ? new Map() : askHosts(subjects, isNew, hosts),
      ]);
      const pins = new Map<Source, PinFacts>();
      for (const source of asked) {
        const subject = subjects.get(source);
        const facts = subject ? factsOf(subject, repositories, moved) : null;
        const registry = versions.get(source) ?? null;
        const host = places.get(source) ?? null;
        if (facts || registry || host) pins.set(source, { ...(facts ?? NOTHING), registry, host });
      }
      return { now, pins, requests: budget.used() + (registries?.used() ?? 0) + (hosts?.used() ?? 0) };
    },
  };
}

/** The answers of all registries, by the pin. */
async function askRegistries(
  pins: readonly Source[],
  registries: Registries,
): Promise<ReadonlyMap<Source, Answer<RegistryFacts | null>>> {
  const answers = new Map<Source, Answer<RegistryFacts | null>>();
  const ask = async (source: Source) => {
    const file = packageFileOf(source);
    if (file) answers.set(source, await registries.ask(file));
  };
  await Promise.all(pins.map(ask));
  return answers;
}

/** The answers of all other hosts, by pin; only for the head, since the base's address is left behind or the same. */
async function askHosts(
  subjects: ReadonlyMap<Source, Subject>,
  isNew: (source: Source) => boolean,
  hosts: Hosts,
): Promise<ReadonlyMap<Source, Answer<HostFacts>>> {
  const answers = new Map<Source, Answer<HostFacts>>();
  const ask = async ([source, subject]: readonly [Source, Subject]) => {
    const url = isNew(source) ? plainUrlOf(subject) : null;
    if (url !== null) answers.set(source, await hosts.ask(url));
  };
  await Promise.all([...subjects].map(ask));
  return answers;
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

type Moved = (repository: string, tag: string, commit: string) => RefFacts["moved"];

function factsOf(
  subject: Subject,
  repositories: ReadonlyMap<string, RepositoryAnswers>,
  moved: Moved,
): PinFacts | null {
  switch (subject.kind) {
    case "repository": {
      const answers = repositories.get(repositoryKey(subject));
      if (!answers) return null;
      const { host, ref, commit, asset } = subject;
      const there = told(answers.repository);
      const name = there?.kind === "there" ? `${host}/${there.fullName}` : repositoryKey(subject);
      return {
        ...NOTHING,
        repository: answers.repository,
        ref: ref === null ? null : refFacts(answers.refs.get(ref), (tag) => moved(name, ref, tag)),
        commit: commit === null ? null : (answers.commits.get(commit) ?? null),
        release: ref === null ? null : (answers.releases.get(releaseKey({ tag: ref, asset })) ?? null),
      };
    }
    case "file":
      return null;
  }
}

function refFacts(
  answer: Answer<Omit<RefFacts, "moved">> | undefined,
  moved: (commit: string) => RefFacts["moved"],
): Answer<RefFacts> | null {
  if (!answer) return null;
  if (!answer.known) return unknown(answer.reason);
  const { tag } = answer.value;
  return known({ ...answer.value, moved: tag && moved(tag.commit) });
}
