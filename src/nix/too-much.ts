/** What stops the reading of a file that would take more memory or time than a review has. */

/** The file is not read further; whoever asked for it says so, and goes on with the next one. */
export class TooMuch extends Error {}

/** Nodes of one document that are in memory at a time: 150 MB. A list of 20,000 packages needs a fifth of that. */
export const MOST_NODES = 1_000_000;
