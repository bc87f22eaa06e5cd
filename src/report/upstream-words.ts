/** What upstream says of a changed pin, in one line for people: `v2.0 is 4f1c0de4f1c0, published 2026-03-01 by ada`. */
import { plural } from "./pins.ts";
import type { PinChange, PinChecksum, Review } from "./review.ts";

/** How a report shows text of others: a value as it is, and a sentence. */
export interface Escapes {
  value(text: string, limit: number): string;
  sentence(text: string, limit: number): string;
}

/** At most so many reasons are given for a pin. */
const MOST_REASONS = 3;

/** Null: nobody was asked about the pin. What could not be asked is always mentioned. */
export function upstreamWords({ before, after, upstream }: PinChange, escapes: Escapes): string | null {
  if (!upstream) return null;
  const { value, sentence } = escapes;
  const { project, commit, published, publisher, missing = [], withdrawn, checksum, unknown } = upstream;
  const name = after?.rev?.replace(/^refs\/(tags|heads)\//, "");
  const named = name && name !== commit ? `${value(name, 80)} is ` : "";
  const publication = [
    published && value(published.slice(0, 10), 10),
    publisher && `by ${value(publisher, 60)}`,
  ];
  const urls = [before, after].flatMap((side) => side?.urls ?? []);
  const parts = [
    ...(commit === null ? [] : [`${named}${value(commit.slice(0, 12), 12)}`]),
    ...(published || publisher ? [`published ${publication.filter(Boolean).join(" ")}`] : []),
    ...(project !== null && isRenamed(project, urls) ? [`now called ${value(project, 120)}`] : []),
    ...(missing.length === 0 ? [] : [`not there: ${sentence(missing.join(", "), 200)}`]),
    ...(withdrawn
      ? [`${withdrawn.kind}${withdrawn.reason ? `: ${sentence(withdrawn.reason, 200)}` : ""}`]
      : []),
    ...(checksum ? [checksumWords(checksum, escapes)] : []),
    ...unknown.slice(0, MOST_REASONS).map((reason) => `could not ask ${sentence(reason, 200)}`),
  ];
  return parts.join(", ") || "nothing of this version";
}

function checksumWords(checksum: PinChecksum, { value, sentence }: Escapes): string {
  switch (checksum.kind) {
    case "agrees":
      return "the registry has the same checksum";
    case "disagrees":
      return `the registry has another checksum: ${value(checksum.registry, 120)}`;
    case "not-comparable":
      return `the registry's checksum is not comparable: ${sentence(checksum.reason, 200)}`;
  }
}

/** Whether all URLs use another name for a forge's project (`github.com/acme/frob`). */
function isRenamed(project: string, urls: readonly string[]): boolean {
  const [host = ""] = project.split("/");
  const named = urls.map((url) => url.toLowerCase());
  return (
    named.some((url) => url.includes(`//${host}/`)) &&
    !named.some((url) => url.includes(project.toLowerCase()))
  );
}

/** Questions that have no answer, as `2 questions to upstream not answered`; null: none. */
export function unansweredWords({ provenance }: Review): string | null {
  const count = provenance?.unanswered.length ?? 0;
  return count === 0 ? null : `${plural(count, "question")} to upstream not answered`;
}
