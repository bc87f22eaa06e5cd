// Needs: postgresql
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectServer, type Database, type ServerOptions, sql } from "../../src/ledger/database.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function connected<T>(
  options: Partial<ServerOptions>,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await connectServer({
    location: server.database(),
    max: 1,
    applicationName: "ours",
    ...options,
  });
  return use(database).finally(() => database.close());
}

test("an address does not undo our settings, and keeps its own", async () => {
  const location = `${server.database()}?application_name=theirs&options=-c%20work_mem%3D5MB`;
  const settings = await connected({ location, readOnly: true }, (database) =>
    database.query(
      "select current_setting('application_name') as name, current_setting('work_mem') as memory, current_setting('transaction_read_only') as \"readOnly\"",
    ),
  );
  expect(settings).toEqual([{ name: "ours", memory: "5MB", readOnly: "on" }]);
});

test("what is put into a statement is no part of its text", async () => {
  expect(sql`select ${"a"}, ${["b"]}`).toEqual(["select $1, $2", ["a", ["b"]]]);
  const [row] = await connected({}, (database) =>
    database.query(...sql`select ${"'; drop"}::text as text, ${['"', "\\", "{"]}::text[] as list`),
  );
  expect(row).toEqual({ text: "'; drop", list: ['"', "\\", "{"] });
});

test("a transaction that throws leaves nothing, and the next one is another", async () => {
  await connected({}, async (database) => {
    await database.query("create table kept (n integer)");
    const failing = database.transaction(async (on) => {
      await on.query("insert into kept values (1)");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await database.transaction((on) => on.query("insert into kept values (2)"));
    expect(await database.query("select n from kept")).toEqual([{ n: 2 }]);
  });
});

test("a connection that is lost fails what was asked on it, and nothing else", async () => {
  const location = server.database();
  const heard: string[] = [];
  const options = { location, heard: (payload: string) => heard.push(payload) };
  await connected(options, async (database) => {
    const lost = database.query("select pg_terminate_backend(pg_backend_pid())");
    await expect(lost).rejects.toThrow(/terminat/i);
    await database.query("listen told");
    await database.query("select pg_notify('told', 'again')");
    // One that nothing is asked on.
    await connected({ location, applicationName: "other" }, (other) =>
      other.query(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'ours'",
      ),
    );
    const again = () => database.query("select 1 as one");
    expect(await again().catch(again)).toEqual([{ one: 1 }]);
  });
  expect(heard).toEqual(["again"]);
});

test.each(["postgres://%zz", "postgres://127.0.0.1:1/none"])(
  "%s cannot be reached, and is not repeated",
  async (location) => {
    const failure: unknown = await connected({ location }, () => Promise.resolve()).catch((error) => error);
    expect(failure).toMatchObject({ name: "VerifodError", fault: "outside" });
    expect(String(failure)).toContain("VERIFOD_DATABASE_URL");
    expect(String(failure)).not.toContain(location);
  },
);
