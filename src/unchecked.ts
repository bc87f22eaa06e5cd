/** What could not be checked, as a report tells it. */
import type { Unchecked } from "./change/change.ts";

/** Paths that are told for one reason; of more, only their number is. */
const MOST_TOLD = 200;

/** Each once, in the order met; behind them, for reasons that very many share, how many more there are. */
export function distinctUnchecked(unchecked: readonly Unchecked[]): readonly Unchecked[] {
  const distinct = new Map(unchecked.map((item) => [`${item.what}\0${item.reason}`, item]));
  const told = new Map<string, number>();
  const kept: Unchecked[] = [];
  for (const item of distinct.values()) {
    const count = (told.get(item.reason) ?? 0) + 1;
    told.set(item.reason, count);
    if (count <= MOST_TOLD) kept.push(item);
  }
  for (const [reason, count] of told) {
    if (count > MOST_TOLD) kept.push({ what: `${count - MOST_TOLD} more files`, reason });
  }
  return kept;
}
