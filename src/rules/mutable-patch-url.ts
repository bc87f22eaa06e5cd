import type { Source } from "../nix/model.ts";
import { type Location, locationsOf } from "../origin/location.ts";
import { isMoving } from "../origin/refs.ts";
import { checkCommand, headAt, pinName, shown } from "./_pins.ts";
import type { Facts, Rule, RuleFinding } from "./rule.ts";

/** A patch comes from a place that its author can still edit: reviewers read the page, the hash names what it once was. */
export const rule: Rule = {
  id: "mutable-patch-url",
  threat: "A16",
  description: "A patch is fetched from a place that its author can still change",
  severity: "medium",
  check,
};

function* check(facts: Facts): Iterable<RuleFinding> {
  for (const { before, after } of facts.sources) {
    if (!after || !isPatch(after)) continue;
    const known = new Set(before ? locationsOf(before).map(({ text }) => text) : []);
    const location = locationsOf(after).find(({ text }) => !known.has(text));
    const why = location ? editable(location) : null;
    if (!location || why === null) continue;
    yield {
      severity: "medium",
      confidence: why === UNSURE ? "medium" : "high",
      title: `${pinName(after)}: the patch comes from ${why}`,
      message: [
        `${shown(location.text)} is ${why}, which can be edited after the review.`,
        "What a reviewer reads there need not be what the hash names, and later updates of the hash take in whatever is there then.",
        "The patch of a full commit id, or a copy of the file in the repository, clears it;",
        `to read what it is now: ${checkCommand(after)}`,
      ].join(" "),
      at: headAt(after.urlSpan ?? after.span),
      before: before ? shown(locationsOf(before)[0]?.text ?? "") : null,
      after: shown(location.text),
      evidence: ["static"],
      related: [],
      identity: [after.pname ?? after.binding, location.text],
    };
  }
}

function isPatch(source: Source): boolean {
  const isOne = source.role === "patch" || /^fetch.*patch/i.test(source.fetcher ?? "");
  // `patch = fetchurl { … };` of a kernel: the place says so.
  return isOne || locationsOf(source).some(({ kind }) => kind === "patch");
}

/** Hosts where anybody can leave a text for a while without giving a name. */
const PASTE_HOSTS =
  /^(paste(bin)?\.[\w.-]+|0x0\.st|transfer\.sh|ix\.io|termbin\.com|ghostbin\.com|sprunge\.us|dpaste\.(org|com)|hastebin\.com|bpa\.st|rentry\.co|controlc\.com|katb\.in)$/;

const FULL_ID = /[0-9a-f]{40}/;
/** A name that is neither that of a known branch nor like a tag's. */
const UNSURE = "what may be a branch";

/** In what way a patch's place is editable; null: the text does not show any. */
function editable({ host, path, query, kind, ref, owner }: Location): string | null {
  if (PASTE_HOSTS.test(host)) return "a paste";
  if (owner?.repository?.forge === "gist.github.com" && !FULL_ID.test(path))
    return "a gist without a revision";
  if (host === "aur.archlinux.org" && path.includes("/plain/") && !FULL_ID.test(query))
    return "the AUR without a commit";
  if (kind === "patch") {
    if (
      /\/(pull|pulls|merge_requests|pull-requests)\/\d+(\.(patch|diff)|\/)?/.test(path) &&
      !FULL_ID.test(path)
    ) {
      return "an open or merged pull request";
    }
    const range = /\/compare\/(.+?)(\.(patch|diff))?$/s.exec(path)?.[1];
    // Two full ids, or two releases; anything else may be a branch.
    if (
      range !== undefined &&
      !range.split(/\.{2,3}/).every((end) => FULL_ID.test(end) || /\d\.\d/.test(end))
    ) {
      return "a comparison of branches";
    }
  }
  if (ref !== null && (kind === "raw" || kind === "patch")) {
    if (isMoving(ref)) return "a branch";
    // Tags have digits; of a file's path, the first part need not be all of the name.
    return kind === "patch" && !/\d/.test(ref) ? UNSURE : null;
  }
  return owner?.repository ? null : servedFromBranch(path, query);
}

/** Pages of a repository as cgit, gitweb and Pagure serve them: without a commit, of the newest state of a branch. */
function servedFromBranch(path: string, query: string): string | null {
  const fedora = /\/raw\/([^/]+)\/f\//.exec(path)?.[1];
  if (fedora !== undefined) return /^(rawhide|main|master|f\d+|epel\d+)$/.test(fedora) ? "a branch" : null;
  if (!/\/(plain|patch)\//.test(path) || FULL_ID.test(path + query)) return null;
  const [, asked = ""] = /[?&;](?:id|h)=([^&;]*)/.exec(query) ?? [];
  if (isMoving(asked)) return "a branch";
  // `patch/COMMIT` of gitweb, and tags.
  const isCgit = /\/(plain\/.|patch\/$)/.test(path);
  return isCgit && asked === "" ? "the newest state of a branch" : null;
}
