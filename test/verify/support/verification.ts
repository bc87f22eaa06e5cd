/** Runs verifications against an isolated store, on each Nix at hand. */
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { openGitChange } from "../../../src/change/git.ts";
import { openRepository } from "../../../src/change/repository.ts";
import { DEFAULTS, type VerifyOptions } from "../../../src/verify/options.ts";
import { type Verification, verify } from "../../../src/verify/verify.ts";
import type { TestRepository } from "../../support/repository.ts";

/** The commands of each Nix to test with: the one in PATH, and a newer one where `VERIFOD_TEST_NIX` says. */
export const NIXES: readonly { readonly label: string; readonly bin: string | undefined }[] = [
  { label: "Nix in PATH", bin: undefined },
  ...(process.env.VERIFOD_TEST_NIX ?? "")
    .split(":")
    .filter((bin) => bin !== "" && existsSync(bin))
    .map((bin) => ({ label: `Nix in ${bin}`, bin })),
];

export interface IsolatedStore {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** A store of its own, without a sandbox: builders can use the machine's shell and curl. */
export async function isolatedStore(): Promise<IsolatedStore> {
  const root = await mkdtemp(`${tmpdir()}/verifod-store-`);
  for (const name of ["store", "var", "log"]) await mkdir(`${root}/${name}`);
  const writable = async (directory: string): Promise<void> => {
    await chmod(directory, 0o755);
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) await writable(`${directory}/${entry.name}`);
    }
  };
  return {
    directory: `${root}/store`,
    environment: {
      PATH: process.env.PATH,
      NIX_STORE_DIR: `${root}/store`,
      NIX_STATE_DIR: `${root}/var`,
      NIX_LOG_DIR: `${root}/log`,
    },
    async remove() {
      await writable(root);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Limits that let bad servers fail within seconds. */
export const QUICK = {
  ...DEFAULTS,
  fetch: { ...DEFAULTS.fetch, seconds: 12, silentSeconds: 4, stalledSeconds: 3, connectSeconds: 4 },
  retryAfterSeconds: [0.05],
} satisfies Omit<VerifyOptions, "repository">;

/** Verifies the last commit of a repository, or a range. */
export async function verifyLast(
  repository: TestRepository,
  options: Partial<VerifyOptions>,
  range = "HEAD^..HEAD",
): Promise<Verification> {
  const opened = await openRepository(repository.directory);
  try {
    const change = await openGitChange(opened, range);
    return await verify(change, {
      ...QUICK,
      nix: { ...QUICK.nix, substituters: [] },
      ...options,
      repository: opened,
    });
  } finally {
    opened.close();
  }
}
