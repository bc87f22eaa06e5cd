/** What stops the reading of a file that would take more memory or time than a review has. */
import type { Unchecked } from "../change/change.ts";

/** The file is not read further; whoever asked for it says so, and goes on with the next one. */
export class TooMuch extends Error {}

/** Nodes of one document that are in memory at a time: 150 MB. A list of 20,000 packages needs a fifth of that. */
export const MOST_NODES = 1_000_000;

/** What `read` gives; null, and said in `unchecked`, when it is too much: what was read of `what` is not kept then. */
export async function bounded<T>(
  read: () => Promise<T>,
  what: string,
  unchecked: Unchecked[],
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    unchecked.push({ what, reason: error.message });
    return null;
  }
}
