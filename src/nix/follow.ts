/** Following the names that lead to a hash, as those of a table's entries, through the choices that an evaluation meets. */
import type { Reading } from "./reading.ts";
import type { Choice } from "./session.ts";

/** What is taken to be so, by the key of the choice. */
export type Assumed = ReadonlyMap<string, string>;
export const NOTHING: Assumed = new Map();

/** Sets of assumptions that are tried for one literal. */
const MOST_ASSUMED = 6;
/** Attempts after which conditions are no longer tried both ways, so that all that are begun are done. */
const MOST_OPEN = 3;

/** What a look under assumptions showed. */
interface Look {
  /** The choices that it met and that are not assumed. */
  readonly choices: readonly Choice[];
  /** Whether a pin of the hash is known by now, and whether all of its address is. */
  readonly isFound: boolean;
  readonly isLocated: boolean;
}

/**
 * Looks under one assumption more at a time, each taking the way that `path` (the names around a hash, innermost first) leads,
 * until it is known where the hash ends up; returns whether it is. `limits` has the looks that are left, and is told when
 * something was left to try.
 */
export function followChoices(
  limits: Pick<Reading, "worlds" | "isCut">,
  path: readonly string[],
  first: Assumed,
  look: (assumed: Assumed) => Look,
): boolean {
  const queue = [first];
  let count = 0;
  for (; queue.length > 0 && count < MOST_ASSUMED && limits.worlds > 0; count++) {
    const assumed = queue.shift() as Assumed;
    const { choices, isFound, isLocated } = look(assumed);
    if (isLocated) return true;
    const next = towards(path, assumed, choices);
    if (next) queue.unshift(next);
    // `if stdenv.is64bit then x64hash else x86hash`: the literal's place does not say which.
    else if (count < MOST_OPEN && queue.length === 0 && !isFound) queue.push(...eitherWay(assumed, choices));
  }
  limits.isCut ||= queue.length > 0;
  return false;
}

/** The assumptions under which the branch is taken that the names lead to. */
function towards(path: readonly string[], assumed: Assumed, choices: readonly Choice[]): Assumed | null {
  for (const { key, options } of choices) {
    const option = options.find((candidate) => path.includes(candidate));
    if (option !== undefined) return new Map([...assumed, [key, option]]);
  }
  return null;
}

/** The assumptions, with the first open condition taken either way. */
function eitherWay(assumed: Assumed, choices: readonly Choice[]): readonly Assumed[] {
  const condition = choices.find(({ key }) => key.startsWith("if "));
  return condition?.options.map((option) => new Map([...assumed, [condition.key, option]])) ?? [];
}
