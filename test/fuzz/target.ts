import type { Random } from "./random.ts";

/** Something that is fuzzed. */
export interface Target {
  readonly name: string;
  /** How many executions in a million are its own. */
  readonly share: number;
  /** An input; what is bytes has a character (0–255) for each. */
  readonly generate: (random: Random) => string;
  /** Throws when something is wrong. */
  readonly check: (input: string) => void | Promise<void>;
  readonly close?: () => void;
}

/** Throws unless `holds`. */
export function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
