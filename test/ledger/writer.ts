/** Appends records to the ledger named first until it is killed; tells each batch once it is written. */
import { openLedger } from "../../src/ledger/ledger.ts";
import { makeRecord } from "../support/records.ts";

const [location = "", prefix = ""] = process.argv.slice(2);
const ledger = await openLedger(location);
for (let batch = 0; ; batch++) {
  const ids = Array.from({ length: 1 + (batch % 7) }, (_, n) => `${prefix}-${batch}-${n}`);
  await ledger.append(ids.map((id) => makeRecord(id)));
  process.stdout.write(`${ids.join("\n")}\n`);
}
