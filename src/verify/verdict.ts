/** Turns what fetches showed into a verdict on a fixed-output derivation. Only a proven match is good news. */
import { formatSri, type Hash } from "../nix/hash.ts";
import type { FetchedUrl, Outcome, Verdict } from "../report/review.ts";
import type { Attempt, AttemptResult } from "./attempt.ts";
import type { FodChange } from "./changed-fods.ts";
import type { Transfer } from "./egress.ts";
import type { HashLiteral } from "./literals.ts";

/** A verdict with what it is based on. */
export interface FodVerdict extends Verdict {
  readonly change: FodChange;
  /** The attributes that need it, without what they take it as. */
  readonly neededBy: readonly string[];
  /** Where the declared hash stands in the head; null when none of the changed files has it. */
  readonly place: (Omit<HashLiteral, "hash"> & { readonly path: string }) | null;
  /** The declared locations, as evaluation gives them. */
  readonly locations: readonly string[];
  /** The revision that the derivation names, as those of `fetchgit` do; null: none. */
  readonly rev: string | null;
  /** Arguments of the fetch that shape its content, by name. */
  readonly flags: Readonly<Record<string, string>>;
  /** The hash that the base declares in its place; null when there is none. */
  readonly before: string | null;
  /**
   * Whether the server proved who it is; `mixed`: only in some fetches; null: nothing was fetched, or it could not be seen.
   */
  readonly authenticated: "yes" | "no" | "mixed" | null;
  /** Whether code of the pull request made the content from what was fetched. */
  readonly opaque: boolean;
  /** How many reports of a mismatch the builder printed in the form of Nix's own. */
  readonly forgedReports: number;
  /** The remote builder that fetched it, outside our proxy; null: this machine did. */
  readonly builder: string | null;
  /** Whether the user or a budget cut it off before anything was known. */
  readonly interrupted: boolean;
  /** The command with which a person can reproduce it; null when nothing was run. */
  readonly command: string | null;
}

/** The result for one location, or for the builder as a whole. */
export interface Fetch {
  readonly url: string | null;
  readonly secure: boolean;
  readonly via: "nix" | "builder";
  readonly attempts: readonly Attempt[];
  /**
   * Null: this machine fetched it, and counted what came. Else what is known of a fetch on a remote builder; `made`: the
   * content also comes without a way out.
   */
  readonly elsewhere: "fetched" | "made" | "unknown" | null;
}

export interface Judgement {
  readonly outcome: Outcome;
  readonly got: string | null;
  readonly reason: string;
}

/** Judges the fetches of one location. `others`: hashes that mean something (the base's, say), with their meaning. */
export function judge(
  fetch: Fetch,
  declared: Hash,
  declaredUrls: readonly string[],
  others: ReadonlyMap<string, string> = new Map(),
): Judgement {
  const hashes = fetch.attempts.flatMap(({ result }) => (result.kind === "hash" ? [result] : []));
  const distinct = [...new Set(hashes.map(({ got }) => formatSri(got)))];
  const want = formatSri(declared);
  const got = distinct.find((hash) => hash !== want) ?? distinct[0] ?? null;
  if (distinct.length > 1) {
    return { outcome: "unstable", got, reason: `the content varies: ${distinct.join(", then ")}` };
  }
  const last = fetch.attempts.at(-1)?.result;
  if (!last) return { outcome: "not-checked", got: null, reason: "nothing was fetched" };
  if (got === null) return { ...judgeFailure(last), got: null };
  const came = provenance(fetch, declaredUrls);
  if (got === want) {
    return came
      ? { outcome: "match", got, reason: came }
      : {
          outcome: "unsupported",
          got,
          reason: "its builder made the declared content without a download that could be observed",
        };
  }
  const what = others.get(got);
  const html = hashes.some((hash) => hash.html) ? "; the server sent an HTML page" : "";
  const once = hashes.length > 1 ? `${hashes.length} fetches gave the same` : "fetched once";
  return {
    outcome: "mismatch",
    got,
    reason: `the content has another hash than declared${what ? `: ${what}` : ""} (${once}${html})`,
  };
}

/** What shows that the content was downloaded, in words; null: nothing does. */
function provenance(fetch: Fetch, declaredUrls: readonly string[]): string | null {
  switch (fetch.elsewhere) {
    case null:
      return transferred(fetch, declaredUrls);
    case "fetched":
      return fetch.via === "nix"
        ? "downloaded again by Nix"
        : "made again, and not without a download; whence could not be seen";
    case "made":
    case "unknown":
      return null;
  }
}

