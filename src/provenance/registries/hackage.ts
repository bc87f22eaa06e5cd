/** https://hackage.haskell.org/api */
import * as z from "zod";
import { type Answer, known, type RegistryFacts } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { date, line, type Registry } from "./registry.ts";

export const hackage: Registry = {
  name: "Hackage",
  base: "https://hackage.haskell.org/package/",
  apart: 0,
  facts,
};

/** Each version with `normal`, `unpreferred` or `deprecated`. */
const versionsSchema = z.record(z.string(), z.string());
const revisionSchema = z.object({ uploaded_at: date, uploader: line.nullish() });

/** Without checksums: these are only in the index of all packages, of some hundred million bytes. */
async function facts(ask: Ask, { name, version }: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const versions = await ask(versionsSchema, inPath(name));
  if (!versions.known) return versions;
  if (versions.value === null || !Object.hasOwn(versions.value, version)) return known(null);
  // The first revision came with the archive; later ones change the description alone.
  const first = await ask(revisionSchema, `${inPath(name)}-${inPath(version)}/revision/0`);
  if (!first.known) return first;
  return known({
    registry: "Hackage",
    name,
    version,
    published: first.value?.uploaded_at ?? null,
    publisher: first.value?.uploader ?? null,
    withdrawn: versions.value[version] === "deprecated" ? { kind: "deprecated", reason: null } : null,
    attested: null,
    hasFile: true,
    checksums: [],
    repository: null,
  });
}
