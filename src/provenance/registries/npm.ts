/** https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md */
import * as z from "zod";
import { type Answer, known, type RegistryFacts } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { checksums, date, line, type Registry } from "./registry.ts";

export const npm: Registry = { name: "npm", base: "https://registry.npmjs.org/", apart: 0, facts };

const versionSchema = z.object({
  dist: z.object({
    /** SRI, or several of them. */
    integrity: z.string().max(1_000).nullish(),
    shasum: z.string().nullish(),
    attestations: z.unknown().optional(),
  }),
  /** A text, or false once that was taken back. */
  deprecated: z.union([line, z.boolean()]).nullish(),
  _npmUser: z.object({ name: line }).nullish(),
  repository: z
    .union([line, z.object({ url: line }).transform(({ url }) => url)])
    .nullish()
    .catch(null),
});

/** All versions of a package in one document, the only one with their times. */
const packageSchema = z.object({
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.unknown()).optional(),
});
/** Some packages' documents have tens of millions of bytes: then the version is asked for alone, and has no time. */
const MOST_BYTES = 8_000_000;

async function facts(ask: Ask, file: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const { name, version } = file;
  // A scope's slash is escaped, since the registry would take the rest for a version; its `@` is not.
  const path = inPath(name).replace(/^%40/, "@");
  const all = await ask(packageSchema, path, { bytes: MOST_BYTES });
  if (all.known && all.value === null) return known(null);
  if (all.known && all.value !== null) {
    const { versions, time } = all.value;
    if (!Object.hasOwn(versions, version)) return known(null);
    const said = versionSchema.safeParse(versions[version]);
    if (said.success) return known(factsOf(file, said.data, date.safeParse(time?.[version]).data ?? null));
  }
  const alone = await ask(versionSchema, `${path}/${inPath(version)}`);
  if (!alone.known || alone.value === null) return alone as Answer<null>;
  return known(factsOf(file, alone.value, null));
}

type Said = z.infer<typeof versionSchema>;

function factsOf({ name, version }: PackageFile, said: Said, published: string | null): RegistryFacts {
  const { dist, deprecated, _npmUser, repository } = said;
  const integrity = (dist.integrity ?? "").split(/\s+/).map((text) => [undefined, text] as const);
  return {
    registry: "npm",
    name,
    version,
    published,
    publisher: _npmUser?.name ?? null,
    withdrawn:
      typeof deprecated === "string" && deprecated !== "" ? { kind: "deprecated", reason: deprecated } : null,
    attested: dist.attestations !== undefined && dist.attestations !== null,
    hasFile: true,
    checksums: checksums(...integrity, ["sha1", dist.shasum]),
    repository: repository ?? null,
  };
}
