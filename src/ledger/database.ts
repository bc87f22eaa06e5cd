/** One interface to PostgreSQL, be it a server or the embedded one (PGlite). */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";
import { messageOf, VerifodError } from "../errors.ts";
import { makeFolder } from "../replace-file.ts";
import { optimizeLater } from "../v8-flags.ts";
import { holdDirectory } from "./hold.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface Queries {
  query<R = Row>(text: string, parameters?: readonly unknown[]): Promise<readonly R[]>;
}

/** A statement for `query`: values in the template become parameters, and never part of the text. */
export function sql(
  texts: TemplateStringsArray,
  ...parameters: readonly unknown[]
): [text: string, parameters: readonly unknown[]] {
  return [texts.reduce((text, next, index) => `${text}$${index}${next}`), parameters];
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

/** How long to wait for a connection; a server that answers slowly after that is waited for. */
const CONNECT_MS = 15_000;
/** How long queries under way may keep a process that wants to end. */
const CLOSE_MS = 5_000;

export interface ServerOptions {
  readonly location: string;
  /** The most connections. They are kept open: by them others see that this process lives. */
  readonly max: number;
  readonly applicationName: string;
  readonly readOnly?: boolean;
  /** Called with what arrives on the channels that a connection listens to. */
  readonly heard?: (payload: string) => void;
}

/**
 * Connects to a server. When a connection is lost, queries on it fail; the next query opens another.
 * @throws VerifodError (outside) when it cannot be reached
 */
export async function connectServer(options: ServerOptions): Promise<Database> {
  const { Pool } = await import("pg");
  const pool = new Pool({
    connectionString: addressFor(options),
    max: options.max,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 0,
  });
  // Queries on a lost connection fail by themselves; without a listener a lost idle connection would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", () => {});
    client.on("notification", ({ payload = "" }) => options.heard?.(payload));
  });
  try {
    await pool.query("select 1");
  } catch (error) {
    await close(pool);
    // Without the address: it can hold a password.
    throw new VerifodError(
      "outside",
      `PostgreSQL cannot be reached: ${messageOf(error)}: see VERIFOD_DATABASE_URL`,
      { cause: error },
    );
  }
  return {
    ...queriesOn(pool),
    transaction: (work) => inTransaction(pool, work),
    close: () => close(pool),
  };
}

/** The address with our settings in it: to the library, settings in the address take precedence over options. */
function addressFor({ location, applicationName, readOnly }: ServerOptions): string {
  if (!URL.canParse(location)) {
    throw new VerifodError(
      "outside",
      "VERIFOD_DATABASE_URL is no address like postgres://USER@HOST/DATABASE",
    );
  }
  const address = new URL(location);
  address.searchParams.set("application_name", applicationName);
  if (readOnly) {
    const given = address.searchParams.get("options") ?? "";
    address.searchParams.set("options", `${given} -c default_transaction_read_only=on`.trim());
  }
  return address.href;
}

function queriesOn(on: Pool | PoolClient): Queries {
  return {
    query: async <R>(text: string, parameters: readonly unknown[] = []) =>
      (await on.query(text, [...parameters])).rows as R[],
  };
}

async function inTransaction<T>(pool: Pool, work: (queries: Queries) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query("begin");
    const result = await work(queriesOn(client));
    await client.query("commit");
    failed = false;
    return result;
  } finally {
    // The server rolls back what a connection leaves open.
    client.release(failed);
  }
}

async function close(pool: Pool): Promise<void> {
  const late = new AbortController();
  const ended = pool.end().finally(() => late.abort());
  await Promise.race([
    ended,
    sleep(CLOSE_MS, undefined, { signal: late.signal, ref: false }).catch(() => {}),
  ]);
}

function openServer({ location, readOnly }: DatabaseOptions): Promise<Database> {
  return connectServer({ location, readOnly, max: 1, applicationName: "verifod" });
}

async function openEmbedded({ location, readOnly, waitSeconds = 0 }: DatabaseOptions): Promise<Database> {
  await makeFolder(location).catch((error: unknown) => {
    throw new VerifodError("outside", `the ledger's directory cannot be made: ${messageOf(error)}`);
  });
  // PostgreSQL writes even when it is only read; without permission it just says that it does not start.
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
    // 27 MB of WebAssembly, and a second to start: loaded only when it is needed.
    const { PGlite } = await import("@electric-sql/pglite");
    // Without -F (no fsync): what was reported as written is on the disk.
    const startParams = PGlite.defaultStartParams.filter((parameter) => parameter !== "-F");
    const database = await PGlite.create(location, { startParams });
    if (readOnly) await database.exec("set default_transaction_read_only = on");
    const queries = (on: Pick<typeof database, "query">): Queries => ({
      query: async <R>(text: string, parameters: readonly unknown[] = []) =>
        (await on.query<R>(text, [...parameters])).rows,
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
