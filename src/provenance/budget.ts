/** How many requests to other people's servers one review may make. */

export interface Budget {
  /** Requests so far. */
  readonly used: () => number;
  /** Takes a request out of the budget; null: go ahead, else why not. */
  take(): string | null;
  /** Aborts requests under way when the time is over. */
  readonly signal: AbortSignal;
}

/** A budget of `requests` within `seconds` from now. */
export function createBudget(requests: number, seconds: number): Budget {
  const signal = AbortSignal.timeout(seconds * 1_000);
  let used = 0;
  return {
    used: () => used,
    signal,
    take() {
      if (signal.aborted) return `not asked: the ${seconds} seconds for questions were over`;
      if (used >= requests) return `not asked: the ${requests} requests for one review were used`;
      used += 1;
      return null;
    },
  };
}
