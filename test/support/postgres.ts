/** A real PostgreSQL server for tests, on a free port of loopback, in a temporary folder. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postgresPrograms } from "./programs.ts";

export interface PostgresServer {
  /** Where all of it is. */
  readonly directory: string;
  /** The address of an empty database that nobody had before. */
  database(): string;
  /** Ends the server's processes at once, as a crash would, and starts it again on what they left. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

function programs(): string {
  const found = postgresPrograms();
  if (found === null) throw new Error("no PostgreSQL server here: apt-get install postgresql");
  return found;
}

/** PostgreSQL refuses to run as root. */
function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs();
  const as = identity();
  const directory = mkdtempSync(join(tmpdir(), "verifod-postgres-"));
  if (as.uid !== undefined && as.gid !== undefined) chownSync(directory, as.uid, as.gid);
  const data = join(directory, "data");
  const options = { ...as, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: "C" } };
  execFileSync(`${bin}/initdb`, ["-D", data, "-U", "verifod", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...options,
    stdio: "pipe",
  });
  const port = await freePort();
  const psql = (command: string) =>
    execFileSync(`${bin}/psql`, ["-qh127.0.0.1", `-p${port}`, "-Uverifod", "postgres", "-c", command], {
      ...options,
      stdio: "pipe",
    });
  let server: ChildProcess;

  async function start(): Promise<void> {
    server = spawn(`${bin}/postgres`, ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", directory], {
      ...options,
      stdio: "ignore",
    });
    for (let tries = 0; ; tries++) {
      try {
        psql("select 1");
        return;
      } catch (error) {
        if (tries === 300 || server.exitCode !== null) throw error;
        await sleep(100);
      }
    }
  }

  await start();
  let databases = 0;
  return {
    directory,
    database() {
      databases += 1;
      psql(`create database test_${databases}`);
      return `postgres://verifod@127.0.0.1:${port}/test_${databases}`;
    },
    async crash() {
      const ended = once(server, "exit");
      // SIGQUIT is PostgreSQL's immediate shutdown: its processes end where they are.
      server.kill("SIGQUIT");
      await ended;
      await start();
    },
    async stop() {
      const ended = once(server, "exit");
      server.kill("SIGQUIT");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
