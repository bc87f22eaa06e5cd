/** Turns the pins of a change into questions to upstream; pure functions. */
import type { Source } from "../nix/model.ts";
import { type Location, locationsOf } from "../origin/location.ts";
import { isMoving } from "../origin/refs.ts";
import { revisionOf } from "../origin/revision.ts";
import type { SourceChange } from "../pair/sources.ts";
import { type ReleaseQuestion, type RepositoryQuestion, releaseKey } from "./forge.ts";
import { type Hosted, hostedAt } from "./hosted.ts";

/** What one side of a pin comes from and upstream can be asked about. */
export type Subject =
  | ({
      readonly kind: "repository";
      /** A tag or branch. */
      readonly ref: string | null;
      /** A full commit id. */
      readonly commit: string | null;
      /** The file of the release `ref`. */
      readonly asset: string | null;
    } & Hosted)
  | { readonly kind: "file"; readonly url: string; readonly location: Location };

/** The same repository has the same key. */
export function repositoryKey({ software, host, owner, name, url }: Hosted): string {
  // Forges compare names without case; on other servers they are names of folders.
  return software === "git" ? url : `${software} ${host}/${owner}/${name}`.toLowerCase();
}

const COMMIT = /^[0-9a-f]{40}$/;
/** Longer texts are no names, and names with such dots would lead elsewhere: https://git-scm.com/docs/git-check-ref-format */
const NAME = /^(?!.*(?:^|\/)\.)(?!.*\.\.)[^\s\u0000-\u001f\u007f~^:?*[\\]{1,200}$/;

/** What a pin is about; null when the text does not say. */
export function subjectOf(source: Source): Subject | null {
  // Dependencies come with the source and have no place of their own.
  if (source.role === "dependencies") return null;
  const [location] = locationsOf(source);
  if (!location?.resolved || location.userinfo !== null || location.port !== null) return null;
  const place = hostedAt(source, location);
  if (place) {
    const revision = place.ref ?? revisionOf(source);
    const commit = revision !== null && COMMIT.test(revision) ? revision : null;
    const isName = revision !== null && commit === null && NAME.test(revision) && revision !== "latest";
    const ref = isName ? revision : null;
    const asset = place.isAsset && ref !== null ? (location.path.split("/").at(-1) ?? null) : null;
    return { kind: "repository", ...place.hosted, ref, commit, asset };
  }
  return location.scheme === "https" || location.scheme === "http" || location.scheme === "mirror"
    ? { kind: "file", url: location.text, location }
    : null;
}

/** The pins of both sides to ask about, sources first, since the budget may not last for all. */
export function askedPins(changes: readonly SourceChange[]): readonly Source[] {
  const rank = ({ role }: Source) => (role === "source" ? 0 : role === "patch" ? 1 : 2);
  const asked = changes.flatMap(({ before, after }) => (after ? [{ before, after }] : []));
  return asked
    .sort((a, b) => rank(a.after) - rank(b.after))
    .flatMap(({ before, after }) => (before ? [after, before] : [after]));
}

/** The pins with what they are about, in their order. */
export function subjectsOf(pins: readonly Source[]): ReadonlyMap<Source, Subject> {
  return new Map(
    pins.flatMap((source) => {
      const subject = subjectOf(source);
      return subject ? [[source, subject] as const] : [];
    }),
  );
}

type Repository = Extract<Subject, { kind: "repository" }>;

/**
 * One question for each repository. `isNew`: whether a pin is of the head, so that it matters whether its commit is the
 * repository's own, and who released it.
 */
export function repositoryQuestions(
  subjects: ReadonlyMap<Source, Subject>,
  isNew: (source: Source) => boolean,
): ReadonlyMap<string, RepositoryQuestion> {
  const byKey = new Map<string, Part[]>();
  for (const [of, subject] of subjects) {
    if (subject.kind !== "repository") continue;
    const key = repositoryKey(subject);
    const known = byKey.get(key);
    if (known) known.push({ of, subject });
    else byKey.set(key, [{ of, subject }]);
  }
  return new Map(
    [...byKey].flatMap(([key, [first, ...others]]) =>
      first ? [[key, questionOf(first, others, isNew)] as const] : [],
    ),
  );
}

interface Part {
  readonly of: Source;
  readonly subject: Repository;
}

function questionOf(
  first: Part,
  others: readonly Part[],
  isNew: (source: Source) => boolean,
): RepositoryQuestion {
  const refs = new Set<string>();
  const commits = new Map<string, boolean>();
  const releases = new Map<string, ReleaseQuestion>();
  for (const { of, subject } of [first, ...others]) {
    const { ref, commit, asset } = subject;
    if (commit !== null) commits.set(commit, (commits.get(commit) ?? false) || isNew(of));
    if (ref === null) continue;
    refs.add(ref);
    // Branches have no release.
    if (isMoving(ref) || !isNew(of)) continue;
    const release = { tag: ref, asset };
    releases.set(releaseKey(release), release);
  }
  const { software, host, owner, name, url, isPresumed } = first.subject;
  return {
    software,
    host,
    owner,
    name,
    url,
    ...(isPresumed && { isPresumed }),
    refs: [...refs],
    commits: [...commits].map(([id, reach]) => ({ id, reach })),
    releases: [...releases.values()],
  };
}
