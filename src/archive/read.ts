/** Reads an archive file of any kind that releases come in, told apart by its first bytes, never by its name. */
import { open, stat } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { anySignal } from "../signals.ts";
import { ArchiveFault, type ArchiveResult, type ReadOptions } from "./archive.ts";
import { readTar } from "./tar.ts";
import { type Packing, unpack } from "./unpack.ts";
import { readZip } from "./zip.ts";

const MAGIC: readonly (readonly [string, Packing | "zip"])[] = [
  ["1f8b", "gzip"],
  ["fd377a585a00", "xz"],
  ["425a68", "bzip2"],
  ["28b52ffd", "zstd"],
  ["4c5a4950", "lzip"],
  ["504b0304", "zip"],
  ["504b0506", "zip"],
];
/** Where `ustar` stands in a tar file; older ones have nothing there and are not taken. */
const USTAR_AT = 257;

/** Reads an archive. Whatever it holds, the answer is a result; only a file that cannot be opened throws. */
export async function readArchive(file: string, options: ReadOptions): Promise<ArchiveResult> {
  const { size } = await stat(file);
  const head = await firstBytes(file, 512);
  const kind = MAGIC.find(([magic]) => head.toString("hex").startsWith(magic))?.[1] ?? plainKind(head);
  if (kind === null) return { kind: "failed", reason: "it is neither a tar (packed or not) nor a zip file" };
  const timeout = AbortSignal.timeout(options.limits.seconds * 1000);
  const signal = anySignal(options.signal, timeout);
  try {
    const archive =
      kind === "zip"
        ? await readZip(file, size, { ...options, signal })
        : await readTar(unpack(file, kind, { ...options, packed: size, signal }), options);
    return { kind: "read", archive };
  } catch (error) {
    if (timeout.aborted) {
      return { kind: "failed", reason: `it could not be read within ${options.limits.seconds} s` };
    }
    if (signal.aborted) return { kind: "failed", reason: "its reading was interrupted" };
    const reason = messageOf(error);
    return { kind: "failed", reason: error instanceof ArchiveFault ? reason : `it is damaged: ${reason}` };
  }
}

function plainKind(head: Buffer): "tar" | null {
  return head.toString("latin1", USTAR_AT, USTAR_AT + 5) === "ustar" ? "tar" : null;
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
