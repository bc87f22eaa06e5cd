/** What upstream says of a changed pin, in its published form. */
import type { Source } from "../nix/model.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { PinUpstream } from "../report/review.ts";
import { isGone, type PinFacts, type RegistryFacts, told, type UpstreamFacts } from "./answers.ts";
import { compareChecksum } from "./checksum.ts";
import { type Subject, subjectOf } from "./questions.ts";
import { unknownOf } from "./unanswered.ts";

/** Null: nothing was asked about the pin, or it was removed. */
export function publishUpstream(
  { after }: SourceChange,
  { pins }: UpstreamFacts,
): Omit<PinUpstream, "compare"> | null {
  const facts = after && pins.get(after);
  if (!facts) return null;
  const subject = subjectOf(after);
  const missing = missingOf(subject, facts);
  // That a host has something at the address says nothing of what it is.
  const { host, ...others } = facts;
  const isHostAlone = host?.known === true && Object.values(others).every((answer) => answer === null);
  if (isHostAlone && missing.length === 0) return null;
  return {
    project: projectOf(subject, facts),
    commit: commitOf(subject, facts),
    ...publicationOf(facts),
    ...(missing.length > 0 && { missing }),
    ...registryOf(after, told(facts.registry)),
    unknown: unknownOf(facts),
  };
}

/** The parts that only registries tell. */
function registryOf(
  source: Source,
  facts: RegistryFacts | null,
): Pick<PinUpstream, "checksum" | "withdrawn"> {
  return facts === null
    ? {}
    : {
        checksum: compareChecksum(source, facts),
        ...(facts.withdrawn !== null && { withdrawn: facts.withdrawn }),
      };
}

function projectOf(subject: Subject | null, facts: PinFacts): string | null {
  const repository = told(facts.repository);
  if (subject?.kind === "repository" && repository?.kind === "there")
    return `${subject.host}/${repository.fullName}`;
  const registry = told(facts.registry);
  return registry && `${registry.registry} ${registry.name}`;
}

function commitOf(subject: Subject | null, facts: PinFacts): string | null {
  const ref = told(facts.ref);
  if (ref) return ref.tag?.commit ?? ref.branch;
  return subject?.kind === "repository" && told(facts.commit) ? subject.commit : null;
}

/** What the pin names and its repository or registry says that it does not have. */
function missingOf(subject: Subject | null, facts: PinFacts): readonly string[] {
  const { repository, ref, commit, release, registry, host } = facts;
  const found = told(ref);
  const lost: readonly (readonly [string, boolean])[] = [
    ["the repository", told(repository)?.kind === "gone"],
    ["the tag or branch", found !== null && found.tag === null && found.branch === null],
    ["the commit", commit?.known === true && commit.value === null],
    [
      "the file of the release",
      subject?.kind === "repository" &&
        subject.asset !== null &&
        release?.known === true &&
        !release.value?.asset,
    ],
    ["the version in the registry", registry?.known === true && registry.value === null],
    ["the file of the version", told(registry)?.hasFile === false],
    ["the host", told(host)?.kind === "unresolvable"],
    ["the file at its address", isGone(told(host))],
  ];
  return lost.flatMap(([what, isLost]) => (isLost ? [what] : []));
}

/** When and by whom the pinned version was published, by the best source that there is. */
function publicationOf(facts: PinFacts): Pick<PinUpstream, "published" | "publisher"> {
  const registry = told(facts.registry);
  if (registry) return { published: registry.published, publisher: registry.publisher };
  const release = told(facts.release);
  const date = release?.published ?? told(facts.ref)?.tag?.date ?? told(facts.commit)?.date ?? null;
  return { published: date, publisher: release?.asset?.uploader ?? release?.author ?? null };
}
