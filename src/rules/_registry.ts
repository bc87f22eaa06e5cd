/** What a package registry's checksum means for findings about a hash. */
import type { Source } from "../nix/model.ts";
import { told } from "../provenance/answers.ts";
import { compareChecksum } from "../provenance/checksum.ts";
import type { Facts } from "./rule.ts";

/**
 * The registry whose checksum for the file is the pin's hash; null: there is none. sha1 and md5 do not count, since two
 * files with the same one can be made.
 */
export function agreeingRegistry({ upstream }: Facts, source: Source): string | null {
  const facts = told(upstream?.pins.get(source)?.registry ?? null);
  const isStrong = /^sha(?:256|512)-/.test(source.hash ?? "");
  return facts && isStrong && compareChecksum(source, facts).kind === "agrees" ? facts.registry : null;
}
