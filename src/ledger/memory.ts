/** What the index and the ledger know of hashes, for a review. */
import type { Memory } from "../facts/gather.ts";
import { type KnownPin, rememberedText } from "../pair/reuse.ts";
import { isServer } from "./database.ts";
import type { LedgerReader } from "./ledger.ts";
import { type FoundPin, openIndex, type PinIndex } from "./pin-index.ts";
import { indexFile, ledgerLocation } from "./places.ts";
import type { LedgerRecord } from "./record.ts";

/** At most so many pins are shown for a hash. */
const MOST_PER_HASH = 20;

/** Joins index and ledger; null for one that is not there. */
export function createMemory(index: Pick<PinIndex, "find"> | null, ledger: LedgerReader | null): Memory {
  return {
    async pinsWith(hashes) {
      const wanted = new Set(hashes);
      const found = index?.find([...wanted], ({ hash }) => hash !== null && wanted.has(hash)) ?? [];
      const recorded = (await ledger?.newest([...wanted], MOST_PER_HASH)) ?? [];
      return [...found.map(ofIndex), ...recorded.map(({ record }) => ofLedger(record))];
    },
  };
}

function ofIndex({ pin, standing }: FoundPin): KnownPin {
  const { path, line, pname, version, urls, rev, hash } = pin;
  return {
    path,
    line,
    source: null,
    side: "base",
    pname,
    version,
    urls: urls.map(rememberedText),
    rev: rev === null ? null : rememberedText(rev),
    hash: hash ?? "",
    accepted: true,
    seen: standing.in === "tree" ? "of the base" : `that was there until ${standing.until.slice(0, 12)}`,
  };
}

function ofLedger({ attrs, name, urls, rev, declared, at, trusted, outcome }: LedgerRecord): KnownPin {
  return {
    path: null,
    line: null,
    source: null,
    side: "base",
    pname: attrs[0]?.split(".").at(0) ?? name,
    version: null,
    urls: urls.map(rememberedText),
    rev: rev === null ? null : rememberedText(rev),
    hash: declared,
    accepted: trusted && outcome === "match",
    seen: `that was fetched on ${at.slice(0, 10)}`,
  };
}

/** A memory that is open. */
export interface OpenMemory extends Memory {
  close(): Promise<void>;
}

/**
 * What is remembered here of a repository: its index, and the ledger if `VERIFOD_DATABASE_URL` names one. The embedded ledger
 * takes a second to open, so only the commands that are about it read it.
 * @throws VerifodError when what is there cannot be read.
 */
export async function openMemory(
  environment: Readonly<Record<string, string | undefined>>,
  gitDirectory: string,
): Promise<OpenMemory> {
  const index = await openIndex(indexFile(environment, gitDirectory));
  const location = ledgerLocation(environment);
  // Loaded only where there is one, since few have one.
  const ledger = isServer(location) ? await (await import("./ledger.ts")).openLedgerReader(location) : null;
  return { ...createMemory(index, ledger), close: async () => ledger?.close() };
}
