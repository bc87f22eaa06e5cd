/**
 * Hashes in every spelling that Nix reads, compared as bytes.
 * https://nix.dev/manual/nix/2.28/command-ref/nix-hash and `Hash::parseAny` of Nix.
 */

/** Digest sizes in bytes. */
const SIZES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 } as const;
export type HashAlgorithm = keyof typeof SIZES;

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Buffer;
}

/** Nix's own base 32: no e, o, t, u; least significant bits last. */
const NIX32 = "0123456789abcdfghijklmnpqrsvwxyz";

const HEX = /^[0-9a-fA-F]+$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = /^(md5|sha1|sha256|sha512)([:-])/;

export function isHashAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(SIZES, name);
}

/** Whether a text has the form of SRI, whatever the length of its digest. https://www.w3.org/TR/SRI/#the-integrity-attribute */
export function hasSriForm(text: string): boolean {
  const dash = text.indexOf("-");
  return isHashAlgorithm(text.slice(0, dash)) && BASE64.test(text.slice(dash + 1));
}

/** The bytes of a nix32 text of exactly the length of `size` bytes; null when it is not one. */
export function fromNix32(text: string, size: number): Buffer | null {
  if (text.length !== nix32Length(size)) return null;
  const bytes = Buffer.alloc(size);
  for (let n = 0; n < text.length; n++) {
    const digit = NIX32.indexOf(text[text.length - n - 1] as string);
    if (digit < 0) return null;
    const bit = n * 5;
    const byte = bit >> 3;
    const shift = bit & 7;
    bytes[byte] = (bytes[byte] as number) | ((digit << shift) & 0xff);
    const carry = digit >> (8 - shift);
    if (byte + 1 < size) bytes[byte + 1] = (bytes[byte + 1] as number) | carry;
    // Bits beyond the digest must be zero: Nix says "invalid base-32 hash".
    else if (carry !== 0) return null;
  }
  return bytes;
}

/** Bytes in nix32. */
export function toNix32(bytes: Uint8Array): string {
  let text = "";
  for (let n = nix32Length(bytes.length) - 1; n >= 0; n--) {
    const bit = n * 5;
    const byte = bit >> 3;
    const shift = bit & 7;
    const value = ((bytes[byte] ?? 0) >> shift) | ((bytes[byte + 1] ?? 0) << (8 - shift));
    text += NIX32[value & 31];
  }
  return text;
}

function nix32Length(size: number): number {
  return Math.ceil((size * 8) / 5);
}

/**
 * A hash as a recipe may spell it: SRI, `algo:digest`, or a bare digest in hex, nix32 or base64.
 * `algorithm` is what the attribute's name says (`sha256 = …`); without it the length decides.
 * Null for anything else, an empty text included.
 */
export function parseHash(text: string, algorithm?: HashAlgorithm): Hash | null {
  let digest = text.trim();
  let algorithms: readonly HashAlgorithm[] = algorithm ? [algorithm] : ["sha256", "sha512", "sha1", "md5"];
  const prefix = PREFIX.exec(digest);
  if (prefix) {
    algorithms = [prefix[1] as HashAlgorithm];
    digest = digest.slice(prefix[0].length);
  }
  const isSri = prefix?.[2] === "-";
  for (const candidate of algorithms) {
    const size = SIZES[candidate];
    // Nix refuses them elsewhere: "has wrong length for hash type".
    if (!isSri && isUnpadded(digest, size)) continue;
    const bytes = digestBytes(digest, size);
    if (bytes) return { algorithm: candidate, bytes };
  }
  return null;
}

/** Whether a text is as long as base64 of a digest without its padding, which digests of all sizes have. */
function isUnpadded(text: string, size: number): boolean {
  return text.length === Math.ceil((size * 4) / 3);
}

function digestBytes(digest: string, size: number): Buffer | null {
  if (digest.length === size * 2) return HEX.test(digest) ? Buffer.from(digest, "hex") : null;
  if (digest.length === nix32Length(size)) return fromNix32(digest, size);
  // Padding may be left out; anything else that is not exactly one digest is not a hash.
  if (!isUnpadded(digest.replace(/={1,2}$/, ""), size) || !BASE64.test(digest)) return null;
  const bytes = Buffer.from(digest, "base64");
  return bytes.length === size ? bytes : null;
}

const DIGEST = /[A-Za-z0-9+/]{22,128}/g;

/** Whether a text holds one of the hashes (SRI), however it is spelled. */
export function holdsHash(text: string, hashes: ReadonlySet<string>): boolean {
  const algorithms = Object.keys(SIZES).filter(isHashAlgorithm);
  for (const [digest] of text.matchAll(DIGEST))
    for (const algorithm of algorithms) {
      // Whatever padding follows.
      const bytes = digestBytes(digest, SIZES[algorithm]);
      if (bytes && hashes.has(formatSri({ algorithm, bytes }))) return true;
    }
  return false;
}

/** The SRI spelling: `sha256-` and base64 with padding. */
export function formatSri(hash: Hash): string {
  return `${hash.algorithm}-${hash.bytes.toString("base64")}`;
}

/** `parseHash`, as SRI. */
export function toSri(text: string, algorithm?: HashAlgorithm): string | null {
  const hash = parseHash(text, algorithm);
  return hash && formatSri(hash);
}
