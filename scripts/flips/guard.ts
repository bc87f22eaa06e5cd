/** What a guard is, and how it is taken away. */

export interface Guard {
  /** What it keeps from happening. */
  readonly keeps: string;
  readonly file: string;
  /** Its text, which stands in the file once, and what is put in its place; all of these at once. */
  readonly flips: readonly (readonly [text: string, flipped: string])[];
  /** The test file that must fail then. */
  readonly test: string;
}

/** The text of a guard's file without it. */
export function flipped({ flips }: Guard, text: string): string {
  return flips.reduce((all, [from, to]) => all.replace(from, () => to), text);
}

/** Guards of one file that one test file must miss. */
export function guards(
  file: string,
  test: string,
  list: readonly (readonly [keeps: string, text: string, flipped: string])[],
): Guard[] {
  return list.map(([keeps, text, flipped]) => ({ keeps, file, flips: [[text, flipped]], test }));
}
