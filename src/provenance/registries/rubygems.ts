/** https://guides.rubygems.org/rubygems-org-api-v2/; ten requests a second are allowed: /rubygems-org-rate-limits/ */
import * as z from "zod";
import { type Answer, known, type RegistryFacts } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { checksums, date, line, type Registry } from "./registry.ts";

export const rubygems: Registry = {
  name: "RubyGems",
  base: "https://rubygems.org/api/v2/",
  apart: 100,
  facts,
};

const schema = z.object({
  sha: z.string(),
  created_at: date,
  yanked: z.boolean().nullish(),
  source_code_uri: line.nullish(),
});

/** A yanked version is not found, like one that never existed. */
async function facts(ask: Ask, file: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const { name, version, platform } = file;
  const path = `rubygems/${inPath(name)}/versions/${inPath(version)}.json?platform=${inPath(platform ?? "ruby")}`;
  const answer = await ask(schema, path);
  if (!answer.known || answer.value === null) return answer as Answer<null>;
  const said = answer.value;
  return known({
    registry: "RubyGems",
    name,
    version,
    published: said.created_at,
    publisher: null,
    withdrawn: said.yanked ? { kind: "yanked", reason: null } : null,
    attested: null,
    hasFile: true,
    checksums: checksums(["sha256", said.sha]),
    repository: said.source_code_uri ?? null,
  });
}
