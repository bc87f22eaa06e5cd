/** The one interface behind which package registries are asked. */
import * as z from "zod";
import { type HashAlgorithm, toSri } from "../../nix/hash.ts";
import type { Answer, RegistryFacts, RegistryName } from "../answers.ts";
import type { Ask } from "./client.ts";
import type { PackageFile } from "./packages.ts";

export interface Registry {
  readonly name: RegistryName;
  /** Where its API answers, with a slash at the end. */
  readonly base: string;
  /** Milliseconds that it wants between two requests of one client. */
  readonly apart: number;
  /** What it says of a file; null: it has no such version. */
  readonly facts: (ask: Ask, file: PackageFile) => Promise<Answer<RegistryFacts | null>>;
}

/** A date of an API, as ISO 8601 in UTC. */
export const date = z
  .string()
  .max(40)
  // Without a zone, as PyPI and Hex may write it, it is UTC.
  .transform((text) => new Date(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`))
  .refine((time) => Number.isFinite(time.getTime()))
  .transform((time) => time.toISOString());

/** A line for people. */
export const line = z.string().transform((text) => text.slice(0, 1_000));

/** Checksums in SRI, of what a registry gives in any spelling; what is no checksum is left out. */
export function checksums(
  ...given: readonly (readonly [HashAlgorithm | undefined, string | null | undefined])[]
) {
  return given.flatMap(([algorithm, text]) => {
    const sri = text ? toSri(text, algorithm) : null;
    return sri === null ? [] : [sri];
  });
}
