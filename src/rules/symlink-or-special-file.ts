/** Entries of the tree that are not plain files: links, submodules, names that a checkout cannot hold. */
import type { Entry } from "../change/change.ts";
import type { Severity } from "../report/review.ts";
import { argument, extension, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

interface Judgement {
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly clear: string;
}

/** Parts of paths where machines keep system files and secrets. */
const PLACES =
  /(?:^|\/)(?:etc|proc|sys|dev|home|root|run|var|tmp|_temp|Users|\.(?:git|ssh|aws|config|netrc|npmrc|docker|gnupg)|[^/]*(?:secret|credential|token|password|\.env)[^/]*)(?:\/|$)/;

/** Where a link leads, as a path of the tree; null when it leaves the tree. */
function destination(from: string, target: string): string | null {
  if (target.startsWith("/")) return null;
  const parts = from.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}

/** The directory that a package owns: in pkgs/by-name the one below the shard, else the directory of the file. */
function ownDirectory(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts[1] === "by-name" ? 4 : -1).join("/");
}

function judgeLink(path: string, target: string | null): Judgement {
  const clear = "Clear it by a plain file, or by a link that stays beside the package.";
  if (target === null) {
    const why = "where it leads could not be read, and a build or a check that opens it follows it anywhere.";
    return { severity: "high", title: "Symbolic link", why, clear };
  }
  const leads = `it leads to \`${visible(target, 200)}\`,`;
  const to = destination(path, target);
  if (to === null) {
    // A relative link that leaves the repository is often left over from a move, unless it names such a place.
    const severity = target.startsWith("/") || PLACES.test(target) ? "block" : "high";
    const why = `${leads} outside the repository: whatever reads this path on a reviewer's or a CI machine gets a file of that machine, secrets too.`;
    return { severity, title: "Symbolic link out of the repository", why, clear };
  }
  if (to.split("/").some((part) => part.toLowerCase() === ".git")) {
    const why = `${leads} into git's own directory, where tokens of a checkout can stand.`;
    return { severity: "block", title: "Symbolic link into .git", why, clear };
  }
  const own = ownDirectory(path);
  if (to === own || to.startsWith(own === "" ? "" : `${own}/`)) {
    const why = `${leads} within its own directory. Links are rare here: a tool that does not follow them sees no file.`;
    return { severity: "low", title: "Symbolic link", why, clear };
  }
  const why = `${leads} away from its own directory: a later change of that place changes this one, and its reviewers do not see it.`;
  return { severity: "medium", title: "Symbolic link to another directory", why, clear };
}

/** Names that git itself, a Windows or a macOS checkout reads as `.git` or as another path: CVE-2014-9390 and after. */
const GIT_NAME = /^(?:\.git|git~\d+|\.git[ .]+)$/i;
const DEVICE_NAME = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const CONTROL = /[\x00-\x1f\x7f]/;

function judgeName(path: string): Judgement | null {
  const parts = path.split("/");
  const clear = "Clear it by another name.";
  if (parts.some((part) => GIT_NAME.test(part) || part === "." || part === ".." || part === "")) {
    const why =
      "a checkout reads a part of this name as git's own directory, or as another path: files of it can be overwritten.";
    return { severity: "block", title: "File name that a checkout reads as another path", why, clear };
  }
  if (CONTROL.test(path)) {
    const why =
      "the name has control characters: scripts and logs that list names a line each are led astray.";
    return { severity: "high", title: "Control characters in a file name", why, clear };
  }
  if (parts.some((part) => part.startsWith("-") || DEVICE_NAME.test(part) || /[\\:]|[. ]$/.test(part))) {
    const why =
      "programs take a name that starts with `-` for an option; on Windows names of devices are no files, `\\` and `:` part names, and dots and blanks at the end are dropped.";
    return { severity: "medium", title: "File name that programs misread", why, clear };
  }
  return null;
}

function judgeKind(entry: Entry, base: Entry | null, file: FileFacts): Judgement | null {
  const was = base?.kind ?? null;
  switch (entry.kind) {
    case "submodule":
      return {
        severity: "block",
        title: was === "submodule" ? "Submodule moved to another commit" : "Submodule",
        why: "it brings the tree of another repository, which this pull request does not show and nobody has reviewed.",
        clear: "Clear it by a fetcher with a hash.",
      };
    case "symlink":
      if (was === "symlink" && file.target.base === file.target.head) return null;
      return judgeLink(entry.path, file.target.head);
    case "executable":
      if (was === "executable" || extension(entry.path) !== "nix" || file.head?.startsWith("#!")) return null;
      return {
        severity: "low",
        title: "Nix file made executable",
        why: "nothing runs a Nix file: the bit is a slip, or hides that the file is something else.",
        clear: `Clear it with: chmod -x ${visible(entry.path, 200)}`,
      };
    case "file":
      return null;
  }
}

function findingOf(file: FileFacts, { severity, title, why, clear }: Judgement): RuleFinding {
  const path = headPath(file);
  const kind = file.change.head?.kind ?? "file";
  return {
    severity,
    confidence: "high",
    title,
    message: `\`${visible(path, 200)}\` is new as this: ${why} ${clear} Check with: git ls-tree HEAD -- ${argument(path)}`,
    at: inHead(file, 0, 0),
    before: file.target.base === null ? (file.change.base?.kind ?? null) : visible(file.target.base, 200),
    after: file.target.head === null ? kind : visible(file.target.head, 200),
    evidence: ["static"],
    related: [],
    identity: [title, file.target.head ?? "", kind === "submodule" ? (file.change.head?.oid ?? "") : ""],
  };
}

/** Names that differ only in case or in how accents are composed are one file on macOS and Windows. */
function* collisions(files: readonly FileFacts[]): Iterable<RuleFinding> {
  const seen = new Map<string, FileFacts>();
  const isOld = ({ change }: FileFacts) => change.base?.path === change.head?.path;
  for (const each of files) {
    if (!each.change.head) continue;
    const folded = each.change.head.path.normalize("NFC").toLowerCase();
    const twin = seen.get(folded);
    seen.set(folded, each);
    if (twin === undefined || (isOld(each) && isOld(twin))) continue;
    const [file, other] = isOld(each) ? [twin, headPath(each)] : [each, headPath(twin)];
    yield findingOf(file, {
      severity: "high",
      title: "Two names that are one file on other systems",
      why: `\`${visible(other, 200)}\` differs from it only in case or composition: on macOS and Windows one overwrites the other.`,
      clear: "Clear it by another name.",
    });
  }
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  const { base, head } = file.change;
  if (!head) return;
  const kind = judgeKind(head, base, file);
  if (kind) yield findingOf(file, kind);
  const name = base?.path === head.path ? null : judgeName(head.path);
  if (name) yield findingOf(file, name);
}

export const rule: Rule = {
  id: "symlink-or-special-file",
  threat: "A53",
  description: "Symbolic links, submodules and names that a checkout misreads",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
    yield* collisions(facts.files);
  },
};
