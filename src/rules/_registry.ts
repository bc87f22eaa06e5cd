/** What a package registry's word does to findings about a hash. */
import type { Source } from "../nix/model.ts";
import { told } from "../provenance/answers.ts";
import { compareChecksum } from "../provenance/checksum.ts";
import type { Facts } from "./rule.ts";

/**
 * The registry that gives the pin's hash for the file that it fetches; null: none does. Two files with one sha1 or md5 can
 * be made, so that these say nothing.
 */
export function agreeingRegistry({ upstream }: Facts, source: Source): string | null {
  const facts = told(upstream?.pins.get(source)?.registry ?? null);
  const isStrong = /^sha(?:256|512)-/.test(source.hash ?? "");
  return facts && isStrong && compareChecksum(source, facts).kind === "agrees" ? facts.registry : null;
}
