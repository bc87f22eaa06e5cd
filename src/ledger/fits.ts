/** Which records are about a pin. */
import type { LedgerRecord } from "./record.ts";

/** What a text says of a pin. */
export interface PinFacts {
  readonly urls: readonly string[];
  /** Whether the text has the locations in full. */
  readonly resolved: boolean;
  readonly rev: string | null;
  /** The package's attributes, as far as known. */
  readonly attrs: readonly string[];
}

/**
 * Whether a verdict on a pin's hash is about the pin: fetched from the same location, at the same revision. The same hash from
 * elsewhere does not count, since the question is whether this location really has it. If the record has several locations,
 * any of them may have answered, so each has to be one of the pin's.
 */
export function fits(record: LedgerRecord, { urls, resolved, rev, attrs }: PinFacts): boolean {
  const [url] = urls;
  // Vendored dependencies have no location: the package's name has to suffice.
  if (url === undefined) return record.urls.length === 0 && isOfPackage(record, attrs);
  if (!resolved) return false;
  if (rev !== null && !url.includes(rev) && record.rev !== rev) return false;
  return record.urls.includes(url) && record.urls.every((known) => urls.includes(known));
}

/** Whether the record is about a source of one of the packages. */
export function isOfPackage(record: LedgerRecord, attrs: readonly string[]): boolean {
  const packages = new Set(record.attrs.flatMap((attr) => [attr, attr.replace(/\.[^.]*$/, "")]));
  return attrs.some((attr) => packages.has(attr));
}
