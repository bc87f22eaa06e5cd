/** Where the report goes. */
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf, VerifodError } from "../errors.ts";

/**
 * Writes a report to stdout, or to a file, which then holds all of it or what it held before.
 * @throws VerifodError (usage) when the file cannot be written
 */
export async function writeReport(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) return writeOut(text);
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new VerifodError("usage", `cannot write the report: ${messageOf(error)}`);
  }
}

/** Writes to stdout, and waits until the reader has taken it. */
export function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Ends quietly when the reader of stdout has enough (`verifod review | head`), with the status that is known by then. */
export function stopOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

/** Whether text on stdout has colours. https://no-color.org and https://force-color.org */
export function wantsColor(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = environment;
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return isTerminal && TERM !== "dumb";
}
