/** Runs jobs side by side: so many in all, so many per key (so as not to flood a host), none before its time. */

export interface Limits<T = never> {
  readonly total: number;
  readonly perKey: number;
  /** From when an item may run, on the clock of `performance.now()`; asked again until then. */
  readonly readyAt?: (item: T) => number;
}

/** The longest wait until `readyAt` is asked again, since its answer may have become earlier. */
const POLL_MILLISECONDS = 500;

/** Runs `work` for each item; resolves when all have ended. Rejects with the first error, after all have ended. */
export async function schedule<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  limits: Limits<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const running = new Map<string, number>();
  const errors: unknown[] = [];
  let active = 0;
  await new Promise<void>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const isFree = (item: T) => (running.get(keyOf(item)) ?? 0) < limits.perKey;
    const delayOf = (item: T) => Math.max(0, (limits.readyAt?.(item) ?? 0) - performance.now());
    const next = () => {
      clearTimeout(timer);
      while (active < limits.total) {
        const index = waiting.findIndex((item) => isFree(item) && delayOf(item) === 0);
        const [item] = index === -1 ? [] : waiting.splice(index, 1);
        if (item === undefined) break;
        const key = keyOf(item);
        running.set(key, (running.get(key) ?? 0) + 1);
        active++;
        work(item)
          .catch((error: unknown) => errors.push(error))
          .finally(() => {
            active--;
            running.set(key, (running.get(key) ?? 1) - 1);
            next();
          });
      }
      if (active === 0 && waiting.length === 0) resolve();
      else if (active < limits.total) {
        const delays = waiting.filter(isFree).map(delayOf);
        if (delays.length > 0) timer = setTimeout(next, Math.min(POLL_MILLISECONDS, ...delays));
      }
    };
    next();
  });
  if (errors.length > 0) throw errors[0];
}
