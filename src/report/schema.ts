/**
 * The public form of a review, for reading one that another program wrote, and for schema/verifod-review-v1.schema.json.
 * Loads zod: reviews themselves do not need it.
 */
import * as z from "zod";
import { type Review, SCHEMA, SEVERITIES } from "./review.ts";

/** Bounds against a report that is made to exhaust its reader; honest ones stay far below. */
const text = (limit = 20_000) => z.string().max(limit);
const list = <T extends z.ZodType>(item: T, limit = 50_000) => z.array(item).max(limit);

const path = text(4_096);
const line = z.int().min(1);
const attrs = list(text(1_000));
const oid = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const fingerprint = z.string().regex(/^[0-9a-f]{64}$/);
const rule = z
  .string()
  .max(100)
  .regex(/^[a-z0-9-]+$/);

const finding = z.strictObject({
  rule,
  severity: z.enum(SEVERITIES),
  confidence: z.enum(["high", "medium", "low"]),
  title: text(1_000).describe("One line, no full stop"),
  message: text().describe("What changed, why it matters, what would clear it"),
  path,
  side: z.enum(["base", "head"]),
  startLine: line,
  endLine: line,
  startColumn: line.describe("From 1, in UTF-16 code units"),
  endColumn: line.describe("The column after the last character"),
  attrs,
  before: text(1_000_000).nullable(),
  after: text(1_000_000).nullable(),
  evidence: list(z.enum(["static", "evaluated", "refetched", "forge", "ledger"]), 5),
  related: list(z.strictObject({ path, line, note: text() }), 1_000),
  fingerprint: fingerprint.describe("The same for the same finding, wherever code moves in its file"),
  help: text(1_000).describe("The address of the rule's page"),
});

const pin = z.strictObject({
  path,
  line,
  version: text().nullable().describe("null: the text does not say"),
  urls: list(text(), 1_000).describe("What the fetcher would download, in order"),
  rev: text().nullable(),
  hash: text().nullable().describe("SRI, whatever the spelling in the file; null: none, or not known"),
  resolved: z.boolean().describe("False: a part stands as ${expression}"),
});

const upstream = z
  .strictObject({
    project: text(1_000).nullable().describe("As it is called now"),
    commit: text(100).nullable().describe("What the tag or branch names now, or the commit that is named"),
    published: text(100).nullable().describe("ISO 8601"),
    publisher: text(1_000).nullable(),
    compare: text(5_000).nullable().describe("The page on which the forge compares the two sides"),
    missing: list(text(100), 10).exactOptional().describe("What the pin names and upstream does not have"),
    checksum: z
      .union([
        z.strictObject({ kind: z.enum(["agrees", "disagrees"]), registry: text(200).describe("SRI") }),
        z.strictObject({ kind: z.literal("not-comparable"), reason: text(1_000) }),
      ])
      .exactOptional()
      .describe("The registry's checksum of the file beside the hash; only of what a registry has"),
    withdrawn: z
      .strictObject({ kind: z.enum(["yanked", "deprecated"]), reason: text(1_000).nullable() })
      .exactOptional()
      .describe("Nobody should use the version, by its registry"),
    unknown: list(text(1_000), 100).describe("What could not be asked, and why"),
  })
  .describe("What upstream says; only where it was asked");

const pinOf = {
  path,
  binding: text(),
  fetcher: text().nullable(),
  attrs,
  upstream: upstream.exactOptional(),
};
const pinChange = z.discriminatedUnion("change", [
  z.strictObject({ ...pinOf, change: z.literal("added"), before: z.null(), after: pin }),
  z.strictObject({ ...pinOf, change: z.literal("removed"), before: pin, after: z.null() }),
  z.strictObject({ ...pinOf, change: z.enum(["changed", "moved"]), before: pin, after: pin }),
]);

const verdict = z.strictObject({
  name: text(),
  drvPath: text(),
  attrs,
  declared: text(),
  got: text().nullable(),
  outcome: z.enum(["match", "mismatch", "unstable", "unavailable", "unsupported", "not-checked"]),
  reason: text(),
  introduced: z.boolean().describe("False: the base has the same outcome"),
  urls: list(
    z.strictObject({
      url: text(),
      finalUrl: text().nullable(),
      status: z.int().nullable(),
      bytes: z.number().min(0).nullable(),
    }),
    1_000,
  ),
  seconds: z.number().min(0),
});

export const reviewSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  tool: z.strictObject({ name: z.literal("verifod"), version: text(100) }),
  base: oid,
  head: oid,
  complete: z.boolean().describe("False: see unchecked"),
  findings: list(finding),
  sources: list(pinChange, 500_000).describe("Every source pin that differs between base and head"),
  verdicts: list(verdict).describe("Only with verification"),
  unchecked: list(z.strictObject({ what: text(), reason: text() })),
  suppressed: list(z.strictObject({ rule, path, line, reason: text(), fingerprint })).describe(
    "Findings that a comment in the base silences",
  ),
  addedSuppressions: list(
    z.strictObject({ path, line, rules: list(text(), 1_000), reason: text() }),
  ).describe("Suppressions that the change adds: they silence nothing yet"),
  provenance: z
    .strictObject({
      requests: z.int().min(0),
      unanswered: list(z.strictObject({ what: text(), reason: text() })),
    })
    .exactOptional()
    .describe("How upstream was asked; only where it was"),
  stats: z.strictObject({ files: z.int().min(0), milliseconds: z.number().min(0) }),
}) satisfies z.ZodType<Review>;

/** The JSON Schema of a review. */
export function reviewJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(reviewSchema, { target: "draft-7" });
  return { $schema, title: "A review by Verifod (verifod-review-v1)", ...rest };
}
