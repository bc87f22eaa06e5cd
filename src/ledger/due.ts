/** Which pins a patrol should look at, and in which order. */
import { fits, isOfPackage } from "./fits.ts";
import type { LedgerReader } from "./ledger.ts";
import { looksAt } from "./looks.ts";
import type { IndexedPin } from "./pin-index.ts";
import type { LedgerRecord } from "./record.ts";

/** A pin that has a hash. */
export interface DuePin extends IndexedPin {
  readonly hash: string;
  /** The likely name of its attribute. */
  readonly name: string | null;
  /** The newest look at it that counts, whatever its outcome; null: nobody has looked. */
  readonly last: LedgerRecord | null;
}

/** The pins that nobody has looked at since `before`: first those never looked at, by path, then by the age of the last look. */
export async function duePins(
  pins: readonly IndexedPin[],
  ledger: LedgerReader | null,
  before: Date,
): Promise<readonly DuePin[]> {
  const hashed = pins.flatMap((pin) => (pin.hash === null ? [] : [{ ...pin, hash: pin.hash }]));
  const records = await looksAt(ledger, hashed, isLook);
  const due = hashed.map((pin): DuePin => {
    const last = (records.get(pin.hash) ?? []).find((record) => isLook(pin, record)) ?? null;
    return { ...pin, name: nameOf(pin), last };
  });
  const limit = before.toISOString();
  return due
    .filter(({ last }) => last === null || last.at < limit)
    .sort(
      (a, b) => compare(a.last?.at ?? "", b.last?.at ?? "") || compare(a.path, b.path) || a.line - b.line,
    );
}

/** Whether a record is a look at the pin: from its location, or, since the text may not tell that in full, of its package. */
function isLook(pin: IndexedPin, record: LedgerRecord): boolean {
  if (!record.trusted) return false;
  const { urls, rev } = pin;
  const name = nameOf(pin);
  const attrs = name === null ? [] : [name];
  return fits(record, { urls, rev, resolved: true, attrs }) || isOfPackage(record, attrs);
}

/** The package's name, or that of the folder or file that the pin is in. */
export function nameOf({ pname, path }: Pick<IndexedPin, "pname" | "path">): string | null {
  const [file = "", folder] = path.split("/").reverse();
  const stem = file.replace(/\.\w+$/, "");
  return pname ?? (["default", "package"].includes(stem) ? (folder ?? null) : stem);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
