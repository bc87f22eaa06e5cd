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
