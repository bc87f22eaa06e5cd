import type { Source } from "../nix/model.ts";
import { locationsOf } from "../origin/location.ts";
import { isMoving } from "../origin/refs.ts";
import { revisionOf } from "../origin/revision.ts";
import type { SourceChange } from "../pair/sources.ts";
import { type RefFacts, told } from "../provenance/answers.ts";
import type { Confidence, Severity } from "../report/review.ts";
import { eventOf } from "./_events.ts";
import { checkCommand, headAt, pinName, placeName, shown } from "./_pins.ts";
import { isSameOwner } from "./_repositories.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/**
 * The location names a branch, "latest" or a shortened commit: what it yields changes, and nobody can check it again. Or it
 * names a tag that is not the commit that it was.
 */
export const rule: Rule = {
  id: "moved-or-mutable-ref",
  threat: "A15",
  description: "A source is fetched from a branch, a latest release, a shortened commit or a tag that moved",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const change of facts.sources) {
    const { before, after } = change;
    // Patches are reported by `mutable-patch-url`.
    if (!after || after.role === "patch" || after.role === "dependencies") continue;
    const ref = told(facts.upstream?.pins.get(after)?.ref ?? null);
    const read = mutableRef(after);
    if (read !== null) {
      if (before && mutableRef(before) !== null) continue;
      yield found(change, after, ref === null ? readOf(read, after) : seenOf(read, ref, after));
    } else if (ref !== null && !isHashAlone(change)) {
      const odd = oddOf(before, after, ref);
      if (odd) yield found(change, after, odd);
    }
  }
}

/** Whether `hash-changed-alone` reports the pin: then it covers a tag that moved, too. */
function isHashAlone(change: SourceChange): boolean {
  return change.before !== null && change.after !== null && eventOf(change) === "hash-alone";
}

interface Judgement {
  readonly name: string;
  readonly what: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly why: readonly string[];
  readonly evidence: RuleFinding["evidence"];
}

function found({ before }: SourceChange, after: Source, judgement: Judgement): RuleFinding {
  const { name, what, severity, confidence, why, evidence } = judgement;
  return {
    severity,
    confidence,
    title: `${pinName(after)}: ${what}`,
    message: [
      `${placeName(after)} names ${shown(name)}, ${what}.`,
      ...why,
      `To see what it yields now: ${checkCommand(after)}`,
    ].join(" "),
    at: headAt(after.urlSpan ?? after.span),
    before: before ? placeName(before) : null,
    after: placeName(after),
    evidence,
    related: [],
    identity: [after.pname ?? after.binding, name],
  };
}

const MUTABLE = [
  "What is there can change after the review, so nobody can check later that the hash is what was published.",
  "A tag or the full commit id clears it.",
];

function readOf({ name, what, sure }: Mutable, { role }: Source): Judgement {
  return {
    name,
    what,
    // Entries of lists that programs write repeat what upstream names; nobody chose it here.
    severity: role === "source" ? "medium" : "low",
    confidence: sure ? "high" : "medium",
    why: MUTABLE,
    evidence: ["static"],
  };
}

/** The judgement on a name that looks like one that moves, with what the forge says of it. */
function seenOf(read: Mutable, { tag, branch }: RefFacts, after: Source): Judgement {
  if (tag === null || branch !== null) return { ...readOf(read, after), evidence: ["static", "forge"] };
  return {
    ...readOf(read, after),
    severity: "low",
    why: [
      `The forge says that it is a tag, at ${shortId(tag.commit)}; one of that name is made to move.`,
      ...MUTABLE,
    ],
    evidence: ["static", "forge"],
  };
}

/** What the forge says against a name that looks like a tag; null: nothing. */
function oddOf(before: Source | null, after: Source, { tag, branch, moved }: RefFacts): Judgement | null {
  const name = revisionOf(after) ?? "";
  const common = { name, severity: "medium", confidence: "high", evidence: ["static", "forge"] } as const;
  const isSameName = before !== null && revisionOf(before) === name;
  if (tag === null) {
    const isBranch = branch !== null && !isSameName;
    return isBranch ? { ...common, what: "a branch, by the word of the forge", why: MUTABLE } : null;
  }
  if (moved) {
    return {
      ...common,
      what: "a tag that moved",
      why: [
        `It is the commit ${shortId(tag.commit)} now; when it was last looked at from here, on ${moved.seen.slice(0, 10)}, it was ${shortId(moved.from)}.`,
        "A published version that becomes another one was made again by upstream, or by who took it over.",
        "An upstream statement why the tag was moved explains it.",
      ],
    };
  }
  const pinned = before && pinnedCommit(before, after);
  if (pinned && pinned !== tag.commit) {
    return {
      ...common,
      what: "a tag of another commit than this version was pinned at",
      why: [
        `The base has version ${after.version} at the commit ${shortId(pinned)}; the tag is ${shortId(tag.commit)} now.`,
        "An upstream statement why the tag was moved, or that the base had the wrong commit, explains it.",
      ],
    };
  }
  if (branch !== null && branch !== tag.commit && isAmbiguous(after) && !isSameName) {
    return {
      ...common,
      severity: "low",
      what: "the name of a tag and of a branch",
      why: [
        "Which of them is fetched depends on who asks. `tag` in place of `rev`, or the full commit id, clears it.",
      ],
    };
  }
  return null;
}

/** The commit that the base has for the same version of the same repository. */
function pinnedCommit(before: Source, after: Source): string | null {
  const revision = revisionOf(before);
  if (revision === null || !/^[0-9a-f]{40}$/.test(revision)) return null;
  if (after.version === null || before.version !== after.version) return null;
  return isSameOwner(before, after) ? revision : null;
}

/** Whether a name may be a tag or a branch: `refs/tags/…` and `tag = …` are not. */
function isAmbiguous({ rev, urls }: Source): boolean {
  return !rev?.value.startsWith("refs/") && !urls.some(({ value }) => value.includes("/refs/"));
}

function shortId(commit: string): string {
  return commit.slice(0, 12);
}

interface Mutable {
  readonly name: string;
  readonly what: string;
  readonly sure: boolean;
}

/** What cgit packs, on any host. */
const SNAPSHOT = /\/snapshot\/(?:[\w.+-]{1,200}-)?(master|main|HEAD|trunk|devel|develop)\.(?:tar|tgz|zip)/;

function mutableRef(source: Source): Mutable | null {
  const refs = locationsOf(source).map(({ ref, path }) => ref ?? SNAPSHOT.exec(path)?.[1] ?? null);
  if (source.rev?.resolved) refs.push(source.rev.value);
  for (const ref of refs) {
    if (ref === null) continue;
    if (isMoving(ref)) return { name: ref, what: "a name that moves", sure: true };
    // Seven is git's shortest by default; with digits alone it may be a date or a revision number.
    if (/^[0-9a-f]{7,39}$/.test(ref) && /[a-f]/.test(ref) && /[0-9]/.test(ref)) {
      return { name: ref, what: "a shortened commit id", sure: false };
    }
  }
  return null;
}
