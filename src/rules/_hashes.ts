/** Hashes that pin nothing. */

/** The hashes of empty files and directories: such a pin was computed from a failed download, or not at all. */
const EMPTY = new Set([
  // An empty file, flat and as an archive; an empty directory as an archive.
  "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  "sha256-d6xi4mKdjkX2JFicDIv5niSzpyI0m/Hnm8GGAIU04kY=",
  "sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo=",
  "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
  "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
  "md5-1B2M2Y8AsgTpgAmY7PhCfg==",
]);

/** What is wrong with a hash. */
export interface Weakness {
  readonly kind: "fake" | "empty" | "broken" | "computed";
  readonly what: string;
  readonly why: string;
}

/** What is wrong with a hash (SRI), whatever it belongs to; null: nothing. */
export function weaknessOf(hash: string): Weakness | null {
  const [algorithm = "", digest = ""] = hash.split("-");
  if (/^[A=]+$/.test(digest)) {
    return { kind: "fake", what: "a fake hash was left in", why: "It was never built: every fetch fails." };
  }
  if (EMPTY.has(hash)) {
    return {
      kind: "empty",
      what: "the hash of nothing",
      why: "It names an empty file or directory, as a failed download leaves one.",
    };
  }
  if (algorithm === "md5" || algorithm === "sha1") {
    return {
      kind: "broken",
      what: `pinned with ${algorithm}`,
      why: `Two files with one ${algorithm} can be made, so the one that was reviewed need not be the one that is built.`,
    };
  }
  return null;
}
