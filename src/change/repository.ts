/** A git repository as a store of objects: commits, folders and files by id. The work tree is never looked at. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { unreachable, VerifodError } from "../errors.ts";
import { byteCache } from "./cache.ts";
import { type ObjectAnswer, openObjectReader } from "./cat-file.ts";
import type { Content } from "./change.ts";
import { complaint, runGit } from "./git-process.ts";
import { type Commit, contentOf, type Folder, parseCommit, parseFolder } from "./objects.ts";

/**
 * Larger files (and folders, and commits) are not read. GitHub takes files up to 100 MB:
 * https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github
 */
const LARGEST_OBJECT = 20_000_000;
/** To ask a larger one for its size costs a new git process; a smaller one is read with its size. */
const SMALL_OBJECT = 1_000_000;
const KEPT_FILES = 64_000_000;
const KEPT_FOLDERS = 64_000_000;

export interface Repository {
  /** The absolute path of the git directory. */
  readonly directory: string;
  /** The history is cut: some parents are not there. */
  readonly shallow: boolean;
  /** The id of the tree without files, in this repository's hash. */
  readonly emptyTree: string;
  /**
   * The commit that a revision names.
   * @throws VerifodError (usage) for one that the repository does not know.
   */
  resolve(revision: string): Promise<Commit>;
  /** The commit of a full id; null when the repository lacks it. */
  commit(oid: string): Promise<Commit | null>;
  /**
   * The folder of a tree id.
   * @throws VerifodError (outside) when the repository lacks it.
   */
  folder(oid: string): Promise<Folder>;
  /** The content of a blob id; what cannot be read is an answer. */
  content(oid: string): Promise<Content>;
  /** The bytes of a blob id; null where only its content says what it is, or it is at hand already. */
  size(oid: string): Promise<number | null>;
  /** Ends git, which keeps our process alive until then. The repository answers nothing afterwards. */
  close(): void;
}

/**
 * Opens the repository that `directory` is in (a work tree) or is (a bare one).
 * @throws VerifodError (usage) when there is none, or git refuses to use it.
 */
export async function openRepository(directory: string): Promise<Repository> {
  const found = await stat(directory).catch(() => null);
  if (!found?.isDirectory()) {
    throw new VerifodError("usage", `${directory} is not a directory: name a git repository with --repo`);
  }
  return openGitDirectory(await locate(directory));
}

/** Opens a git directory as `openRepository` has found it. */
export function openGitDirectory({ gitDirectory, shallow, hash }: Location): Repository {
  const objects = openObjectReader(gitDirectory, LARGEST_OBJECT);
  const contents = byteCache<Promise<Content>>(KEPT_FILES);
  const folders = byteCache<Folder>(KEPT_FOLDERS);
  const commits = byteCache<Commit>(1_000_000);
  /** The sizes of blobs that are not small. */
  const sizes = byteCache<number>(1_000_000);
  const emptyTree = createHash(hash).update("tree 0\0").digest("hex");
  const oidBytes = emptyTree.length / 2;

  function commitOf(answer: ObjectAnswer): Commit | null {
    if (answer.kind !== "object" || answer.type !== "commit" || answer.data === null) return null;
    const parsed = parseCommit(answer.oid, answer.data);
    if (parsed !== null) commits.set(answer.oid, parsed, 500);
    return parsed;
  }

  async function folder(oid: string): Promise<Folder> {
    if (oid === emptyTree) return { items: new Map(), faults: new Map() };
    const known = folders.get(oid);
    if (known !== undefined) return known;
    const answer = await objects.ask(oid);
    if (answer.kind !== "object" || answer.type !== "tree" || answer.data === null) {
      throw new VerifodError(
        "outside",
        `the repository cannot give the tree ${oid}: ${lack(answer, "tree")}`,
      );
    }
    const parsed = parseFolder(answer.data, oidBytes);
    // An item takes about four times its bytes once it is an object in a map; the map itself, as much as ten.
    folders.set(oid, parsed, 400 + answer.size * 4);
    return parsed;
  }

  function keep(oid: string, data: Buffer): Content {
    const content = contentOf(data);
    contents.set(oid, Promise.resolve(content), data.length * 2);
    return content;
  }

  async function readContent(oid: string): Promise<Content> {
    const answer = await objects.ask(oid);
    if (answer.kind !== "object" || answer.type !== "blob" || answer.data === null) {
      return { kind: "unavailable", reason: lack(answer, "blob") };
    }
    return keep(oid, answer.data);
  }

  async function sizeOf(oid: string): Promise<number | null> {
    const answer = await objects.ask(oid, SMALL_OBJECT);
    if (answer.kind !== "object" || answer.type !== "blob") return null;
    if (answer.data !== null) keep(oid, answer.data);
    else if (answer.size <= LARGEST_OBJECT) sizes.set(oid, answer.size, 200);
    else return null;
    return answer.size;
  }

  return {
    directory: gitDirectory,
    shallow,
    emptyTree,
    folder,
    async commit(oid) {
      return commits.get(oid) ?? commitOf(await objects.ask(oid));
    },
    async resolve(revision) {
      const known = commitOf(await objects.ask(`${checkedRevision(revision)}^{commit}`));
      if (known !== null) return known;
      // Without `^{commit}` git says what the name is instead. To `:/TEXT` it cannot be put: it would be looked for, too.
      const answer = await objects.ask(revision);
      const searched = commitOf(answer);
      if (searched !== null) return searched;
      throw new VerifodError("usage", unknownRevision(revision, answer, shallow));
    },
    content(oid) {
      const known = contents.get(oid);
      if (known !== undefined) return known;
      const reading = readContent(oid);
      contents.set(oid, reading, 1000);
      return reading;
    },
    async size(oid) {
      return contents.get(oid) === undefined ? (sizes.get(oid) ?? sizeOf(oid)) : null;
    },
    close: objects.close,
  };
}

