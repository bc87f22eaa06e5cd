/** Upstream for a thread, which has no token. Pins are copied on the way, and so are matched by their order. */
import type { Source } from "../nix/model.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { PinFacts, UpstreamFacts } from "../provenance/answers.ts";
import type { Upstream } from "../provenance/upstream.ts";

/** The facts of both sides of each change, in their order; null: nothing was asked of that side. */
export interface UpstreamReply extends Omit<UpstreamFacts, "pins"> {
  readonly sides: readonly (readonly [before: PinFacts | null, after: PinFacts | null])[];
}

/** What upstream says, for a thread. @throws Error when there is nobody to ask */
export async function askUpstream(
  upstream: Upstream | null,
  changes: readonly SourceChange[],
): Promise<UpstreamReply> {
  if (upstream === null) throw new Error("upstream cannot be asked");
  const { pins, ...rest } = await upstream.ask(changes);
  const factsOf = (source: Source | null) => (source && pins.get(source)) ?? null;
  return { ...rest, sides: changes.map(({ before, after }) => [factsOf(before), factsOf(after)] as const) };
}

/** Upstream as a thread sees it. `ask` lets the main thread ask. */
export function upstreamThrough(ask: (changes: readonly SourceChange[]) => Promise<UpstreamReply>): Upstream {
  return {
    async ask(changes) {
      const { sides, ...rest } = await ask(changes);
      const pins = new Map<Source, PinFacts>();
      for (const [index, { before, after }] of changes.entries()) {
        const [old, now] = sides[index] ?? [null, null];
        if (before && old) pins.set(before, old);
        if (after && now) pins.set(after, now);
      }
      return { ...rest, pins };
    },
  };
}
