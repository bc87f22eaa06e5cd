import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import { revisionOf } from "../origin/revision.ts";
import { type CommitFacts, told } from "../provenance/answers.ts";
import type { Severity } from "../report/review.ts";
import { headAt, pinName, placeName } from "./_pins.ts";
import type { Facts, Rule, RuleFinding, Undecided } from "./rule.ts";

/**
 * A commit that no branch or tag of the named repository leads to. GitHub keeps a repository and its forks in one pool, and
 * serves a fork's commit under the repository's own name: the location says acme, the code is anybody's, the hash matches.
 * Other forges keep forks apart, but they serve what anybody's merge request brought.
 */
export const rule: Rule = {
  id: "impostor-commit",
  threat: "A25",
  description: "A commit is fetched that no branch or tag of the named repository leads to",
  severity: "block",
  check,
  undecided,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { source, commit, id } of commitsOf(facts)) {
    if (commit.reach.kind !== "unreachable") continue;
    const pull = commit.pulls?.find(({ state }) => state === "merged") ?? commit.pulls?.[0];
    yield {
      severity: severityOf(source, pull?.state ?? null),
      confidence: "high",
      title: `${pinName(source)}: no branch or tag of the repository leads to the commit`,
      message: [
        `${placeName(source)} is served, but none of the repository's ${commit.reach.refs === null ? "" : `${commit.reach.refs} `}branches and tags leads to ${id.slice(0, 12)}.`,
        pull
          ? `It is a commit of its ${pull.state} pull request ${pull.number}, which anybody can open.`
          : isPooled(source)
            ? "GitHub serves the commits of all forks under the name of each repository: this one may be anybody's, and no pull request brought it."
            : "The forge also serves what anybody's merge request brought, and what was taken off its branch again.",
        "A commit that a branch or tag leads to clears it. The author that a commit names proves nothing.",
        "To check: git clone the repository, then git branch --all --contains and git tag --contains the commit.",
      ].join(" "),
      at: headAt(source.urlSpan ?? source.span),
      before: null,
      after: placeName(source),
      evidence: ["static", "forge"],
      related: [],
      identity: [source.pname ?? source.binding, id],
    };
  }
}

function severityOf(source: Source, pull: "open" | "closed" | "merged" | null): Severity {
  if (pull === null) return isPooled(source) ? "block" : "high";
  // Patches are taken out of pull requests on purpose, and are read as part of a review.
  if (source.role === "patch") return pull === "merged" ? "low" : "medium";
  return pull === "merged" ? "medium" : "high";
}

function* undecided(facts: Facts): Iterable<Undecided> {
  for (const { before, after } of facts.sources) {
    const answer = after && facts.upstream?.pins.get(after)?.commit;
    if (!after || !answer || !isPooled(after)) continue;
    // The base has the same commit, so this change did not bring it.
    if (before && isSame(before, after)) continue;
    const reason = !answer.known
      ? answer.reason
      : answer.value?.reach.kind === "undecided"
        ? answer.value.reach.reason
        : null;
    if (reason === null) continue;
    yield {
      undecided: `whether ${placeName(after)} is a commit of that repository or of a fork: ${reason}`,
      at: headAt(after.urlSpan ?? after.span),
    };
  }
}

/** New commits of the head that are there, as far as known. */
function* commitsOf({ sources, upstream }: Facts): Iterable<{
  readonly source: Source;
  readonly commit: CommitFacts;
  readonly id: string;
}> {
  for (const { before, after: source } of sources) {
    const commit = source && told(upstream?.pins.get(source)?.commit ?? null);
    const id = source && shaOf(source);
    if (!source || !commit || !id || (before && isSame(before, source))) continue;
    yield { source, commit, id };
  }
}

/** Only GitHub is known to serve the objects of forks under the name of a repository. */
function isPooled(source: Source): boolean {
  return locationsOf(source)[0]?.owner?.repository?.forge === "github.com";
}

function shaOf(source: Source): string | null {
  const ref = revisionOf(source);
  return ref !== null && /^[0-9a-f]{40}$/.test(ref) ? ref : null;
}

/** Whether both sides name the same commit of the same repository. */
function isSame(before: Source, after: Source): boolean {
  const ownerOf = (source: Source) => locationsOf(source)[0]?.owner?.id;
  return shaOf(before) === shaOf(after) && ownerOf(before) === ownerOf(after);
}
