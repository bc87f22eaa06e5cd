/** Compares a fetcher's new definition with its old one: fetches a sample of sources with both. */
import type { Unchecked } from "../change/change.ts";
import { formatSri } from "../nix/hash.ts";
import type { ChangedFod } from "./changed-fods.ts";
import { type FoundFods, findFods, type WrittenTree } from "./find-fods.ts";
import type { Nix } from "./nix.ts";
import type { Canaries, VerifyOptions, WantedPin } from "./options.ts";
import type { Mirrors } from "./plan.ts";
import { refetchAll } from "./refetch-all.ts";
import type { FodVerdict } from "./verdict.ts";

export interface CanaryResult {
  /** For each source that the change affects, the verdict with the new definition; `mismatch`: other bytes than with the old. */
  readonly verdicts: readonly FodVerdict[];
  readonly unchecked: readonly Unchecked[];
  /** Sources whose derivations are the same with both definitions. */
  readonly unreached: number;
}

interface Pair {
  readonly before: ChangedFod;
  readonly after: ChangedFod;
}

/** Fetches the canaries with both definitions, each time with the derivation's own builder. */
export async function verifyCanaries(
  nix: Nix,
  base: WrittenTree,
  head: WrittenTree,
  { files, seed, pins }: Canaries,
  mirrors: Mirrors,
  options: VerifyOptions,
): Promise<CanaryResult> {
  const before = await findFods(nix, base, pins, options);
  const after = await findFods(nix, head, pins, options);
  const unchecked: Unchecked[] = [];
  const pairs = new Map<string, Pair>();
  for (const pin of pins) {
    const pair = { before: fodOf(pin, before), after: fodOf(pin, after) };
    if (pair.before && pair.after) {
      pairs.set(pair.after.derivation.path, { before: pair.before, after: pair.after });
      continue;
    }
    const side = pair.before ? "head" : "base";
    const reason =
      (pair.before ? after : before).missing.get(pin.path) ?? "no evaluated derivation has the hash";
    unchecked.push({ what: `canary ${pin.path} (seed ${seed})`, reason: `in the ${side}: ${reason}` });
  }
  const reached = [...pairs.values()].filter(
    (pair) => pair.before.derivation.path !== pair.after.derivation.path,
  );
  // Nix's own downloader would bypass the definition that is to be tried.
  const own = { ...options, ownBuilders: true };
  const old = await refetchAll(
    nix,
    reached.map((pair) => pair.before),
    mirrors,
    own,
  );
  const now = await refetchAll(
    nix,
    reached.map((pair) => pair.after),
    mirrors,
    own,
  );
  const about = `canary of ${files.join(", ")}, seed ${seed}`;
  const verdicts = reached.flatMap((pair) => {
    const [first, second] = [verdictOn(pair.before, old), verdictOn(pair.after, now)];
    if (!first || !second) return [];
    const { reason, ...compared } = compare(first, second);
    const place = { path: files[0] ?? "", line: 1, startColumn: 1, endColumn: 1 };
    return [{ ...second, ...compared, reason: `${reason} (${about})`, place }];
  });
  return { verdicts, unchecked, unreached: pairs.size - reached.length };
}

function fodOf({ hash, name }: WantedPin, { fods }: FoundFods): ChangedFod | undefined {
  const fitting = fods.filter(({ output }) => formatSri(output.hash) === hash);
  return fitting.find(({ neededBy }) => name !== null && neededBy.includes(name)) ?? fitting[0];
}

function verdictOn({ derivation }: ChangedFod, verdicts: readonly FodVerdict[]): FodVerdict | undefined {
  return verdicts.find(({ drvPath }) => drvPath === derivation.path);
}

type Compared = Pick<FodVerdict, "outcome" | "reason" | "introduced">;

/** What the two fetches of a source say of the definitions. */
function compare(old: FodVerdict, now: FodVerdict): Compared {
  if (now.got === null) {
    const contrast = old.got === null ? "" : ", while with the old one it is fetched";
    return {
      outcome: now.outcome,
      reason: `with the new definition: ${now.reason}${contrast}`,
      introduced: old.got !== null,
    };
  }
  if (now.outcome === "match") {
    const same = old.got === now.got ? "the same bytes with the old and the new definition" : null;
    const reason = same ?? `the declared bytes with the new definition; with the old one: ${old.reason}`;
    return { outcome: "match", reason, introduced: false };
  }
  if (old.got === null) {
    return { outcome: "not-checked", reason: `with the old definition: ${old.reason}`, introduced: false };
  }
  if (old.got === now.got) {
    return {
      outcome: now.outcome,
      reason: `${now.reason}, with the old definition as well`,
      introduced: false,
    };
  }
  const isStable = old.outcome !== "unstable" && now.outcome !== "unstable";
  return {
    outcome: isStable ? "mismatch" : "unstable",
    reason: isStable
      ? "the new definition of its fetcher gives other bytes than the old one"
      : `${now.reason}; with the old definition: ${old.reason}`,
    introduced: isStable,
  };
}
