/** One way to talk to PostgreSQL, be it a server or the one that is embedded (PGlite). */
import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import type { Sql } from "postgres";
import { messageOf, VerifodError } from "../errors.ts";
import { optimizeLater } from "../v8-flags.ts";
import { holdDirectory } from "./hold.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface Queries {
  query(text: string, parameters?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface Database extends Queries {
  /** Runs `work` in a transaction: all of it, or nothing when it throws. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Where the records are: `postgres://…`, or the directory of the embedded one. */
  readonly location: string;
  readonly readOnly: boolean;
  /** How long to wait for another process that has the embedded one, in seconds. */
  readonly waitSeconds?: number;
}

export function isServer(location: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(location);
}

/**
 * Connects. The embedded database is made when its directory is empty or missing, and belongs to one process at a time.
 * @throws VerifodError (outside) when it cannot be reached, or another process has it.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return isServer(options.location) ? openServer(options) : openEmbedded(options);
}

/** A server that takes no connection is told soon; one that takes long to answer is waited for. */
const CONNECT_SECONDS = 15;

/**
 * Connects to a server, with at most `max` connections.
 * @throws VerifodError (outside) when it cannot be reached
 */
export async function connectServer(
  location: string,
  {
    max,
    connection,
  }: { readonly max: number; readonly connection: Readonly<Record<string, string | boolean>> },
): Promise<Sql> {
  const { default: postgres } = await import("postgres");
  const sql = postgres(location, {
    max,
    connect_timeout: CONNECT_SECONDS,
    // By a connection others see that a process lives.
    max_lifetime: null,
    onnotice: () => {},
    connection,
  });
  try {
    await sql.unsafe("select 1");
  } catch (error) {
    await sql.end({ timeout: 0 });
    // Not the address: it can hold a password.
    throw new VerifodError(
      "outside",
      `PostgreSQL cannot be reached: ${messageOf(error)}: see VERIFOD_DATABASE_URL`,
      { cause: error },
    );
  }
  return sql;
}

async function openServer({ location, readOnly }: DatabaseOptions): Promise<Database> {
  const sql = await connectServer(location, {
    max: 1,
    connection: {
      application_name: "verifod",
      ...(readOnly ? { default_transaction_read_only: true } : {}),
    },
  });
  const queries = (on: Pick<typeof sql, "unsafe">): Queries => ({
    query: async (text, parameters = []) => [...(await on.unsafe<Row[]>(text, [...parameters] as never[]))],
  });
  return {
    ...queries(sql),
    transaction: async (work) =>
      (await sql.begin((on) => work(queries(on)))) as Awaited<ReturnType<typeof work>>,
    close: () => sql.end({ timeout: 5 }),
  };
}

async function openEmbedded({ location, readOnly, waitSeconds = 0 }: DatabaseOptions): Promise<Database> {
  await mkdir(location, { recursive: true }).catch((error: unknown) => {
    throw new VerifodError("outside", `the ledger's directory cannot be made: ${messageOf(error)}`);
  });
  // PostgreSQL writes also to be read, and says no more than that it does not start.
  const { R_OK, W_OK, X_OK } = constants;
  await access(location, R_OK | W_OK | X_OK).catch((error: unknown) => {
    throw new VerifodError(
      "outside",
      `the embedded ledger is written also to be read, and may not be: ${messageOf(error)}: run this as its owner, or share one by VERIFOD_DATABASE_URL`,
    );
  });
  const release = await holdDirectory(location, waitSeconds);
  try {
    optimizeLater();
    // 27 MB of WebAssembly and a second of start: only for who asks for it.
    const { PGlite } = await import("@electric-sql/pglite");
    // Without -F (no fsync): what was reported as written is on the disk.
    const startParams = PGlite.defaultStartParams.filter((parameter) => parameter !== "-F");
    const database = await PGlite.create(location, { startParams });
    if (readOnly) await database.exec("set default_transaction_read_only = on");
    const queries = (on: Pick<typeof database, "query">): Queries => ({
      query: async (text, parameters = []) => (await on.query<Row>(text, [...parameters])).rows,
    });
    return {
      ...queries(database),
      transaction: (work) => database.transaction((on) => work(queries(on))),
      async close() {
        await database.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw new VerifodError(
      "outside",
      `the embedded ledger in ${location} cannot be opened: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
