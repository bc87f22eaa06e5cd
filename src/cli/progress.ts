/** Progress on stderr: one live line on a terminal, a plain line now and then elsewhere. */
import type { WriteStream } from "node:tty";

export interface Progress {
  /** What is going on now; most calls draw nothing. */
  update(text: string): void;
  /** A line that stays, as a warning. */
  note(text: string): void;
  /** Takes the live line away. */
  end(): void;
}

/** Nothing is drawn of what takes less. */
const REDRAW_MILLISECONDS = 200;
const PLAIN_MILLISECONDS = 15_000;
const CLEAR = "\r\x1b[K";

export function createProgress(
  stream: Pick<WriteStream, "write" | "isTTY" | "columns"> = process.stderr,
): Progress {
  const interval = stream.isTTY ? REDRAW_MILLISECONDS : PLAIN_MILLISECONDS;
  let last = performance.now();
  let drawn = false;
  const end = () => {
    if (drawn) stream.write(CLEAR);
    drawn = false;
  };
  return {
    update(text) {
      const now = performance.now();
      if (now - last < interval) return;
      last = now;
      if (!stream.isTTY) {
        stream.write(`${text}\n`);
        return;
      }
      // A line that wraps could not be drawn over.
      stream.write(`${CLEAR}${text.slice(0, Math.max(10, (stream.columns ?? 80) - 1))}`);
      drawn = true;
    },
    note(text) {
      end();
      stream.write(`${text}\n`);
    },
    end,
  };
}

const BAR_WIDTH = 20;

/**
 * How far something is, as `[#####---------------] 25/100 pins, ETA 3 min`. `seconds`: what it took until now, and what
 * is left of it at most.
 */
export function bar(
  what: string,
  done: number,
  total: number,
  seconds: { readonly spent: number; readonly left: number },
): string {
  const filled = total === 0 ? BAR_WIDTH : Math.floor((BAR_WIDTH * Math.min(done, total)) / total);
  const rest = done === 0 ? seconds.left : (seconds.spent / done) * (total - done);
  const eta =
    rest >= seconds.left ? `ends in ${duration(seconds.left)} at the latest` : `ETA ${duration(rest)}`;
  return `[${"#".repeat(filled).padEnd(BAR_WIDTH, "-")}] ${done}/${total} ${what}, ${eta}`;
}

/** Seconds for people, as `3 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