/** What proves that bytes came from a declared place, in words; null: nothing does. */
function transferred(fetch: Fetch, declaredUrls: readonly string[]): string | null {
  const transfers = fetch.attempts
    .flatMap((attempt) => attempt.transfers)
    .filter((transfer) => transfer.bytes > 0);
  const declared = new Set((fetch.url ? [fetch.url] : declaredUrls).flatMap(hostsOf));
  const counted =
    declared.size === 0 ? transfers : transfers.filter(({ host }) => declared.has(host.toLowerCase()));
  // A redirect's answer may have no body: then the bytes of its target are the proof.
  const asked = fetch.attempts
    .flatMap((attempt) => attempt.transfers)
    .some(
      ({ host, failure }) => failure === null && (declared.size === 0 || declared.has(host.toLowerCase())),
    );
  const bytes = (counted.length > 0 ? counted : asked ? transfers : []).reduce(
    (sum, { bytes: n }) => sum + n,
    0,
  );
  const host = counted[0]?.host ?? transfers[0]?.host;
  return bytes > 0 && host ? `fetched again from ${host}` : null;
}

function hostsOf(url: string): readonly string[] {
  try {
    const { hostname } = new URL(url);
    return hostname === "" || url.startsWith("mirror:")
      ? []
      : [hostname.toLowerCase().replace(/^\[|\]$/g, "")];
  } catch {
    return [];
  }
}

function judgeFailure(result: AttemptResult): { readonly outcome: Outcome; readonly reason: string } {
  switch (result.kind) {
    case "gone":
      return { outcome: "unavailable", reason: `gone: ${result.reason}` };
    case "denied":
      return { outcome: "unavailable", reason: `access denied: ${result.reason}` };
    case "unreachable":
      return { outcome: "unavailable", reason: `unreachable: ${result.reason}` };
    case "too-large":
      return { outcome: "unavailable", reason: `too large: ${result.reason}` };
    case "blocked":
      return { outcome: "unavailable", reason: `blocked: ${result.reason}` };
    case "build-failed":
      return { outcome: "unavailable", reason: `its builder failed: ${result.reason}` };
    case "refused":
      return { outcome: "not-checked", reason: `refused: ${result.reason}` };
    case "error":
      return { outcome: "not-checked", reason: result.reason };
    case "interrupted":
      return { outcome: "not-checked", reason: "interrupted" };
    case "hash":
      throw new Error("a hash is no failure");
  }
}

/** Outcomes from the worst to the best, for a FOD whose locations have different ones. */
const RANK: readonly Outcome[] = [
  "mismatch",
  "unstable",
  "not-checked",
  "unavailable",
  "unsupported",
  "match",
];

/** One judgement of several locations. `all`: each has to match; else the first that answered counts, as for a builder. */
export function combine(
  judgements: readonly (Judgement & { readonly url: string | null })[],
  all: boolean,
): Judgement {
  const [first, ...rest] = judgements;
  if (!first) return { outcome: "not-checked", got: null, reason: "nothing was fetched" };
  if (rest.length === 0) return first;
  const answered = judgements.find(({ got }) => got !== null);
  const worst = [...judgements].sort((a, b) => RANK.indexOf(a.outcome) - RANK.indexOf(b.outcome))[0] ?? first;
  const chosen = all ? worst : (answered ?? judgements.at(-1) ?? first);
  const others = judgements.length - 1;
  const suffix = all
    ? `one of ${judgements.length} locations`
    : `${others} other location${others === 1 ? "" : "s"} not looked at or not answering`;
  return {
    outcome: chosen.outcome,
    got: chosen.got,
    reason:
      chosen.outcome === "match" && all
        ? `all ${judgements.length} locations hold`
        : `${chosen.reason} (${chosen.url ?? "builder"}; ${suffix})`,
  };
}

/** The locations that were asked, for the report: each request where that could be seen, each host inside TLS. */
export function fetchedUrls(fetch: Fetch): readonly FetchedUrl[] {
  if (fetch.elsewhere !== null) {
    return fetch.url === null ? [] : [{ url: fetch.url, finalUrl: null, status: null, bytes: null }];
  }
  return fetch.attempts.flatMap(({ transfers, result }) => {
    if (fetch.url !== null) {
      const last = transfers.at(-1);
      return [
        {
          url: fetch.url,
          finalUrl: last?.url ?? null,
          status: last?.status ?? (result.kind === "hash" && fetch.secure ? 200 : null),
          bytes: transfers.reduce((sum, { bytes }) => sum + bytes, 0),
        },
      ];
    }
    return transfers.map((transfer) => fetchedUrl(transfer));
  });
}

function fetchedUrl({ url, host, port, status, bytes }: Transfer): FetchedUrl {
  return { url: url ?? `https://${host}${port === 443 ? "" : `:${port}`}`, finalUrl: url, status, bytes };
}
