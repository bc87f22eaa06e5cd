/** Blobs of a repository through one git process: a process for each would take the time of the whole test. */
import { spawn } from "node:child_process";

export interface BlobReader {
  /** The bytes of a blob id. */
  read(oid: string): Promise<Buffer>;
  close(): void;
}

export function openBlobReader(directory: string): BlobReader {
  const git = spawn("git", ["cat-file", "--batch"], { cwd: directory, stdio: ["pipe", "pipe", "ignore"] });
  const waiting: ((data: Buffer) => void)[] = [];
  let held: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  git.stdout.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (let end = held.indexOf("\n"); end !== -1; end = held.indexOf("\n")) {
      // `ID blob SIZE`, the bytes, and a line feed.
      const size = Number(held.toString("latin1", 0, end).split(" ")[2]);
      if (held.length < end + 2 + size) return;
      waiting.shift()?.(Buffer.from(held.subarray(end + 1, end + 1 + size)));
      held = held.subarray(end + 2 + size);
    }
  });
  const known = new Map<string, Promise<Buffer>>();
  return {
    read(oid) {
      const found =
        known.get(oid) ??
        new Promise<Buffer>((resolve) => {
          waiting.push(resolve);
          git.stdin.write(`${oid}\n`);
        });
      known.set(oid, found);
      return found;
    },
    close: () => git.kill(),
  };
}
