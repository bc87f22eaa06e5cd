/** Changes to files that no title of the change mentions and where one line affects every machine. */
import { addedLines, argument, extension, folded, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/** Where an unnoticed line does most harm: what it is, and the paths. */
const SENSITIVE: readonly (readonly [string, RegExp])[] = [
  ["CI", /^(?:\.github\/|ci\/)/],
  ["the SSH server", /^nixos\/modules\/services\/networking\/ssh\//],
  ["users and privileges", /^nixos\/modules\/(?:config\/(?:update-)?users-groups|security\/)/],
  ["the firewall", /^nixos\/modules\/services\/networking\/(?:firewall|nftables)/],
  ["booting", /^nixos\/modules\/system\/boot\//],
  ["trust in caches", /^nixos\/modules\/(?:config\/nix|services\/(?:misc|system)\/nix-daemon)/],
  [
    "fetching everything",
    /(?:^|\/)build-support\/fetch\w*\/|(?:^|\/)(?:fetchurl|fetchgit|fetchzip)\/|(?:^|\/)(?:mirrors|fetchers)\.nix$/,
  ],
  [
    "building everything",
    /(?:^|\/)stdenv\/generic\/|(?:^|\/)bootstrap-files\/|(?:^|\/)build-support\/(?:cc-wrapper|bintools-wrapper|setup-hooks|rust\/(?:build-rust-package|hooks)|go|node|npm)\//,
  ],
  [
    "a package that everything trusts",
    /^pkgs\/(?:.*\/)?(?:openssl|libressl|gnutls|nss|nettle|cacert|libsodium|gnupg|gpgme|glibc|musl|bash|coreutils|sudo|doas|polkit|pam|linux-pam|shadow|systemd|openssh|xz|curl|nix|linux|busybox|git|cryptsetup)(?:_\d+)?\/(?:[^/]+\/)?[^/]+$/,
  ],
];

/** Titles that speak of everything, or of nothing in particular: then nothing is out of scope. */
const BROAD =
  /^(?:treewide|various|misc|all|pkgs|nixos|lib|top-level|merge|revert|staging|fixup!?|squash!?|wip)$/;

/** `hello: 1 -> 2`, `a, b: fix`, `{a,b}: fix`, `nixos/ssh: add x`: what stands before the colon; null when nothing does. */
function scopesOf(given: string): readonly string[] | null {
  // `[Backport release-25.05] hello: …` says where to, not what.
  const subject = given.slice(0, 300).replace(/^\s{0,9}\[[^\]]{0,80}\]\s{0,9}/, "");
  // `hello 1 -> 2`
  const [bump] = /^[\w.+-]{1,80}(?=\s{1,9}\S{1,40}\s{0,9}(?:->|→))/.exec(subject) ?? [];
  const colon = subject.indexOf(":");
  if (colon <= 0 && bump === undefined) return null;
  const scopes = (colon <= 0 ? (bump ?? "") : subject.slice(0, colon))
    .split(/[\s,{}&+[\]()"']+/)
    .filter((word) => word !== "" && word !== "and");
  return scopes.length === 0 || scopes.some((scope) => BROAD.test(scope.toLowerCase())) ? null : scopes;
}

/** Whether a scope such as `nixos/sshd` or `python3Packages.foo` names a part of a path, whole or in part. */
function speaksOf(scope: string, path: string): boolean {
  const segments = path.split("/").map((segment) => folded(segment.replace(/\.nix$/, "")));
  return scope.split(/[./]/).some((word) => {
    const term = folded(word);
    if (term.length < 2) return false;
    if (term === "ci" && /^(?:\.github|ci)\//.test(path)) return true;
    return segments.some(
      (segment) =>
        segment === term ||
        (term.length >= 3 && segment.includes(term)) ||
        (segment.length >= 3 && term.startsWith(segment)),
    );
  });
}

/** `nixos/foo` and `python3Packages.foo` as `foo` */
const lastPart = (scope: string) => folded(scope.split(/[./]/).at(-1) ?? scope);

interface Titles {
  readonly scopes: readonly string[];
  /** All words of the titles, the scopes among them. */
  readonly words: readonly string[];
}

function sensitivityOf(path: string): string | null {
  return SENSITIVE.find(([, pattern]) => pattern.test(path))?.[0] ?? null;
}

/** The first added line with code: no comment, no bracket alone. */
function firstCode(file: FileFacts) {
  for (const line of addedLines(file)) {
    if (/[A-Za-z0-9]/.test(line.text) && !/^\s*(?:#|\/\/)/.test(line.text)) return line;
  }
  return null;
}

/** Whether an added line of the file names what a title names: then the change follows from it. */
function follows(file: FileFacts, words: readonly string[]): boolean {
  for (const line of addedLines(file)) {
    // A comment that names it is no reason.
    const comment = line.text.search(/(?:^|\s)#/);
    const text = folded(comment < 0 ? line.text : line.text.slice(0, comment));
    if (words.some((word) => text.includes(word))) return true;
  }
  return false;
}

function* check(file: FileFacts, { scopes, words }: Titles): Iterable<RuleFinding> {
  const { base, head } = file.change;
  // A file that is moved away disappears from where it mattered.
  const path = head && sensitivityOf(head.path) === null && base ? base.path : headPath(file);
  const what = sensitivityOf(path);
  // A new file was not there to be changed unseen.
  if (what === null || base === null || extension(path) === "md") return;
  if (words.some((word) => speaksOf(word, path)) || follows(file, scopes.map(lastPart))) return;
  const line = file.head === null ? null : firstCode(file);
  if (!line && head?.path === path) return;
  const named = scopes
    .slice(0, 5)
    .map((scope) => `\`${visible(scope, 60)}\``)
    .join(", ");
  yield {
    severity: "high",
    confidence: "medium",
    title: `Change of ${what} that no title speaks of`,
    message:
      `The titles speak of ${named}${scopes.length > 5 ? " and others" : ""}; \`${visible(path, 200)}\` is ${what}. ` +
      "Reviewers read what the title leads them to. Clear it by a commit of its own whose title names it. " +
      `Check with: git log --oneline -- ${argument(path)}`,
    at: line ? inHead(file, line.start, line.end) : { side: "base", span: { path, start: 0, end: 0 } },
    before: null,
    after: line ? visible(line.text.trim(), 200) : null,
    evidence: ["static"],
    related: [],
    identity: [what, line?.text.trim() ?? ""],
  };
}

export const rule: Rule = {
  id: "out-of-scope-change",
  threat: "A21",
  description: "Changes of CI, access or trusted packages that no title of the change speaks of",
  severity: "high",
  *check(facts) {
    if (facts.subjects === null || facts.subjects.length === 0) return;
    const scopes = facts.subjects.map(scopesOf);
    if (scopes.includes(null)) return;
    const all = [...new Set(scopes.flatMap((each) => each ?? []))];
    // If no scope names any changed file, the scopes are topics, not places.
    const paths = facts.files.map(headPath);
    if (!all.some((scope) => paths.some((path) => speaksOf(scope, path)))) return;
    const words = [...all, ...facts.subjects.flatMap((subject) => subject.split(/[\s,:()"'`]+/))];
    for (const file of facts.files) yield* check(file, { scopes: all, words });
  },
};
