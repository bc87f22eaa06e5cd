/** What upstream says of a changed pin, in its published form. */
import type { SourceChange } from "../pair/sources.ts";
import type { PinUpstream } from "../report/review.ts";
import { type PinFacts, told, type UpstreamFacts } from "./answers.ts";
import { type Subject, subjectOf } from "./questions.ts";
import { unknownOf } from "./unanswered.ts";

/** Null: nothing was asked of the pin, or it was removed. */
export function publishUpstream(
  { after }: SourceChange,
  { pins }: UpstreamFacts,
): Omit<PinUpstream, "compare"> | null {
  const facts = after && pins.get(after);
  const subject = after && subjectOf(after);
  if (!facts || !subject) return null;
  const missing = missingOf(subject, facts);
  return {
    project: projectOf(subject, facts),
    commit: commitOf(subject, facts),
    ...publicationOf(facts),
    ...(missing.length > 0 && { missing }),
    unknown: unknownOf(facts),
  };
}

function projectOf(subject: Subject, facts: PinFacts): string | null {
  const repository = told(facts.repository);
  if (subject.kind === "repository" && repository?.kind === "there")
    return `${subject.host}/${repository.fullName}`;
  const registry = told(facts.registry);
  return registry && `${registry.registry} ${registry.name}`;
}

function commitOf(subject: Subject, facts: PinFacts): string | null {
  const ref = told(facts.ref);
  if (ref) return ref.tag?.commit ?? ref.branch;
  return subject.kind === "repository" && told(facts.commit) ? subject.commit : null;
}

/** What the pin names and its repository, by its own word, does not have. */
function missingOf(subject: Subject, { repository, ref, commit, release }: PinFacts): readonly string[] {
  const found = told(ref);
  const lost: readonly (readonly [string, boolean])[] = [
    ["the repository", told(repository)?.kind === "gone"],
    ["the tag or branch", found !== null && found.tag === null && found.branch === null],
    ["the commit", commit?.known === true && commit.value === null],
    [
      "the file of the release",
      subject.kind === "repository" &&
        subject.asset !== null &&
        release?.known === true &&
        !release.value?.asset,
    ],
  ];
  return lost.flatMap(([what, isLost]) => (isLost ? [what] : []));
}

/** When and by whom the pinned version was published, by the best word that there is. */
function publicationOf(facts: PinFacts): Pick<PinUpstream, "published" | "publisher"> {
  const registry = told(facts.registry);
  if (registry) return { published: registry.published, publisher: registry.publisher };
  const release = told(facts.release);
  const date = release?.published ?? told(facts.ref)?.tag?.date ?? told(facts.commit)?.date ?? null;
  return { published: date, publisher: release?.asset?.uploader ?? release?.author ?? null };
}
