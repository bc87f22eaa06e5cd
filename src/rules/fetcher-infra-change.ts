/** Fetchers, mirror lists and bootstrap files: one line there alters every download, and no hash shows it. */
import { gives } from "../nix/command-text.ts";
import { isFetcherFile, isFetchingBuilder } from "../nix/fetcher-files.ts";
import { SEVERITIES, type Severity } from "../report/review.ts";
import { extension, fileName, headPath, inHead, visible } from "./_text.ts";
import type { FileFacts, Place, Rule, RuleFinding, Undecided } from "./rule.ts";

const BOOTSTRAP = /(?:^|\/)bootstrap-(?:files|tools)(?:\/|[\w.-]*\.nix$)/;
const CODE = new Set(["nix", "sh", "bash", "py", "nu", "rs", "json", ""]);

const TLS_OFF =
  /(?:^|[\s"'=])(?:--insecure|--proxy-insecure|--no-check-certificate)(?![\w-])|\bsslVerify[ =]{1,3}(?:false|0)\b|\bGIT_SSL_NO_VERIFY\b|\bSSL_CERT_FILE\s?=\s?["']?\/no-cert|\bverify ?= ?False\b|--no-secure-http\b|\bssl\.insecure=true\b|^\s*-k\s*\\?$/;
const CURL_TLS_OFF = gives(/\bcurl /g, /^-[a-np-zA-Z]*k/);
/** Settings that decide where bytes come from or whether they are checked, each with its value. */
const LEVER =
  /\b(curlOpts|curlOptsList|netrcPhase|netrcImpureEnvVars|impureEnvVars|rewriteURL|hashedMirrors|SSL_CERT_FILE|outputHashMode|outputHashAlgo|outputHash|NIX_CURL_FLAGS|NIX_HASHED_MIRRORS)\s?(?:(=)(?!=)([^;]*)|(\?)([^,\n]*))/g;
const HOST = /\b(?:https?|ftp|git|rsync):\/\/(?:\$\{[^{}]{1,100}\})?([\w.-]{1,253})/g;
/** `githubBase ? "github.com"` */
const DEFAULT_HOST =
  /\b(?:\w{1,40}Base|domain|host|server|seed|registry\w{0,20})\s?\?\s?"([\w-]{1,100}\.[\w.-]{1,150})"/g;

interface Hit {
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly before: string | null;
  readonly after: string;
  readonly at: number;
}

/** The text with comments blanked out, so that offsets stay the same. */
function withoutComments(text: string): string {
  return text.replace(/(?:^|[ \t])#[^\n]*/g, (comment) => " ".repeat(comment.length));
}

const squeezed = (text: string) => text.replace(/\s+/g, " ").replaceAll("[ ]", "[]").trim();

/** The code without layout, and without attributes that only describe it. */
function bare(text: string): string {
  return text
    .replace(/\b(?:maintainers|teams|description|license|homepage) = [^;]{0,500};/g, "")
    .replace(/[\s,()]+/g, "");
}

function* levers(text: string) {
  for (const match of text.matchAll(LEVER)) {
    const [, name = "", assigned, value = "", , preset = ""] = match;
    yield {
      name,
      isAssigned: assigned !== undefined,
      value: squeezed(assigned ? value : preset),
      at: match.index,
    };
  }
}

function* leverHits(base: string, head: string): Generator<Hit> {
  const before = new Map<string, string[]>();
  for (const { name, value } of levers(base)) before.set(name, [...(before.get(name) ?? []), value]);
  for (const { name, isAssigned, value, at } of levers(head)) {
    const old = before.get(name);
    // A new argument with a default changes nothing for those who do not pass it.
    if (old?.includes(value) || (old === undefined && !isAssigned)) continue;
    yield {
      severity: "high",
      title: `Fetcher's ${name} changed`,
      why: `\`${name}\` decides from where or how all sources are fetched.`,
      before: old?.join(" / ") ?? null,
      after: value,
      at,
    };
  }
}

function hosts(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const match of [...text.matchAll(HOST), ...text.matchAll(DEFAULT_HOST)]) {
    const host = (match[1] ?? "").toLowerCase();
    if (!found.has(host)) found.set(host, match.index);
  }
  return found;
}

function* hostHits(base: string, head: string): Generator<Hit> {
  const before = hosts(base);
  const after = hosts(head);
  const gone = [...before.keys()].filter((host) => !after.has(host));
  for (const [host, at] of after) {
    if (before.has(host) || /\bexample\.(?:com|org|net)$/.test(host)) continue;
    yield {
      severity: "high",
      title: "Fetcher or mirror list with a new host",
      why: `\`${visible(host)}\` can then answer for every package that is fetched this way.`,
      before: gone.length > 0 ? gone.join(", ") : null,
      after: host,
      at,
    };
  }
}

function* tlsHits(base: string, head: string): Generator<Hit> {
  const before = new Set(base.split("\n").map(squeezed));
  let at = 0;
  for (const line of head.split("\n")) {
    if ((TLS_OFF.test(line) || CURL_TLS_OFF(squeezed(line))) && !before.has(squeezed(line))) {
      yield {
        severity: "block",
        title: "Fetcher no longer checks certificates",
        why: "Whoever sits on the line can answer for any package whose hash is not known beforehand.",
        before: null,
        after: squeezed(line),
        at: at + Math.max(line.search(/\S/), 0),
      };
    }
    at += line.length + 1;
  }
}

function* hitsOf(path: string, base: string, head: string): Generator<Hit> {
  const [before, after] = [withoutComments(base), withoutComments(head)];
  if (bare(before) === bare(after)) return;
  if (BOOTSTRAP.test(path)) {
    const literals = new Set(before.match(/"[^"\n]{16,}"/g) ?? []);
    const fresh = (after.match(/"[^"\n]{16,}"/g) ?? []).find((literal) => !literals.has(literal));
    if (fresh === undefined) return;
    yield {
      severity: "high",
      title: "Bootstrap files changed",
      why: "Every package of the platform is built with these bytes, which nothing builds anew.",
      before: null,
      after: fresh,
      at: head.indexOf(fresh),
    };
    return;
  }
  const hits = [...tlsHits(before, after), ...hostHits(before, after), ...leverHits(before, after)];
  if (hits.length > 0) yield* hits;
  else if (isFetcherFile(path)) {
    yield {
      severity: "low",
      title: "Fetcher changed",
      why: "Sources that are in a store or cache keep matching, so a mistake shows only when somebody fetches anew.",
      before: null,
      after: fileName(path),
      at: firstDifference(before, after),
    };
  }
}

function firstDifference(base: string, head: string): number {
  let at = 0;
  while (at < head.length && base[at] === head[at]) at++;
  return at;
}

/** Fetchers are written by hand. Larger ones are not compared, and the review says so. */
const MOST_CHARACTERS = 2_000_000;

/** Both sides of a fetcher's file; null for other files, and for a new one: no existing download uses it. */
function sidesOf(file: FileFacts): { readonly base: string; readonly head: string } | null {
  const { base, head } = file;
  const path = headPath(file);
  const decides =
    (isFetcherFile(path) || isFetchingBuilder(path) || BOOTSTRAP.test(path)) && CODE.has(extension(path));
  return decides && base !== null && head !== null ? { base, head } : null;
}

function isTooLarge({ base, head }: { readonly base: string; readonly head: string }): boolean {
  return base.length > MOST_CHARACTERS || head.length > MOST_CHARACTERS;
}

function* undecided(file: FileFacts): Iterable<Undecided> {
  const sides = sidesOf(file);
  if (sides && isTooLarge(sides))
    yield { undecided: "the file of a fetcher is too large to be compared", at: inHead(file, 0, 0) };
}

function* check(file: FileFacts): Iterable<RuleFinding> {
  const sides = sidesOf(file);
  if (!sides || isTooLarge(sides)) return;
  const hits = [...hitsOf(headPath(file), sides.base, sides.head)];
  // One finding for each file: its gravest change, with the others as related places.
  const [hit, ...others] = hits.sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  );
  if (!hit) return;
  yield {
    severity: hit.severity,
    confidence: hit.severity === "low" ? "low" : "high",
    title: hit.title,
    message:
      `${hit.before === null ? "" : `Before: \`${visible(hit.before, 160)}\`. `}Now: \`${visible(hit.after, 160)}\`. ${hit.why} ` +
      "Hashes do not move with it, and caches hide it. Clear it by fetching some sources anew with it, without caches. " +
      "Check with: verifod verify --attr hello.src",
    at: placeOf(file, hit),
    before: hit.before === null ? null : visible(hit.before, 200),
    after: visible(hit.after, 200),
    evidence: ["static"],
    related: others.slice(0, 5).map((other) => ({ at: placeOf(file, other), note: other.title })),
    identity: hits.map(({ title, after }) => `${title} ${after}`),
  };
}

/** From where the hit is to the end of its line. */
function placeOf(file: FileFacts, { at }: Hit): Place {
  const feed = file.head?.indexOf("\n", at) ?? -1;
  return inHead(file, at, feed < 0 ? (file.head?.length ?? at) : feed);
}

export const rule: Rule = {
  id: "fetcher-infra-change",
  threat: "A12",
  description: "Changes of fetchers, mirror lists and bootstrap files that alter every download",
  severity: "high",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
  *undecided(facts) {
    for (const file of facts.files) yield* undecided(file);
  },
};
