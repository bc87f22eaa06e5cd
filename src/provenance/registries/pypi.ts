/** https://docs.pypi.org/api/json/#get-a-release */
import * as z from "zod";
import { type Answer, known, type RegistryFacts } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { checksums, date, line, type Registry } from "./registry.ts";

export const pypi: Registry = { name: "PyPI", base: "https://pypi.org/pypi/", apart: 0, facts };

const schema = z.object({
  info: z.object({
    yanked: z.boolean().nullish(),
    yanked_reason: line.nullish(),
    project_urls: z.record(z.string(), line).nullish(),
  }),
  urls: z.array(
    z.object({
      filename: z.string(),
      digests: z.object({ sha256: z.string(), md5: z.string().nullish() }),
      upload_time_iso_8601: date,
      yanked: z.boolean().nullish(),
      yanked_reason: line.nullish(),
    }),
  ),
});

async function facts(ask: Ask, wanted: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const { name, version } = wanted;
  const answer = await ask(schema, `${inPath(name)}/${inPath(version)}/json`);
  if (!answer.known || answer.value === null) return answer as Answer<null>;
  const { info, urls } = answer.value;
  const file = urls.find(({ filename }) => plain(filename) === plain(wanted.file ?? ""));
  const first = urls.map((each) => each.upload_time_iso_8601).sort()[0] ?? null;
  const yanked = (file?.yanked ?? info.yanked) === true;
  return known({
    registry: "PyPI",
    name,
    version,
    published: file?.upload_time_iso_8601 ?? first,
    // The package names its authors itself; PyPI does not tell who uploaded it.
    publisher: null,
    withdrawn: yanked ? { kind: "yanked", reason: file?.yanked_reason ?? info.yanked_reason ?? null } : null,
    attested: null,
    hasFile: file !== undefined,
    checksums: checksums(["sha256", file?.digests.sha256], ["md5", file?.digests.md5]),
    repository: repositoryOf(info.project_urls ?? {}),
  });
}

/** The spelling of a name does not matter to PyPI. */
function plain(file: string): string {
  return file.toLowerCase().replace(/[-_.]+/g, "-");
}

/** https://packaging.python.org/en/latest/specifications/well-known-project-urls/ */
function repositoryOf(urls: Readonly<Record<string, string>>): string | null {
  const labels = new Set(["source", "sourcecode", "repository", "github"]);
  const found = Object.entries(urls).find(([label]) =>
    labels.has(label.toLowerCase().replace(/[^a-z]/g, "")),
  );
  return found?.[1] ?? null;
}
