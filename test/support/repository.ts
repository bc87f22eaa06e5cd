/** Real git repositories for tests, in temporary folders. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** What a commit puts at a path: a text, bytes, or something special; null removes it. */
export type TestFile =
  | string
  | Uint8Array
  | null
  | { readonly symlink: string }
  | { readonly executable: string }
  | { readonly submodule: string };

/** A repository that is only read. */
export interface KnownRepository {
  /** The work tree; of a bare one, itself. */
  readonly directory: string;
  /** Runs git in it; its output without the last line break. */
  git(...args: string[]): string;
}

export interface TestRepository extends KnownRepository {
  /** Commits on top of HEAD: the files given change, the others stay. Returns the commit id. */
  commit(files: Readonly<Record<string, TestFile>>, message?: string): string;
  /** A temporary folder, removed with the repository, for clones and such. */
  folder(): string;
  /** Removes everything. */
  remove(): void;
}

/** The same commits, hence the same ids, on each machine. */
const environment = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  // A commit starts no second git that looks whether there is something to tidy.
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "maintenance.auto",
  GIT_CONFIG_VALUE_0: "false",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_AUTHOR_DATE: "2024-01-01T00:00:00Z",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
  GIT_COMMITTER_DATE: "2024-01-01T00:00:00Z",
};

/** Runs git anywhere, with the tests' identity and without the machine's configuration. */
export function git(directory: string, ...args: string[]): string {
  const output = execFileSync("git", args, {
    cwd: directory,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64_000_000,
  });
  return output.replace(/\n$/, "");
}

/** A repository that is there already. */
export function knownRepository(directory: string): KnownRepository {
  return { directory, git: (...args) => git(directory, ...args) };
}

const FOLDERS = ["info", "objects/info", "objects/pack", "refs/heads", "refs/tags"];
let initialized: ReadonlyMap<string, string> | undefined;

/** `git init`, once: most tests make repositories, and what it writes is the same each time. */
function initialize(directory: string): void {
  const at = (name: string) => join(directory, ".git", name);
  if (initialized === undefined) {
    git(directory, "init", "--quiet", "--initial-branch=main");
    initialized = new Map(["HEAD", "config"].map((name) => [name, readFileSync(at(name), "utf8")]));
    return;
  }
  for (const folder of FOLDERS) mkdirSync(at(folder), { recursive: true });
  for (const [name, text] of initialized) writeFileSync(at(name), text);
}

/** The commit that HEAD stands for, right after one was made. */
function headOf(directory: string): string {
  const read = (name: string) => readFileSync(join(directory, ".git", name), "utf8").trim();
  const head = read("HEAD");
  return head.startsWith("ref: ") ? read(head.slice("ref: ".length)) : head;
}

/** An empty repository, or one with a commit for each map of files. */
export function makeRepository(...commits: readonly Readonly<Record<string, TestFile>>[]): TestRepository {
  const root = mkdtempSync(join(tmpdir(), "verifod-test-"));
  const directory = join(root, "repository");
  let folders = 0;
  mkdirSync(directory);
  initialize(directory);

  function put(path: string, file: TestFile): void {
    const target = join(directory, path);
    rmSync(target, { recursive: true, force: true });
    if (file === null) return;
    mkdirSync(dirname(target), { recursive: true });
    if (typeof file === "string" || file instanceof Uint8Array) writeFileSync(target, file);
    else if ("symlink" in file) symlinkSync(file.symlink, target);
    else if ("executable" in file) {
      writeFileSync(target, file.executable);
      chmodSync(target, 0o755);
    }
  }

  const repository: TestRepository = {
    directory,
    git: (...args) => git(directory, ...args),
    commit(files, message = "Change") {
      for (const [path, file] of Object.entries(files)) put(path, file);
      git(directory, "add", "--all", ".");
      for (const [path, file] of Object.entries(files)) {
        if (file === null || typeof file === "string" || !("submodule" in file)) continue;
        git(directory, "update-index", "--add", "--cacheinfo", `160000,${file.submodule},${path}`);
      }
      git(directory, "commit", "--quiet", "--allow-empty", "--message", message);
      return headOf(directory);
    },
    folder() {
      folders += 1;
      const folder = join(root, `folder-${folders}`);
      mkdirSync(folder);
      return folder;
    },
    remove() {
      rmSync(root, { recursive: true, force: true });
    },
  };
  for (const files of commits) repository.commit(files);
  return repository;
}
