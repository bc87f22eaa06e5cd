/**
 * The ledger: every verdict ever reached, in order, each tied to all before it by a hash, so that a record that is changed,
 * removed or inserted is noticed.
 */

import { stat } from "node:fs/promises";
import { type Database, isServer, openDatabase, type Queries, type Row } from "./database.ts";
import { checkNotNewer, LOCK_STATEMENT, migrate, versionOf } from "./migrations.ts";
import { digestOf, GENESIS, type LedgerRecord, readRecord, writeRecord } from "./record.ts";

/** A record with its place in the chain. */
export interface Entry {
  readonly sequence: number;
  readonly digest: string;
  readonly record: LedgerRecord;
}

/** The end of the chain. Whoever keeps one elsewhere can tell later that nothing before it was changed. */
export interface Head {
  readonly sequence: number;
  readonly digest: string;
}

export interface LedgerReader {
  /** For each declared hash (SRI) at most `limit` records, the newest first. */
  newest(declared: readonly string[], limit?: number): Promise<readonly Entry[]>;
  /** All records as stored, in order: `text` is the record's JSON. */
  stored(): AsyncGenerator<{ readonly sequence: number; readonly digest: string; readonly text: string }>;
  /** Checks the whole chain. */
  check(onProgress?: (sequence: number) => void): Promise<Check>;
  /** Whether the chain that once had this end is still the beginning of this one. */
  continues(head: Head): Promise<boolean>;
  close(): Promise<void>;
}

export interface Ledger extends LedgerReader {
  /**
   * Writes records in order, all or none, without those whose id is there already. When it resolves they are on disk. Returns
   * how many were new.
   */
  append(records: readonly LedgerRecord[]): Promise<number>;
}

export interface Check {
  readonly head: Head;
  /** The first place where the chain is broken, and how; null: intact. */
  readonly broken: { readonly sequence: number; readonly what: string } | null;
}

/** Rows read at a time. */
const PAGE = 2_000;

/**
 * Opens the ledger for writing; makes it if it does not exist. `location`: a directory, or `postgres://…`. Waits up to
 * `waitSeconds` for another process that has the embedded one.
 * @throws VerifodError (outside) when it cannot be reached or is of a newer version.
 */
export async function openLedger(location: string, waitSeconds = 0): Promise<Ledger> {
  const database = await openDatabase({ location, readOnly: false, waitSeconds });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { ...reader(database), append: (records) => append(database, records) };
}

/**
 * Opens the ledger for reading: the database itself refuses to write. Null when there is none yet.
 * @throws VerifodError as `openLedger`
 */
export async function openLedgerReader(location: string, waitSeconds = 0): Promise<LedgerReader | null> {
  if (!isServer(location) && (await isMissing(location))) return null;
  const database = await openDatabase({ location, readOnly: true, waitSeconds });
  try {
    const version = await versionOf(database);
    checkNotNewer(version);
    if (version > 0) return reader(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  await database.close();
  return null;
}

/** Whether a directory does not exist; false where that cannot be told. */
function isMissing(directory: string): Promise<boolean> {
  return stat(directory).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

async function append(database: Database, records: readonly LedgerRecord[]): Promise<number> {
  if (records.length === 0) return 0;
  return database.transaction(async (queries) => {
    await queries.query(LOCK_STATEMENT);
    const known = await queries.query("select id from verdicts where id = any($1::text[])", [
      records.map(({ id }) => id),
    ]);
    const ids = new Set(known.map(({ id }) => id));
    let { sequence, digest } = await headOf(queries);
    const first = sequence;
    const columns = {
      id: [] as string[],
      declared: [] as string[],
      digest: [] as string[],
      text: [] as string[],
    };
    for (const record of records) {
      if (ids.has(record.id)) continue;
      ids.add(record.id);
      const text = writeRecord(record);
      sequence += 1;
      digest = digestOf(digest, sequence, text);
      columns.id.push(record.id);
      columns.declared.push(record.declared);
      columns.digest.push(digest);
      columns.text.push(text);
    }
    await queries.query(
      `insert into verdicts (seq, id, declared, digest, record)
       select $1::bigint + n, id, declared, digest, record
       from unnest($2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
         as t (id, declared, digest, record, n)`,
      [first, columns.id, columns.declared, columns.digest, columns.text],
    );
    return sequence - first;
  });
}

async function headOf(queries: Queries): Promise<Head> {
  const [row] = await queries.query("select seq, digest from verdicts order by seq desc limit 1");
  return row ? { sequence: Number(row.seq), digest: String(row.digest) } : { sequence: 0, digest: GENESIS };
}

function reader(database: Database): LedgerReader {
  async function* rows(): AsyncGenerator<Row> {
    for (let last = 0; ; ) {
      const page = await database.query(
        "select seq, id, declared, digest, record from verdicts where seq > $1::bigint order by seq limit $2::integer",
        [last, PAGE],
      );
      yield* page;
      const end = page.at(-1);
      if (end === undefined) return;
      last = Number(end.seq);
    }
  }
  return {
    async newest(declared, limit = 20) {
      const found = await database.query(
        `select v.seq, v.digest, v.record from unnest($1::text[]) as h (declared)
         cross join lateral (
           select seq, digest, record from verdicts
           where verdicts.declared = h.declared order by seq desc limit $2::integer
         ) as v order by v.seq desc`,
        [[...new Set(declared)], limit],
      );
      return found.flatMap(({ seq, digest, record: text }) => {
        const record = readRecord(String(text));
        return record ? [{ sequence: Number(seq), digest: String(digest), record }] : [];
      });
    },
    async *stored() {
      for await (const { seq, digest, record } of rows()) {
        yield { sequence: Number(seq), digest: String(digest), text: String(record) };
      }
    },
    async check(onProgress = () => {}) {
      let head: Head = { sequence: 0, digest: GENESIS };
      try {
        // The chain begins with 1: a record before it would be found by its hash, but is tied to nothing.
        const [before] = await database.query("select seq from verdicts where seq < 1 order by seq limit 1");
        if (before) {
          return {
            head,
            broken: { sequence: Number(before.seq), what: "it stands before the first record" },
          };
        }
        for await (const row of rows()) {
          const what = faultOf(row, head);
          const sequence = Number(row.seq);
          if (what !== null) return { head, broken: { sequence, what } };
          head = { sequence, digest: String(row.digest) };
          if (sequence % PAGE === 0) onProgress(sequence);
        }
      } catch (error) {
        // The database itself notices damage to its files.
        const what = `the database cannot give it: ${error instanceof Error ? error.message : String(error)}`;
        return { head, broken: { sequence: head.sequence + 1, what } };
      }
      return { head, broken: null };
    },
    async continues({ sequence, digest }) {
      if (sequence === 0) return digest === GENESIS;
      const [row] = await database.query("select digest from verdicts where seq = $1::bigint", [sequence]);
      return row?.digest === digest;
    },
    close: () => database.close(),
  };
}

/** What is wrong with a row that comes after `head`; null: nothing. */
function faultOf(row: Row, head: Head): string | null {
  const sequence = Number(row.seq);
  const expected = head.sequence + 1;
  if (sequence !== expected) {
    return sequence === expected + 1
      ? `record ${expected} is missing`
      : `records ${expected} to ${sequence - 1} are missing`;
  }
  const text = String(row.record);
  if (digestOf(head.digest, sequence, text) !== row.digest) {
    return "it is not what was written, or the record before it is not";
  }
  const record = readRecord(text);
  if (record === null) return "it is no record that this version can read";
  if (record.declared !== row.declared || record.id !== row.id) {
    return "the columns that it is found by differ from the record";
  }
  return null;
}
