/** Long random-looking strings: the carrier of a hidden payload, or a secret that slipped in. */
import type { Severity } from "../report/review.ts";
import {
  addedLines,
  addedText,
  argument,
  extension,
  fileName,
  headPath,
  inHead,
  type Line,
  quota,
  visible,
} from "./_text.ts";
import type { FileFacts, Rule, RuleFinding } from "./rule.ts";

/** A run of base64 or hex characters, long enough for a payload or a key. The lookbehind saves a third of the time. */
const RUN = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{80,}={0,2}/g;
/** Bits a character; English text has about 4, base64 of random bytes 6, hex of random bytes 4. */
const RANDOM_BITS = 4.5;
const HEX_CHARACTERS = 256;

/** Secrets whose issuers gave them a recognisable form: https://docs.github.com/en/code-security/secret-scanning */
const SECRETS: readonly (readonly [string, RegExp])[] = [
  ["GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b/],
  ["AWS access key", /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/],
  ["GitLab token", /\bglpat-[A-Za-z0-9_-]{20,64}\b/],
  ["Slack token", /\bxox[abprs]-[A-Za-z0-9-]{20,255}\b/],
  ["Google API key", /\bAIza[A-Za-z0-9_-]{35}\b/],
  ["npm token", /\bnpm_[A-Za-z0-9]{36}\b/],
  ["PyPI token", /\bpypi-AgEI[A-Za-z0-9_-]{50,255}\b/],
  ["Stripe key", /\b[sr]k_live_[A-Za-z0-9]{20,99}\b/],
  ["private key", /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/],
];

/** Where keys are made up for tests, and say so. */
const TEST_PATH =
  /(?:^|\/)(?:tests?|fixtures?|testdata|examples?)(?:\/|[-_.][^/]*$)|(?:^|\/)[^/]*(?:snakeoil|ssh-keys)[^/]*$/i;
/** Formats that are made of encoded bytes by nature, or of hashes. */
const ENCODED = new Set([
  "patch",
  "diff",
  "lock",
  "svg",
  "pem",
  "crt",
  "cer",
  "asc",
  "gpg",
  "pub",
  "key",
  "list",
  "map",
  "css",
  "ipynb",
]);
const MACHINE_MADE =
  /(?:^|[/-])(?:deps|gemset|node-packages|sources?|hashes|manifest|pin|pins|versions?|missing-hashes|package-lock|npins)[^/]{0,255}\.(?:nix|json|ya?ml)$|\.lock\.json$/;
/** The value belongs to an attribute whose name says that it is a hash, key or signature. */
const HASH_NAME = /hash|sha\d|integrity|checksum|public[-_]?key|pubkey|signature|fingerprint|cpe|url|rev/i;

/** Whether the name before the last `=` or `:` says that the value is a hash, key or signature. */
function isNamedAsHash(before: string): boolean {
  const sign = Math.max(before.lastIndexOf("="), before.lastIndexOf(":"));
  const name = before
    .slice(Math.max(0, sign - 60), Math.max(0, sign))
    .trimEnd()
    .replace(/"$/, "");
  return HASH_NAME.test(/(?<![\w-])[\w-]+$/.exec(name)?.[0] ?? "");
}

function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Whether a run is a hash, a public key, or part of a path or URL. */
function isKnownForm(run: string, before: string): boolean {
  if (/(?:sha(?:1|256|384|512)[-:]|md5[-:]|blake3-)$/.test(before) || /^sha(?:1|256|384|512)-/.test(run))
    return true;
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i.test(run)) return true;
  // ssh public keys: `ssh-ed25519 AAAA…`, `ssh-rsa AAAA…`.
  if (run.startsWith("AAAA") && /\b(?:ssh|ecdsa|sk)-[\w@.-]{1,60}\s$/.test(before)) return true;
  // Part of a URL: what stands there is fetched, not carried.
  if (!/[\s"'<>]/.test(before.slice(Math.max(0, before.lastIndexOf("://")))) && before.includes("://"))
    return true;
  const parts = run.split(/[/_-]/).filter((part) => !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(part));
  return Math.max(0, ...parts.map((part) => part.length)) < 40;
}

interface Hit {
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly clear: string;
  readonly start: number;
  readonly length: number;
  readonly value: string;
}

function hitIn(line: Line, path: string): Hit | null {
  const { text } = line;
  for (const [name, pattern] of SECRETS) {
    const match = pattern.exec(text);
    if (!match) continue;
    return {
      severity: TEST_PATH.test(path) ? "low" : "medium",
      title: `A ${name} in the text`,
      why: "A secret in a public pull request is read by programs within minutes, and stays in the history.",
      clear:
        "Clear it by revoking it at its issuer first, then removing it; if it is made up for a test, say so beside it.",
      start: match.index,
      length: match[0].length,
      value: `${match[0].slice(0, 4)}…`,
    };
  }
  if (ENCODED.has(extension(path)) || MACHINE_MADE.test(path) || TEST_PATH.test(path)) return null;
  for (const match of text.matchAll(RUN)) {
    const [run] = match;
    const before = text.slice(Math.max(0, match.index - 200), match.index);
    if (isKnownForm(run, before) || isNamedAsHash(before)) continue;
    const isHex = /^[0-9a-fA-F]+$/.test(run);
    if (isHex ? run.length < HEX_CHARACTERS || entropy(run) < 3.5 : entropy(run) < RANDOM_BITS) continue;
    return {
      severity: "low",
      title: "Long random-looking string",
      why: "Encoded bytes cannot be reviewed by reading; payloads and keys travel in such strings.",
      clear: "Clear it by fetching the bytes with a hash, or by saying what they are.",
      start: match.index,
      length: run.length,
      value: visible(run, 40),
    };
  }
  return null;
}

/** Of each severity: the others of it say nothing new. */
const MOST_FINDINGS = 10;

function* check(file: FileFacts): Iterable<RuleFinding> {
  const path = headPath(file);
  const text = addedText(file);
  if (text.search(RUN) < 0 && !SECRETS.some(([, pattern]) => pattern.test(text))) return;
  const hasRoom = quota(MOST_FINDINGS);
  for (const line of addedLines(file)) {
    const hit = hitIn(line, path);
    if (!hit || !hasRoom(hit.severity)) continue;
    yield {
      severity: hit.severity,
      confidence: hit.severity === "low" ? "low" : "high",
      title: hit.title,
      message: `\`${visible(fileName(path), 100)}\` has \`${hit.value}\` (${hit.length} characters). ${hit.why} ${hit.clear} Check with: git show HEAD -- ${argument(path)}`,
      at: inHead(file, line.start + hit.start, line.start + hit.start + hit.length),
      before: null,
      after: hit.value,
      evidence: ["static"],
      related: [],
      identity: [hit.title, hit.value, String(hit.length)],
    };
  }
}

export const rule: Rule = {
  id: "high-entropy-string",
  threat: "A58",
  description: "Long random-looking strings and tokens in added text",
  severity: "low",
  *check(facts) {
    for (const file of facts.files) yield* check(file);
  },
};
