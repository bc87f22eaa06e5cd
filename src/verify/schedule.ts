/** Running jobs side by side: so many in all, and so many per key (a host is not to be flooded). */

export interface Limits {
  readonly total: number;
  readonly perKey: number;
}

/** Runs `work` for each item; resolves when all have ended. Rejects with the first error, after all have ended. */
export async function schedule<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  limits: Limits,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const running = new Map<string, number>();
  const errors: unknown[] = [];
  let active = 0;
  await new Promise<void>((resolve) => {
    const next = () => {
      while (active < limits.total) {
        const index = waiting.findIndex((item) => (running.get(keyOf(item)) ?? 0) < limits.perKey);
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
      if (active === 0) resolve();
    };
    next();
  });
  if (errors.length > 0) throw errors[0];
}
