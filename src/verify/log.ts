/**
 * Reads what `nix-store --realise --log-format internal-json` says of one build. A builder can print anything, even lines that
 * Nix takes for its own events; but only Nix's own errors have `raw_msg`, which Nix removes from a builder's lines.
 * https://github.com/NixOS/nix/blob/2.28.0/src/libutil/logging.cc
 */
import { toSri } from "../nix/hash.ts";

export interface BuildLog {
  /** Nix's own record that the content of this very derivation has another hash than our random one. */
  readonly mismatch: { readonly got: string } | null;
  /** How many reports of a mismatch a builder printed. */
  readonly forged: number;
  /** Whether Nix itself said that something which the derivation needs failed. */
  readonly dependencyFailed: boolean;
  readonly timedOut: boolean;
  /** Whether Nix itself said that the builder of this very derivation ran and failed. */
  readonly builderFailed: boolean;
  /** HTTP statuses and curl's exit codes in the log. A builder can print any: they only choose between kinds of failure. */
  readonly statuses: readonly number[];
  readonly curlCodes: readonly number[];
  /** The last words, for people. */
  readonly tail: readonly string[];
}

export interface LogReader {
  line(line: string): void;
  result(): BuildLog;
}

const TAIL = 12;
const MAX_CODES = 100;
const REPORT = /hash mismatch in fixed-output derivation/;
/** `curl: (28) Timeout…` of the program, `…: Timeout was reached (28)` of Nix's own downloader. */
const CURL = /curl: \((\d{1,2})\)|[a-z] \((\d{1,2})\)(?: |$)/gm;
/** After a 200 Nix tells curl's error without its number. */
const UNNUMBERED = /\(curl error: ([^)\n]{0,500})\)/;
const GENUINE =
  /^hash mismatch in fixed-output derivation '([^'\n]*)':\n +(?:specified|wanted): +(\S+)\n +got: +(\S+)\s*$/;

/** Nix 2.34 says the second. */
const FAILED =
  /^(?:builder for '([^'\n]*)' failed with exit code \d|Cannot build '([^'\n]*)'\.\s*Reason: builder failed with exit code \d)/;

/** A reader for the log of building `derivation` (a store path), whose declared hash `declared` (SRI) is our random one. */
export function logReader(derivation: string, declared: string): LogReader {
  const tail: string[] = [];
  const statuses: number[] = [];
  const curlCodes: number[] = [];
  let mismatch: BuildLog["mismatch"] = null;
  let forged = 0;
  let dependencyFailed = false;
  let timedOut = false;
  let builderFailed = false;

  const printed = (text: string) => {
    const plain = withoutColours(text).slice(0, 2_000);
    for (const line of plain.split("\n")) if (line.trim() !== "") tail.push(line.trim().slice(0, 300));
    tail.splice(0, tail.length - TAIL);
    for (const [, code] of plain.matchAll(/(?:HTTP error|returned error:?) (\d{3})\b/g)) {
      if (statuses.length < MAX_CODES) statuses.push(Number(code));
    }
    for (const [, code, last] of plain.matchAll(CURL)) {
      if (curlCodes.length < MAX_CODES) curlCodes.push(Number(code ?? last));
    }
    const unnumbered = UNNUMBERED.exec(plain)?.[1];
    if (unnumbered !== undefined && curlCodes.length < MAX_CODES) curlCodes.push(codeOf(unnumbered));
  };
  const genuine = (raw: string) => {
    const text = withoutColours(raw);
    const [, path, specified, got] = GENUINE.exec(text) ?? [];
    if (path === derivation && specified && got && toSri(specified) === declared) {
      const sri = toSri(got);
      if (sri) mismatch = { got: sri };
    }
    const [, before, since] = FAILED.exec(text) ?? [];
    if ((before ?? since) === derivation) builderFailed = true;
    if (/^\d+ dependenc(?:y|ies) of derivation '/.test(text)) dependencyFailed = true;
    if (/^Cannot build '[^'\n]*'\.\s*Reason: \d+ dependenc/.test(text)) dependencyFailed = true;
    if (/ timed out after \d+ seconds$|^timed out after \d+ seconds| of silence$/.test(text.trim()))
      timedOut = true;
  };

  return {
    line(line) {
      const event = parseEvent(line);
      if (!event) {
        if (REPORT.test(line)) forged++;
        printed(line);
        return;
      }
      if (event.action === "msg") {
        if (typeof event.raw_msg === "string") genuine(event.raw_msg);
        else if (REPORT.test(String(event.msg))) forged++;
        printed(String(event.msg));
      }
      // A line of the builder's log: https://github.com/NixOS/nix/blob/2.28.0/src/libutil/include/nix/util/logging.hh (resBuildLogLine)
      if (event.action === "result" && event.type === 101 && Array.isArray(event.fields)) {
        const text = String(event.fields[0]);
        if (REPORT.test(text)) forged++;
        printed(text);
      }
    },
    result: () => ({
      mismatch,
      forged,
      dependencyFailed,
      timedOut,
      builderFailed,
      statuses,
      curlCodes,
      tail,
    }),
  };
}

/** https://curl.se/libcurl/c/libcurl-errors.html, in the words of `curl_easy_strerror` */
function codeOf(error: string): number {
  if (error.startsWith("Transferred a partial file")) return 18;
  return error.startsWith("Timeout was reached") ? 28 : 56;
}

interface Event {
  readonly action?: unknown;
  readonly type?: unknown;
  readonly fields?: unknown;
  readonly msg?: unknown;
  readonly raw_msg?: unknown;
}

function parseEvent(line: string): Event | null {
  if (!line.startsWith("@nix {")) return null;
  try {
    return JSON.parse(line.slice("@nix ".length)) as Event;
  } catch {
    return null;
  }
}

function withoutColours(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
