/**
 * Unpacks a compressed file as a stream. gzip by Node; the others by the programs that every distribution keeps and
 * mends: they know all variants of their format, run at full speed beside us, and a bomb is ended by ending them,
 * which a decoder inside our process does not allow.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { messageOf } from "../errors.ts";
import { ArchiveFault, type ArchiveLimits } from "./archive.ts";

export type Packing = "tar" | "gzip" | "xz" | "bzip2" | "zstd" | "lzip";

/** Memory of a decoder: xz at its highest level takes 65 MB, zstd's largest window without `--long` 8 MB. */
const MEMORY_MB = 256;

const PROGRAMS: Readonly<Record<Exclude<Packing, "tar" | "gzip">, readonly [string, ...string[]]>> = {
  xz: ["xz", "--decompress", "--stdout", "--threads=1", `--memlimit-decompress=${MEMORY_MB}MiB`],
  bzip2: ["bzip2", "--decompress", "--stdout"],
  zstd: ["zstd", "--decompress", "--stdout", "--quiet", `--memory=${MEMORY_MB}MB`],
  lzip: ["lzip", "--decompress", "--stdout"],
};

export interface UnpackOptions {
  readonly limits: ArchiveLimits;
  /** The size of the file. */
  readonly packed: number;
  readonly signal: AbortSignal;
}

/**
 * The unpacked bytes of a file.
 * @throws ArchiveFault when there are more than the limits allow, or the program is missing.
 */
export async function* unpack(
  file: string,
  packing: Packing,
  { limits, packed, signal }: UnpackOptions,
): AsyncGenerator<Buffer> {
  const most = Math.max(limits.ratioFrom, packed * limits.ratio);
  let unpacked = 0;
  for await (const chunk of streamOf(file, packing, signal)) {
    unpacked += chunk.length;
    if (unpacked > most) throw new ArchiveFault(`it unpacks to more than ${limits.ratio} times its size`);
    yield chunk;
  }
}

async function* streamOf(file: string, packing: Packing, signal: AbortSignal): AsyncGenerator<Buffer> {
  switch (packing) {
    case "tar":
      yield* createReadStream(file, { signal });
      return;
    case "gzip": {
      const source = createReadStream(file, { signal });
      const gunzip = createGunzip();
      source.on("error", (error) => gunzip.destroy(error));
      try {
        yield* source.pipe(gunzip);
      } finally {
        source.destroy();
        gunzip.destroy();
      }
      return;
    }
    default:
      yield* byProgram(PROGRAMS[packing], file, signal);
  }
}

async function* byProgram(
  [command, ...args]: readonly [string, ...string[]],
  file: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const input = await open(file);
  try {
    // Nothing but the path of our environment: variables like XZ_OPT would change what is done.
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      stdio: [input.fd, "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error(`${command} has no output`);
    let said = "";
    stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, 2_000);
    });
    const closed = once(child, "close").catch((error: unknown) => [error]);
    try {
      yield* stdout;
      const [status] = await closed;
      if (status instanceof Error) throw notStarted(command, status);
      if (status !== 0) throw new Error(said.split("\n", 1)[0] || `${command} ended with ${String(status)}`);
    } finally {
      child.kill("SIGKILL");
      await closed;
    }
  } finally {
    await input.close();
  }
}

function notStarted(command: string, error: Error): Error {
  const missing = "code" in error && error.code === "ENOENT";
  return missing
    ? new ArchiveFault(`it needs the program ${command}, which is not installed`)
    : new Error(messageOf(error));
}
