/** Reads the ledger's records on hashes, as far back as necessary. */
import type { LedgerReader } from "./ledger.ts";
import type { LedgerRecord } from "./record.ts";

/** Hashes that are asked for at a time. */
const PAGE = 500;
/** How many of a hash's records to read, the newest first: nearly always the first few are enough. None beyond the last number. */
const DEPTHS = [20, 200, 2_000];

/**
 * The newest records on the hashes of pins, by hash, the newest first. Reads further back while `isToldBy` is false for a pin
 * and all its records, so that attempts that came to nothing, and records that clear nothing, do not hide earlier ones.
 */
export async function looksAt<T extends { readonly hash: string }>(
  ledger: LedgerReader | null,
  pins: readonly T[],
  isToldBy: (pin: T, record: LedgerRecord) => boolean,
): Promise<ReadonlyMap<string, readonly LedgerRecord[]>> {
  const found = new Map<string, LedgerRecord[]>();
  if (ledger === null) return found;
  let open = [...new Set(pins.map(({ hash }) => hash))];
  for (const depth of DEPTHS) {
    for (const hash of open) found.delete(hash);
    for (let at = 0; at < open.length; at += PAGE) {
      for (const { record } of await ledger.newest(open.slice(at, at + PAGE), depth)) {
        const list = found.get(record.declared);
        if (list) list.push(record);
        else found.set(record.declared, [record]);
      }
    }
    const untold = new Set<string>();
    for (const pin of pins) {
      const records = found.get(pin.hash) ?? [];
      if (records.length >= depth && !records.some((record) => isToldBy(pin, record))) untold.add(pin.hash);
    }
    open = open.filter((hash) => untold.has(hash));
  }
  return found;
}
