/** https://github.com/hexpm/specifications/blob/main/apiary.apib: a hundred requests a minute. */
import * as z from "zod";
import { type Answer, known, type RegistryFacts, type Withdrawal } from "../answers.ts";
import { type Ask, inPath } from "./client.ts";
import type { PackageFile } from "./packages.ts";
import { checksums, date, line, type Registry } from "./registry.ts";

export const hex: Registry = { name: "Hex", base: "https://hex.pm/api/", apart: 600, facts };

const schema = z.object({
  /** Of the whole archive, not the "inner" one of its contents. */
  checksum: z.string(),
  inserted_at: date,
  retirement: z.object({ reason: line.nullish(), message: line.nullish() }).nullish(),
  publisher: z.object({ username: line }).nullish(),
});

async function facts(ask: Ask, { name, version }: PackageFile): Promise<Answer<RegistryFacts | null>> {
  const answer = await ask(schema, `packages/${inPath(name)}/releases/${inPath(version)}`);
  if (!answer.known || answer.value === null) return answer as Answer<null>;
  const said = answer.value;
  return known({
    registry: "Hex",
    name,
    version,
    published: said.inserted_at,
    publisher: said.publisher?.username ?? null,
    withdrawn: withdrawalOf(said.retirement ?? null),
    attested: null,
    hasFile: true,
    checksums: checksums(["sha256", said.checksum]),
    repository: null,
  });
}

/** https://hex.pm/docs/faq: renamed, deprecated, security, invalid, other */
function withdrawalOf(
  retirement: {
    readonly reason?: string | null | undefined;
    readonly message?: string | null | undefined;
  } | null,
): Withdrawal | null {
  // Without a reason there is no retirement: the view gives an empty object then.
  if (!retirement?.reason) return null;
  const { reason, message } = retirement;
  return {
    kind: reason === "renamed" || reason === "deprecated" ? "deprecated" : "yanked",
    reason: message ? `${reason}: ${message}` : reason,
  };
}
