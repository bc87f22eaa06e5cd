/** Which FODs of a change are not fetched again, and why. */
import type { ChangedFod } from "./changed-fods.ts";
import type { Nix } from "./nix.ts";
import { sandboxWeakness } from "./nix-version.ts";
import type { VerifyOptions } from "./options.ts";
import type { Plan } from "./plan.ts";
import { rederive, specOf } from "./rederive.ts";
import type { Judgement } from "./verdict.ts";

type Because = Pick<Judgement, "outcome" | "reason">;

/** Why a FOD is not fetched at all; null when it is. `strange`: as of `unlikeTheirParts`. */
export function reasonNotTo(
  nix: Nix,
  { derivation }: ChangedFod,
  plan: Plan,
  strange: ReadonlyMap<string, string>,
  options: VerifyOptions,
): Because | null {
  const because = (outcome: Because["outcome"], reason: string) => ({ outcome, reason });
  if (plan.kind !== "ways") {
    return plan.kind === "unsupported"
      ? because("unsupported", plan.reason)
      : because("not-checked", `refused: ${plan.reason}`);
  }
  if (!options.refetch) return because("not-checked", "only evaluated, not fetched");
  if (!plan.ways.some(({ via }) => via === "builder")) return null;
  const reason = strange.get(derivation.path);
  if (reason !== undefined) return because("unsupported", reason);
  const weakness = nix.store.sandbox && options.acceptNix === null ? weaknessOf(nix, options) : null;
  if (weakness === null) return null;
  const advice = `${weakness}, or say with --accept-nix REASON why this one may run it`;
  return because("not-checked", `its builder is code of the change, and ${advice}`);
}

/** What speaks against letting this Nix run a change's builder, and what to do about it; null: nothing known. */
function weaknessOf(nix: Nix, { builders }: VerifyOptions): string | null {
  if (builders.length > 0) return "a remote builder does not tell its Nix and its sandbox: fetch from here";
  const weakness = sandboxWeakness(nix.version);
  return weakness && `${weakness}: use a newer Nix`;
}

/** FODs that come out different when made again from their parts, by path, with the reason: we do not understand them. */
export async function unlikeTheirParts(
  nix: Nix,
  changed: readonly ChangedFod[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const strange = new Map<string, string>();
  const check = async (fods: readonly ChangedFod[]): Promise<void> => {
    if (fods.length === 0) return;
    const again = await rederive(
      nix,
      fods.map(({ derivation }) => specOf(derivation)),
      signal,
    );
    if (again.kind === "failed" && fods.length > 1) {
      for (const fod of fods) await check([fod]);
      return;
    }
    fods.forEach(({ derivation }, n) => {
      if (again.kind === "failed") strange.set(derivation.path, again.reason);
      else if (again.paths[n] !== derivation.path)
        strange.set(derivation.path, "it cannot be re-derived exactly");
    });
  };
  await check(changed);
  return strange;
}
