/** Chooses a sample of the pins that a fetcher makes, to see whether a change of the fetcher changes what it gives. */
import { createHash } from "node:crypto";
import { fetcherKey, fetcherKeysOf } from "../nix/fetcher-files.ts";
import { nameOf } from "./due.ts";
import type { IndexContent } from "./pin-index.ts";

/** A file that defines fetchers, as the base has it. */
export interface FetcherFile {
  readonly path: string;
  readonly text: string;
}

/** A pin of the sample. */
export interface CanaryPin {
  readonly path: string;
  readonly hash: string;
  readonly name: string | null;
}

/**
 * Chooses `size` of the pins that the fetchers in `files` make, or of all pins where it is not clear which these are. The same
 * `seed` chooses the same pins. Pins of files at `left` (files that the change itself touches) are not chosen.
 */
export function chooseCanaries(
  index: IndexContent,
  files: readonly FetcherFile[],
  left: ReadonlySet<string>,
  size: number,
  seed: string,
): readonly CanaryPin[] {
  const pins = [...index.files.values()]
    .filter(({ path }) => !left.has(path))
    .flatMap((file) => file.pins)
    .flatMap(({ hash, ...pin }) => (hash === null ? [] : [{ ...pin, hash }]));
  const fetchers = new Set(pins.flatMap(({ fetcher }) => fetcher ?? []));
  const made = new Set([...fetchers].filter((name) => files.some((file) => defines(file, name))));
  const fitting =
    made.size === 0 ? pins : pins.filter(({ fetcher }) => fetcher !== null && made.has(fetcher));
  return fitting
    .map((pin) => ({
      pin: { path: pin.path, hash: pin.hash, name: nameOf(pin) },
      order: createHash("sha256").update(`${seed}\0${pin.path}\0${pin.hash}`).digest("hex"),
    }))
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
    .slice(0, size)
    .map(({ pin }) => pin);
}

/** Whether a file defines the fetcher: by its place, or by a binding of its name. */
function defines({ path, text }: FetcherFile, name: string): boolean {
  const escaped = name.replace(/[^\w-]/g, "\\$&");
  return (
    fetcherKeysOf(path).includes(fetcherKey(name)) || new RegExp(`(?<![\\w'.-])${escaped}\\s*=`).test(text)
  );
}
