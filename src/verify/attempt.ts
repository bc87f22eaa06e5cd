/** One fetch of a fixed-output derivation, under a random hash and through our own proxy, and its result. */
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { formatSri, type Hash, parseHash } from "../nix/hash.ts";
import { anySignal } from "../signals.ts";
import { type Builder, nixAt, send } from "./builder.ts";
import type { FixedOutput, HashMode } from "./drv.ts";
import { openEgress, type Transfer } from "./egress.ts";
import { type BuildLog, logReader } from "./log.ts";
import type { Nix } from "./nix.ts";
import { proxyEnvironment, type Way } from "./plan.ts";
import { randomHash, rederive, withHash } from "./rederive.ts";
import { fixedOutputPath } from "./store-path.ts";
import type { AllowedHosts } from "./urls.ts";

export interface FetchLimits {
  /** The whole fetch, in seconds. */
  readonly seconds: number;
  /** Without any output from the builder, in seconds. */
  readonly silentSeconds: number;
  /** Without any byte from the server, in seconds. */
  readonly stalledSeconds: number;
  readonly connectSeconds: number;
  /** Bytes from the network. */
  readonly bytes: number;
  /** Bytes that the builder prints. */
  readonly logBytes: number;
}

export const FETCH_LIMITS: FetchLimits = {
  seconds: 900,
  silentSeconds: 120,
  stalledSeconds: 60,
  connectSeconds: 15,
  bytes: 8 * 1024 ** 3,
  logBytes: 100_000_000,
};

export type AttemptResult =
  /** Nix hashed the content that it got. */
  | { readonly kind: "hash"; readonly got: Hash; readonly html: boolean }
  | {
      readonly kind: "gone" | "denied" | "unreachable";
      readonly reason: string;
      readonly retryAfter: number | null;
    }
  | { readonly kind: "refused" | "too-large" | "blocked" | "build-failed" | "error"; readonly reason: string }
  | { readonly kind: "interrupted" };

export interface Attempt {
  readonly result: AttemptResult;
  readonly transfers: readonly Transfer[];
  /** How many reports of a mismatch the builder printed. */
  readonly forged: number;
  /** Whether the builder ran, and said that it failed. */
  readonly builderFailed: boolean;
  readonly seconds: number;
  /** The derivation with the random hash; null when it could not be made. */
  readonly derivation: string | null;
}

export interface AttemptOptions {
  /** The remote builder that fetches; null: this machine does. */
  readonly builder: Builder | null;
  readonly limits: FetchLimits;
  readonly allowed: AllowedHosts;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of each piece's bytes. */
  readonly onBytes?: (count: number) => void;
}

/** Fetches once, in one of the ways. `output` is what the derivation declares. */
export async function attempt(
  nix: Nix,
  name: string,
  output: FixedOutput,
  way: Way,
  { builder, limits, allowed, signal, onBytes }: AttemptOptions,
): Promise<Attempt> {
  const started = performance.now();
  const fake = randomHash(output.hash);
  const done = (result: AttemptResult, more: Partial<Attempt> = {}): Attempt => ({
    result,
    transfers: [],
    forged: 0,
    builderFailed: false,
    derivation: null,
    ...more,
    seconds: (performance.now() - started) / 1000,
  });
  const made = await rederive(nix, [withHash(way.spec, fake)], signal);
  if (signal?.aborted) return done({ kind: "interrupted" });
  if (made.kind === "failed") return done({ kind: "error", reason: made.reason });
  const derivation = made.paths[0] ?? "";
  const unsent = builder && (await send(nix, derivation, builder, signal));
  if (signal?.aborted) return done({ kind: "interrupted" });
  if (unsent !== null) return done({ kind: "error", reason: `it cannot be sent: ${unsent}` });

  const egress = await openEgress({ allowed, bytes: limits.bytes, onBytes });
  const log = logReader(derivation, formatSri(fake));
  try {
    const run = await nixAt(nix, builder).run("nix-store", realiseArguments(derivation, limits), {
      seconds: limits.seconds + 10,
      fileSize: limits.bytes * 2,
      signal: anySignal(signal, egress.tooMuch),
      onLine: (line) => log.line(line),
      env: {
        ...proxyEnvironment(egress.url),
        // An empty value would not override the list that nixpkgs' builder carries.
        NIX_HASHED_MIRRORS: "file:///dev/null/none",
      },
    });
    const transfers = egress.transfers();
    const said = log.result();
    const more = { transfers, forged: said.forged, builderFailed: said.builderFailed, derivation };
    if (signal?.aborted) return done({ kind: "interrupted" }, more);
    if (egress.tooMuch.aborted) {
      return done({ kind: "too-large", reason: `more than ${limits.bytes} bytes` }, more);
    }
    if (said.mismatch) {
      const got = parseHash(said.mismatch.got);
      if (got) {
        const html = await isHtml(nix, name, output.mode, got, transfers);
        return done({ kind: "hash", got, html }, more);
      }
    }
    return done(failure(said, transfers, run.status, run.ended !== null), more);
  } finally {
    await egress.close();
  }
}

