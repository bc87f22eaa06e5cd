/** The files of a tag: from a repository on this machine, or fetched into a repository of our own. */
import { createHash } from "node:crypto";
import type { Archive, ArchiveFile } from "../archive/archive.ts";
import { openObjectReader } from "../change/cat-file.ts";
import type { Unchecked } from "../change/change.ts";
import { complaint } from "../change/git-process.ts";
import { openRepository, type Repository } from "../change/repository.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { openRemoteGit } from "../verify/remote-git.ts";
import type { AllowedHosts } from "../verify/urls.ts";
import { makeWork, removeTree } from "../verify/work.ts";

export interface Tag {
  readonly commit: string;
  readonly files: Archive["files"];
  /** What of it could not be read. */
  readonly oddities: readonly Unchecked[];
  /** Paths of submodules, whose files are in other repositories, and the commits that they name. */
  readonly submodules: ReadonlyMap<string, string>;
}

export interface TagLimits {
  readonly files: number;
  /** Of one file, and of all files together; larger ones are not read. */
  readonly file: number;
  readonly bytes: number;
  /** Of the fetch, from the network. */
  readonly fetched: number;
  readonly seconds: number;
}

export const TAG_LIMITS: TagLimits = {
  files: 200_000,
  file: 64_000_000,
  bytes: 1_000_000_000,
  fetched: 1_000_000_000,
  seconds: 300,
};

export interface TagOptions {
  readonly limits: TagLimits;
  readonly allowedHosts: AllowedHosts;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the tag (or the commit of a full id) of a repository: a URL, or a directory.
 * @throws VerifodError (usage) for a tag or repository that there is not, (outside) for one that cannot be had.
 */
export async function readTag(repository: string, tag: string, options: TagOptions): Promise<Tag> {
  checkTagName(tag);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(repository)) return readLocal(repository, tag, options);
  const work = await makeWork();
  try {
    await fetchTag(repository, tag, work, options);
    return await readLocal(`${work}/tag.git`, "verifod", options);
  } finally {
    await removeTree(work);
  }
}

/** A name that git takes for a tag and for nothing else: https://git-scm.com/docs/git-check-ref-format */
function checkTagName(tag: string): void {
  const fine =
    /^(?![-/.])[^\x00-\x20\x7f~^:?*[\\]+$/.test(tag) && !/\.\.|@\{|\/\/|\/\.|\.lock$|[/.]$/.test(tag);
  if (!fine) throw new VerifodError("usage", `${JSON.stringify(tag.slice(0, 200))} is not a tag`);
}

const FULL_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

async function fetchTag(url: string, tag: string, work: string, options: TagOptions): Promise<void> {
  const { limits, allowedHosts, signal } = options;
  const access = { url, work, allowedHosts, seconds: limits.seconds, bytes: limits.fetched, signal };
  const remote = await openRemoteGit(access).catch((error: unknown) => {
    throw new VerifodError("usage", `cannot fetch from ${url}: ${messageOf(error)}`, { cause: error });
  });
  try {
    await remote.run("init", "--quiet", "--bare", "tag.git");
    const source = FULL_ID.test(tag) ? tag : `refs/tags/${tag}`;
    const result = await remote.run(
      "--git-dir=tag.git",
      "fetch",
      "--quiet",
      "--depth=1",
      "--no-tags",
      "--no-recurse-submodules",
      "--no-write-fetch-head",
      url,
      `${source}:refs/tags/verifod`,
    );
    if (result.status === 0) return;
    const reason = remote.failure(result) ?? complaint(result.stderr);
    throw new VerifodError("outside", `cannot fetch the tag ${tag} from ${url}: ${reason}`);
  } finally {
    await remote.close();
  }
}

async function readLocal(directory: string, tag: string, { limits }: TagOptions): Promise<Tag> {
  const repository = await openRepository(directory);
  const objects = openObjectReader(repository.directory, limits.file);
  try {
    const commit = await repository
      .resolve(`refs/tags/${tag}`)
      .catch((error: unknown) => (FULL_ID.test(tag) ? repository.resolve(tag) : Promise.reject(error)));
    const listed = await listTree(repository, commit.tree, limits);
    const files = new Map<string, ArchiveFile>();
    const oddities = [...listed.oddities];
    let kept = 0;
    const read = async ({ path, kind, oid }: TagEntry) => {
      const answer = await objects.ask(oid);
      if (answer.kind !== "object" || answer.type !== "blob" || answer.data === null) {
        const reason = answer.kind === "object" ? `it has ${answer.size} bytes` : "the repository lacks it";
        oddities.push({ what: path, reason: `the tag's file cannot be read: ${reason}` });
        return;
      }
      kept += answer.data.length;
      if (kept > limits.bytes) {
        throw new VerifodError("outside", `the tag ${tag} has more than ${limits.bytes} bytes`);
      }
      files.set(path, {
        kind: kind === "symlink" ? "symlink" : "file",
        executable: kind === "executable",
        size: answer.data.length,
        digest: createHash("sha256").update(answer.data).digest("hex"),
        bytes: answer.data,
      });
    };
    // In pieces: all questions at once would hold all answers at once.
    for (let at = 0; at < listed.entries.length; at += 100) {
      await Promise.all(listed.entries.slice(at, at + 100).map(read));
    }
    return { commit: commit.oid, files, oddities, submodules: listed.submodules };
  } finally {
    objects.close();
    repository.close();
  }
}

interface TagEntry {
  readonly path: string;
  readonly kind: "file" | "executable" | "symlink";
  readonly oid: string;
}

async function listTree(repository: Repository, tree: string, limits: TagLimits) {
  const entries: TagEntry[] = [];
  const oddities: Unchecked[] = [];
  const submodules = new Map<string, string>();
  const pending = [{ prefix: "", oid: tree }];
  let seen = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const folder = await repository.folder(next.oid);
    for (const [name, reason] of folder.faults) oddities.push({ what: next.prefix + name, reason });
    for (const [name, { kind, oid }] of folder.items) {
      const path = next.prefix + name;
      if (kind === "tree") pending.push({ prefix: `${path}/`, oid });
      else if (kind === "submodule") submodules.set(path, oid);
      else entries.push({ path, kind, oid });
    }
    // One small tree named many times over on many levels is a bomb: the folders are counted with the files.
    seen += folder.items.size;
    if (seen > limits.files) {
      throw new VerifodError("outside", `the tag has more than ${limits.files} files`);
    }
  }
  return { entries, oddities, submodules };
}
