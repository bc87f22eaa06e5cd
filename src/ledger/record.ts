/** A record of the ledger: one verdict, with what it is about, and when, where and by which version it was reached. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { OUTCOMES } from "../report/review.ts";

const schema = z.strictObject({
  schema: z.literal("verifod-ledger-v1"),
  /** Unique: a record with an id that is there already is not written again. */
  id: z.string().min(1).max(200),
  at: z.iso.datetime(),
  /** Where the fetch was made from: a host, or the address of a workflow run. */
  vantage: z.string().max(500),
  /** The version of Verifod. */
  tool: z.string().max(50),
  /** False: code that nobody had accepted yet may have influenced it. Such a record clears nothing. */
  trusted: z.boolean(),
  commit: z.string().max(64),
  attrs: z.array(z.string().max(500)).max(50),
  name: z.string().max(500),
  /** Names the derivation with all its inputs. */
  drvPath: z.string().max(500),
  /** As in the recipe; null where only the derivation is known. */
  fetcher: z.string().max(200).nullable(),
  urls: z.array(z.string().max(4_000)).max(50),
  rev: z.string().max(500).nullable(),
  /** The fetcher's other arguments, as they stand in the recipe. */
  flags: z.record(z.string().max(200), z.string().max(1_000)),
  /** SRI. */
  declared: z.string().min(1).max(200),
  got: z.string().max(200).nullable(),
  outcome: z.enum(OUTCOMES),
  reason: z.string().max(2_000),
});

export type LedgerRecord = Readonly<z.infer<typeof schema>>;

/** What the first record is chained to. */
export const GENESIS = "0".repeat(64);

/** Ties a record to its place and to all records before it; in hex. `text` is the record exactly as stored. */
export function digestOf(previous: string, sequence: number, text: string): string {
  return createHash("sha256").update(`${previous}\n${sequence}\n${text}`).digest("hex");
}

/**
 * The text of a record as it is stored: JSON on one line. JSON escapes NUL and lone surrogates, so every database accepts it.
 * Throws for a record that does not fit the schema: whoever makes records clips what others wrote.
 */
export function writeRecord(record: LedgerRecord): string {
  return JSON.stringify(schema.parse(record));
}

/** The record of a stored text; null when it is none. */
export function readRecord(text: string): LedgerRecord | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
