/** Blobs of a repository through one git process: a process for each would take the time of the whole test. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

export interface BlobReader {
  /** The bytes of a blob id. */
  read(oid: string): Promise<Buffer>;
  close(): void;
}

/** What an id stands for never changes: small ones are read once, whoever asks. */
const small = new Map<string, Buffer>();
const mostKept = 100_000;

export function openBlobReader(directory: string): BlobReader {
  let git: ChildProcessByStdio<Writable, Readable, null> | null = null;
  const waiting: ((data: Buffer) => void)[] = [];
  let chunks: Buffer[] = [];
  let length = 0;
  /** How many bytes the next answer has, with its line; 0: its line is not there yet. */
  let wanted = 0;
  const started = () => {
    const child = spawn("git", ["cat-file", "--batch"], {
      cwd: directory,
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < wanted) return;
      let held: Buffer<ArrayBufferLike> = Buffer.concat(chunks);
      for (let end = held.indexOf("\n"); end !== -1; end = held.indexOf("\n")) {
        // `ID blob SIZE`, the bytes, and a line feed.
        const size = Number(held.toString("latin1", 0, end).split(" ")[2]);
        wanted = end + 2 + size;
        if (held.length < wanted) break;
        waiting.shift()?.(Buffer.from(held.subarray(end + 1, end + 1 + size)));
        held = held.subarray(wanted);
        wanted = 0;
      }
      [chunks, length] = [[held], held.length];
    });
    return child;
  };
  const known = new Map<string, Promise<Buffer>>();
  return {
    async read(oid) {
      const kept = small.get(oid);
      if (kept !== undefined) return kept;
      const found =
        known.get(oid) ??
        new Promise<Buffer>((resolve) => {
          git ??= started();
          waiting.push(resolve);
          git.stdin.write(`${oid}\n`);
        });
      known.set(oid, found);
      const data = await found;
      if (data.length <= mostKept) small.set(oid, data);
      return data;
    },
    close: () => git?.kill(),
  };
}
