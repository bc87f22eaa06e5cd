/** When a host may be asked again: after a pause between fetches, and after the time that it asked for. */

export interface Pacing {
  /** From when the host may be asked, on the clock of `performance.now()`. */
  readyAt(host: string): number;
  /** Whether the host asked to be left alone for longer than we wait. */
  isFar(host: string): boolean;
  /** A fetch from the host ended; `retryAfter`: the seconds that it asked to be left alone, or null. */
  ended(host: string, retryAfter: number | null): void;
}

const LONGEST_WAIT_SECONDS = 60;

export function createPacing(delaySeconds: number): Pacing {
  const ready = new Map<string, number>();
  return {
    readyAt: (host) => ready.get(host) ?? 0,
    isFar: (host) => (ready.get(host) ?? 0) - performance.now() > LONGEST_WAIT_SECONDS * 1_000,
    ended(host, retryAfter) {
      const next = performance.now() + Math.max(delaySeconds, retryAfter ?? 0) * 1_000;
      ready.set(host, Math.max(next, ready.get(host) ?? 0));
    },
  };
}