/** A git directory, by its absolute path. */
interface Location {
  readonly gitDirectory: string;
  readonly shallow: boolean;
  readonly hash: "sha1" | "sha256";
}

async function locate(directory: string): Promise<Location> {
  const asked = ["--absolute-git-dir", "--is-shallow-repository", "--show-object-format"];
  const { status, stdout, stderr } = await runGit(directory, ["rev-parse", ...asked]);
  if (status === 0) {
    // The path comes first and may itself hold line breaks.
    const match = /^(.*)\n(true|false)\n(sha1|sha256)\n$/s.exec(stdout);
    const [, gitDirectory, shallow, hash] = match ?? [];
    if (gitDirectory !== undefined && (hash === "sha1" || hash === "sha256")) {
      return { gitDirectory, shallow: shallow === "true", hash };
    }
  }
  if (stderr.includes("not a git repository")) {
    const advice = "run verifod inside one, or name one with --repo";
    throw new VerifodError("usage", `${directory} is not a git repository: ${advice}`);
  }
  if (stderr.includes("dubious ownership")) {
    const advice = "if you trust it, allow it with: git config --global --add safe.directory";
    throw new VerifodError(
      "usage",
      `git refuses ${directory}, which belongs to another user; ${advice} ${directory}`,
    );
  }
  throw new VerifodError("outside", `git cannot open ${directory}: ${complaint(stderr)}`);
}

/** A revision that is safe to hand to git: one line, and no option. */
function checkedRevision(revision: string): string {
  if (revision === "" || revision.startsWith("-") || /[\x00-\x1f\x7f]/.test(revision)) {
    const shown = JSON.stringify(revision.slice(0, 200));
    throw new VerifodError("usage", `${shown} is not a revision: name a commit, a branch or a tag`);
  }
  return revision;
}

function unknownRevision(revision: string, answer: ObjectAnswer, shallow: boolean): string {
  if (answer.kind === "ambiguous") return `the revision ${revision} is ambiguous: give more digits of the id`;
  if (answer.kind === "failed") return `git cannot read the revision ${revision}: ${answer.reason}`;
  if (answer.kind === "object") return `${revision} is a ${answer.type}: name a commit, a branch or a tag`;
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) {
    return `the repository lacks the commit ${revision}: ${fetchAdvice(revision)}`;
  }
  const cut = shallow ? "; the history is cut (shallow clone): git fetch --unshallow gets the rest" : "";
  return `the repository knows no revision ${revision}${cut}`;
}

/** How to get a commit that the repository lacks. */
export function fetchAdvice(oid: string): string {
  return `get it with git fetch --unshallow (in a shallow clone) or git fetch origin ${oid}`;
}

/** Why an answer is not the `wanted` object with its content. */
function lack(answer: ObjectAnswer, wanted: "blob" | "tree"): string {
  const absent = `the repository lacks this ${wanted} (partial, shallow or damaged clone)`;
  switch (answer.kind) {
    case "missing":
      return absent;
    case "ambiguous":
      return "its id is ambiguous";
    case "failed":
      // How git before 2.45 says that it may not fetch what a partial clone lacks.
      return /promisor remote|transport .{0,200} not allowed/.test(answer.reason)
        ? absent
        : `git cannot read it: ${answer.reason}`;
    case "object":
      if (answer.type !== wanted) return `it is a ${answer.type}, not a ${wanted}`;
      return `its ${megabytes(answer.size)} are more than the ${megabytes(LARGEST_OBJECT)} that are read`;
    default:
      return unreachable(answer);
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
