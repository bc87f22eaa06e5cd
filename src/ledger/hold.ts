/** Locks a directory: two processes in one embedded database would destroy it. */
import { createHash } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { VerifodError } from "../errors.ts";

const POLL_MILLISECONDS = 200;

/**
 * Holds a directory, waiting up to `waitSeconds` for another process to let go of it. It is held until the returned function
 * is called or the process ends, however it ends: the kernel frees the socket that stands for it.
 * @throws VerifodError (outside) when another process (or this one) holds it.
 */
export async function holdDirectory(directory: string, waitSeconds: number): Promise<() => void> {
  const address = addressOf(directory);
  const deadline = performance.now() + waitSeconds * 1_000;
  let server = await take(address);
  while (server === null && performance.now() < deadline) {
    await sleep(POLL_MILLISECONDS);
    server = await take(address);
  }
  if (server === null) {
    throw new VerifodError(
      "outside",
      `another process uses the ledger in ${directory}: wait for it, or share one by VERIFOD_DATABASE_URL`,
    );
  }
  const held = server;
  held.unref();
  return () => held.close();
}

/** Null: another process has it. */
async function take(address: string): Promise<Server | null> {
  const server = await listen(address);
  // A socket file outlives its process; one in Linux' abstract namespace does not.
  if (server !== null || address.startsWith("\0") || (await answers(address))) return server;
  rmSync(address, { force: true });
  return listen(address);
}

/** https://man7.org/linux/man-pages/man7/unix.7.html (abstract) */
function addressOf(directory: string): string {
  const path = realpathSync(directory);
  if (process.platform !== "linux") return join(path, "verifod.sock");
  return `\0verifod-${createHash("sha256").update(path).digest("hex")}`;
}

/** Null: somebody listens there. */
function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(null) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
