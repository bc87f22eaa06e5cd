/**
 * What an archive holds, read into memory and never written to a disk. Archives are hostile: each is read within limits,
 * and what programs that unpack could read differently is told instead of obeyed.
 */
import type { Unchecked } from "../change/change.ts";

/** A file of an archive or of a commit. For a symlink, its bytes are its target. */
export interface ArchiveFile {
  readonly kind: "file" | "symlink";
  readonly executable: boolean;
  /** Of its content, in bytes. */
  readonly size: number;
  /** SHA-256 of its content, in hex. */
  readonly digest: string;
  /** The content; null when it was not kept. */
  readonly bytes: Buffer | null;
}

export interface Archive {
  /** By path, without a leading `./`. */
  readonly files: ReadonlyMap<string, ArchiveFile>;
  /** Entries that are not among the files: links, devices, paths that lead out, names that stand twice. */
  readonly oddities: readonly Unchecked[];
}

export type ArchiveResult =
  | { readonly kind: "read"; readonly archive: Archive }
  /** Nothing of it can be relied on. */
  | { readonly kind: "failed"; readonly reason: string };

export interface ArchiveLimits {
  readonly entries: number;
  /** Of all files together, unpacked. */
  readonly bytes: number;
  /** Unpacked to packed bytes, beyond the first `ratioFrom` bytes. */
  readonly ratio: number;
  readonly ratioFrom: number;
  /** Characters of a path. */
  readonly path: number;
  /** Larger files are hashed and not kept. */
  readonly keptFile: number;
  /** Of all kept files together. */
  readonly kept: number;
  readonly seconds: number;
}

/** Source releases stay far below: the largest in nixpkgs that are packed by hand have some 100,000 files and 1 GB. */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 200_000,
  bytes: 2_000_000_000,
  ratio: 200,
  ratioFrom: 50_000_000,
  path: 4_096,
  keptFile: 8_000_000,
  kept: 256_000_000,
  seconds: 180,
};

export interface ReadOptions {
  readonly limits: ArchiveLimits;
  /** Whether the content of a file with this digest is wanted. */
  readonly keep: (digest: string) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Thrown inside this room when an archive cannot be read; its message is the reason. */
export class ArchiveFault extends Error {}
