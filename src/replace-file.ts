/** Files that others read while they are written, and the folders that they are in. */
import { mkdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Gives a file another content: whoever reads it sees all of the old or all of the new. A link stays one; what is no file,
 * as a pipe or `/dev/null`, is written to.
 * @throws Error when it cannot be written; it is then as it was
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  // A file put in the place of a device would take it away from every other program.
  if (found !== null && !found.isFile()) return writeFile(file, text);
  const place = found === null ? file : await realpath(file);
  const temporary = join(dirname(place), `.${basename(place)}.${process.pid}`);
  try {
    await writeFile(temporary, text, { mode: found?.mode ?? 0o666 });
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Makes a folder, and those that it is in, where they are missing.
 * @throws Error when it cannot be made
 */
export async function makeFolder(folder: string): Promise<void> {
  const above = dirname(folder);
  // Told to make them all, Node tries for ever where a folder that is there takes no name, as /proc and those of automounters.
  if (above !== folder && (await stat(above).catch(() => null)) === null) await makeFolder(above);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
