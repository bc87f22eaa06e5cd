/** Compares a registry's checksum with a pin's hash, if both are of the same bytes. */
import { formatSri, parseHash } from "../nix/hash.ts";
import type { Source } from "../nix/model.ts";
import { isGem } from "../nix/pin.ts";
import type { PinChecksum } from "../report/review.ts";
import type { RegistryFacts } from "./answers.ts";

/** Arguments of fetchurl and the like that do not affect the bytes. */
const HARMLESS = new Set(["curlOpts", "curlOptsList", "showURLs", "preferLocalBuild", "netrcPhase"]);
/** What a `gemset.nix` says of a gem beside its hash. */
const OF_A_GEM = new Set(["remotes", "type", "target", "targetCPU", "targetOS"]);

/** Null when a pin's hash is that of the file as it is downloaded; else why it is of other bytes, or may be. */
export function ofOtherBytes(source: Source): string | null {
  const shape = new Map(source.shape.map(({ name, text }) => [name, text]));
  switch (source.fetcher) {
    case "fetchurl":
    case "fetchurlBoot":
    case "fetchPypi":
    case "fetchHex":
      break;
    case "fetchCrate":
      if (shape.get("unpack") !== "false") return "the hash is of the unpacked files";
      shape.delete("unpack");
      break;
    case "fetchzip":
    case "fetchTarball":
      return "the hash is of the unpacked files";
    case null:
      if (!isGem(source)) return "the text does not say what the hash is of";
      for (const name of OF_A_GEM) shape.delete(name);
      break;
    default:
      return "the text does not say what the hash is of";
  }
  const other = [...shape.keys()].find((name) => !HARMLESS.has(name));
  return other === undefined ? null : `the fetcher's ${other} may change the bytes`;
}

/** Compares a pin with what the registry says of its file. */
export function compareChecksum(source: Source, facts: RegistryFacts): PinChecksum {
  const other = ofOtherBytes(source);
  if (other !== null) return { kind: "not-comparable", reason: other };
  const hash = parseHash(source.hash ?? "");
  if (!hash) return { kind: "not-comparable", reason: "the pin has no hash" };
  if (!facts.hasFile)
    return { kind: "not-comparable", reason: `${facts.registry} has no file of that name in this version` };
  const given = facts.checksums.flatMap((text) => parseHash(text) ?? []);
  const same = given.filter(({ algorithm }) => algorithm === hash.algorithm);
  const [first] = same;
  if (!first) {
    const algorithms = [...new Set(given.map(({ algorithm }) => algorithm))].join(" and ");
    return {
      kind: "not-comparable",
      reason: `the hash is ${hash.algorithm}, and ${facts.registry} gives ${algorithms || "none"}`,
    };
  }
  // An integrity value of npm may hold several hashes: npm accepts a file that has any of them.
  const equal = same.find(({ bytes }) => bytes.equals(hash.bytes));
  return { kind: equal ? "agrees" : "disagrees", registry: formatSri(equal ?? first) };
}
