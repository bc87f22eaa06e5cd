/** The index of the base's pins, as a run for the base branch has left it. */
import * as core from "@actions/core";
import { messageOf, VerifodError } from "../errors.ts";
import type { Memory } from "../facts/gather.ts";
import { createMemory } from "../ledger/memory.ts";
import { openIndex } from "../ledger/pin-index.ts";

/**
 * What the index remembers; null without one. One that is not there yet, or that cannot be used, leaves the review to the
 * files of the change, as if none had been named, and the log says so.
 */
export async function memoryFrom(file: string | null): Promise<Memory | null> {
  if (file === null) return null;
  let why = `there is none that this version can use at ${file}`;
  try {
    const index = await openIndex(file);
    if (index !== null) return createMemory(index, null);
  } catch (error) {
    if (!(error instanceof VerifodError)) throw error;
    why = messageOf(error);
  }
  core.notice(`without the index: ${why}; run verifod index for pushes to the base branch`);
  return null;
}
