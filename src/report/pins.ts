/** Changed source pins in few words, for the reports that people read. */
import type { Pin, PinChange } from "./review.ts";

/** A file with more changed pins than this is data that a program wrote: one line is enough for it. */
const MASS = 20;

/** How one file's pins are shown: each on its own, or only their number if a program rewrote the file. */
export type PinGroup =
  | { readonly path: string; readonly kind: "each"; readonly pins: readonly PinChange[] }
  | { readonly path: string; readonly kind: "mass"; readonly summary: string };

/** The changed pins by file, in the order of the review. */
export function groupPins(sources: readonly PinChange[]): PinGroup[] {
  const byPath = new Map<string, PinChange[]>();
  for (const pin of sources) {
    const known = byPath.get(pin.path);
    if (known) known.push(pin);
    else byPath.set(pin.path, [pin]);
  }
  return [...byPath].map(([path, pins]) =>
    pins.length > MASS ? { path, kind: "mass", summary: massSummary(pins) } : { path, kind: "each", pins },
  );
}

function massSummary(pins: readonly PinChange[]): string {
  const counts = (["changed", "moved", "added", "removed"] as const)
    .map((kind) => ({ kind, count: pins.filter(({ change }) => change === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`);
  const open = pins.filter(({ upstream }) => upstream && upstream.unknown.length > 0).length;
  const asked = open === 0 ? "" : `; upstream could not be asked of ${open}`;
  return `${pins.length} source pins differ: ${counts.join(", ")}${asked}`;
}

/** One difference of a pin: what it is of, and its value on both sides (null: none). */
export interface PinDifference {
  readonly what: "version" | "url" | "rev" | "hash" | "file";
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between the two sides of a pin; for an added or removed one, its values. */
export function pinDifferences(pin: PinChange): PinDifference[] {
  const { before, after } = pin;
  const value = (side: Pin | null): Record<PinDifference["what"], string | null> => ({
    version: side?.version ?? null,
    url: side === null || side.urls.length === 0 ? null : side.urls.join(" "),
    rev: side?.rev ?? null,
    hash: side?.hash ?? null,
    file: pin.change === "moved" ? (side?.path ?? null) : null,
  });
  const [old, now] = [value(before), value(after)];
  return (["version", "url", "rev", "hash", "file"] as const)
    .map((what) => ({ what, before: old[what], after: now[what] }))
    .filter((difference) => difference.before !== difference.after);
}

/** A count with its noun: `1 finding`, `2 findings`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
