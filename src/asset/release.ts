/** The xz question: is what a release's archive holds what its tag holds? Fetches both, and compares. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "../archive/archive.ts";
import { readArchive } from "../archive/read.ts";
import { VerifodError } from "../errors.ts";
import type { Hash } from "../nix/hash.ts";
import type { AllowedHosts } from "../verify/urls.ts";
import { makeWork, removeTree } from "../verify/work.ts";
import { type Comparison, compareRelease } from "./compare.ts";
import { DOWNLOAD_LIMITS, download } from "./download.ts";
import { published } from "./published.ts";
import { readTag, TAG_LIMITS, type TagLimits } from "./tag.ts";

export interface ReleaseOptions {
  readonly allowedHosts: AllowedHosts;
  readonly archive: ArchiveLimits;
  readonly download: { readonly bytes: number; readonly seconds: number };
  readonly tag: TagLimits;
  readonly signal?: AbortSignal | undefined;
}

export const RELEASE_DEFAULTS: ReleaseOptions = {
  allowedHosts: [],
  archive: ARCHIVE_LIMITS,
  download: DOWNLOAD_LIMITS,
  tag: TAG_LIMITS,
};

export interface Release {
  /** A URL or a file. */
  readonly asset: string;
  /** A URL or a directory. */
  readonly repository: string;
  readonly tag: string;
  /** What the archive has to hash to; without it, any archive is compared. */
  readonly hash?: Hash | undefined;
}

export type ReleaseResult =
  | { readonly kind: "compared"; readonly commit: string; readonly comparison: Comparison }
  /** The archive cannot be read. */
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Compares a release's archive with its tag.
 * @throws VerifodError (usage) for places that are not, (outside) for what cannot be fetched.
 */
export async function askRelease(release: Release, options: ReleaseOptions): Promise<ReleaseResult> {
  const work = await makeWork();
  try {
    const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(release.asset);
    const file = isUrl ? `${work}/asset` : release.asset;
    if (isUrl) {
      const { allowedHosts, signal } = options;
      await download(release.asset, file, { ...options.download, allowedHosts, signal });
    }
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) throw new VerifodError("usage", `there is no file ${release.asset}`);
    if (release.hash !== undefined && !(await hasHash(file, release.hash))) {
      return { kind: "failed", reason: `what ${release.asset} holds now is not what is pinned` };
    }
    const tag = await readTag(release.repository, release.tag, { ...options, limits: options.tag });
    const known = new Set([...tag.files.values()].map(({ digest }) => digest));
    const read = await readArchive(file, {
      limits: options.archive,
      keep: (digest) => !known.has(digest),
      signal: options.signal,
    });
    if (read.kind === "failed") return read;
    return {
      kind: "compared",
      commit: tag.commit,
      comparison: compareRelease(read.archive, tag, published()),
    };
  } finally {
    await removeTree(work);
  }
}

async function hasHash(file: string, { algorithm, bytes }: Hash): Promise<boolean> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest().equals(bytes);
}
