/** The scratch directory of a verification: one place for everything, removed at the end whatever happens. */
import { chmod, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";

/** Makes an empty directory that only we use. */
export async function makeWork(): Promise<string> {
  // Nix refuses stores below symbolic links (macOS: /tmp).
  return mkdtemp(`${await realpath(tmpdir())}/verifod-`);
}

/** Removes a directory, read-only folders (as stores have them) included. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await makeWritable(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(`${directory}/${entry.name}`);
  }
}
