/** https://crates.io/data-access: one request a second, and a user agent that says who asks. */
import * as z from "zod";
import { type Answer, known, type RegistryFacts } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { checksums, date, line, type Registry } from "./registry.ts";

export const cratesIo: Registry = {
  name: "crates.io",
  base: "https://crates.io/api/v1/",
  apart: 1_000,
  facts,
};

/** https://crates.io/api/openapi.json: `Version` */
const schema = z.object({
  version: z.object({
    checksum: z.string(),
    created_at: date,
    yanked: z.boolean(),
    yank_message: line.nullish(),
    published_by: z.object({ login: line }).nullish(),
    /** Set when a workflow published it, and no person. */
    trustpub_data: z.object({ repository: line.optional() }).nullish(),
    repository: line.nullish(),
  }),
});

async function facts(ask: Ask, { name, version }: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const answer = await ask(schema, `crates/${inPath(name)}/${inPath(version)}`);
  if (!answer.known || answer.value === null) return answer as Answer<null>;
  const said = answer.value.version;
  return known({
    registry: "crates.io",
    name,
    version,
    published: said.created_at,
    publisher: said.published_by?.login ?? said.trustpub_data?.repository ?? null,
    withdrawn: said.yanked ? { kind: "yanked", reason: said.yank_message ?? null } : null,
    attested: said.trustpub_data ? true : said.published_by ? false : null,
    hasFile: true,
    checksums: checksums(["sha256", said.checksum]),
    repository: said.repository ?? null,
  });
}