/** Arguments of `nix-store` for a fetch; all of them exist since Nix 2.8. */
function realiseArguments(derivation: string, limits: FetchLimits): readonly string[] {
  const settings = {
    timeout: limits.seconds,
    "max-silent-time": limits.silentSeconds,
    "connect-timeout": limits.connectSeconds,
    "stalled-download-timeout": limits.stalledSeconds,
    "download-attempts": 1,
    // Nix keeps a line of the log in memory until it ends.
    "max-build-log-size": limits.logBytes,
  };
  return [
    "--realise",
    derivation,
    "--log-format",
    "internal-json",
    "-v",
    ...Object.entries(settings).flatMap(([name, value]) => ["--option", name, String(value)]),
  ];
}

/** curl's exit codes that say "not now": https://everything.curl.dev/cmdline/exitcode.html */
const TRANSIENT_CURL = new Set([5, 6, 7, 16, 18, 28, 35, 52, 55, 56, 92]);

function failure(
  log: BuildLog,
  transfers: readonly Transfer[],
  status: number | null,
  cut: boolean,
): AttemptResult {
  const refused = transfers.find((transfer) => transfer.refused);
  if (refused) return { kind: "refused", reason: refused.failure ?? `${refused.host} is refused` };
  if (status === 0) return { kind: "error", reason: "Nix accepted a hash that we made up" };
  if (log.dependencyFailed)
    return { kind: "blocked", reason: `something that it needs failed: ${said(log)}` };

  const answers = transfers.filter((transfer) => transfer.status !== null);
  const retryAfter = secondsOf(answers.at(-1)?.retryAfter ?? null);
  const all = answers.length > 0 ? answers.map((transfer) => transfer.status ?? 0) : log.statuses;
  // Statuses before a success no longer matter.
  const statuses = all.slice(all.findLastIndex((code) => code >= 200 && code < 300) + 1);
  const last = statuses.at(-1);
  const transient = statuses.find((code) => code === 429 || code === 408 || code >= 500);
  if (transient) return { kind: "unreachable", reason: `HTTP ${transient}`, retryAfter };
  if (last === 404 || last === 410) return { kind: "gone", reason: `HTTP ${last}`, retryAfter };
  if (last === 401 || last === 403 || last === 407 || last === 451) {
    return { kind: "denied", reason: `HTTP ${last}`, retryAfter };
  }
  const broken = transfers.findLast((transfer) => transfer.failure !== null);
  if (broken?.failure)
    return { kind: "unreachable", reason: `${broken.host}: ${broken.failure}`, retryAfter };
  if (cut || status === 101 || log.timedOut) {
    return { kind: "unreachable", reason: "it did not end in time", retryAfter };
  }
  if (last !== undefined && last >= 300 && last < 400) {
    return { kind: "unreachable", reason: "redirects that lead nowhere", retryAfter };
  }
  const curl = log.curlCodes.find((code) => TRANSIENT_CURL.has(code));
  if (curl !== undefined)
    return { kind: "unreachable", reason: `curl's error ${curl}: ${said(log)}`, retryAfter };
  if (status === 1 || status === 100) return { kind: "build-failed", reason: said(log) };
  return { kind: "error", reason: `nix-store ended with ${status ?? "a signal"}: ${said(log)}` };
}

function said(log: BuildLog): string {
  return (
    log.tail.findLast((line) => !/^error: (build of|builder for|\d+ dependenc)/.test(line)) ?? "no message"
  );
}

function secondsOf(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
}

/** Whether a web page came instead of a file; Nix keeps what it got under that content's hash. */
async function isHtml(
  nix: Nix,
  name: string,
  mode: HashMode,
  got: Hash,
  transfers: readonly Transfer[],
): Promise<boolean> {
  if (mode !== "flat") return transfers.some(({ contentType }) => /^text\/html\b/i.test(contentType ?? ""));
  const path = fixedOutputPath(nix.store.directory, name, mode, got);
  try {
    const file = await open(`${nix.store.files}/${basename(path)}`);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
      return /^\s*<(?:!doctype html|html)\b/i.test(buffer.toString("latin1", 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
