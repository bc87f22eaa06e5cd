/** The tables of the ledger, step by step. A step that was released is never changed: a new one comes after it. */
import { VerifodError } from "../errors.ts";
import type { Database } from "./database.ts";

const STEPS: readonly (readonly string[])[] = [
  [
    `create table verdicts (
      seq bigint primary key,
      id text not null unique,
      declared text not null,
      digest text not null,
      record text not null
    )`,
    "create index verdicts_declared on verdicts (declared, seq desc)",
    `create function verdicts_are_final() returns trigger language plpgsql as $$
      begin raise exception 'the ledger is append-only'; end
    $$`,
    `create trigger verdicts_are_final before update or delete or truncate on verdicts
      for each statement execute function verdicts_are_final()`,
  ],
];

/** One lock for all that must not run side by side: migrations and appending. */
export const LOCK_STATEMENT = "select pg_advisory_xact_lock(7238155046571094)";

/** How many steps a database has; 0 for an empty one. */
export async function versionOf(database: Database): Promise<number> {
  const [row] = await database.query("select to_regclass('verifod_migrations') is not null as there");
  if (row?.there !== true) return 0;
  const [version] = await database.query("select max(version) as version from verifod_migrations");
  return Number(version?.version ?? 0);
}

/**
 * Brings the tables to the form that this version uses.
 * @throws VerifodError (outside) when a newer version of Verifod made them.
 */
export async function migrate(database: Database): Promise<void> {
  const version = await versionOf(database);
  checkNotNewer(version);
  if (version === STEPS.length) return;
  await database.transaction(async (queries) => {
    await queries.query(LOCK_STATEMENT);
    await queries.query(
      "create table if not exists verifod_migrations (version integer primary key, at timestamptz not null default now())",
    );
    const [row] = await queries.query("select coalesce(max(version), 0) as version from verifod_migrations");
    for (let step = Number(row?.version ?? 0); step < STEPS.length; step++) {
      for (const statement of STEPS[step] ?? []) await queries.query(statement);
      await queries.query("insert into verifod_migrations (version) values ($1::integer)", [step + 1]);
    }
  });
}

/** @throws VerifodError (outside) for tables of a newer version: what they mean is not known here. */
export function checkNotNewer(version: number): void {
  if (version <= STEPS.length) return;
  throw new VerifodError(
    "outside",
    `the ledger was made by a newer verifod (tables ${version}, this one knows ${STEPS.length}): update verifod`,
  );
}
