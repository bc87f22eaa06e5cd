/** Where the report goes. */
import { messageOf, VerifodError } from "../errors.ts";
import { replaceFile } from "../replace-file.ts";
import { EXIT } from "../report/status.ts";

/**
 * Writes a report to stdout, or to a file, which then holds all of it or what it held before.
 * @throws VerifodError (usage) when the file cannot be written
 */
export async function writeReport(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) return writeOut(text);
  try {
    await replaceFile(file, text);
  } catch (error) {
    throw new VerifodError("usage", `cannot write the report: ${messageOf(error)}`);
  }
}

/** Writes to stdout, and waits until the reader has taken it; what cannot be written ends the program. */
export function writeOut(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => (error ? undefined : resolve()));
  });
}

/**
 * Ends quietly when the reader of stdout has enough (`verifod review | head`), with the status that is known by then; and
 * with a word when stdout takes no more, as on a full disk. Of stderr nobody could be told.
 */
export function stopOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`verifod: cannot write the report: ${messageOf(error)}\n`);
    process.exit(EXIT.wrongUsage);
  });
  process.stderr.on("error", () => {});
}

/** Whether text on stdout has colours. https://no-color.org and https://force-color.org */
export function wantsColor(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = environment;
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return isTerminal && TERM !== "dumb";
}
