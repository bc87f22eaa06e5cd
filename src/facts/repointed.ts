/**
 * Names that a change points elsewhere: `frob = frob_1;` that becomes `frob = frob_2;`, or another call. The pins that such
 * a name stands for did not change on either side; they are a pair all the same.
 */
import type { Side, Unchecked } from "../change/change.ts";
import { type Named, recalledNames, repointedNames } from "../nix/aliases.ts";
import type { Source } from "../nix/model.ts";
import type { NixSide } from "../nix/side.ts";
import { bounded } from "../nix/too-much.ts";
import { type MadePair, madePairs } from "../pair/made.ts";
import { createPinAt, type PinSides } from "./change-pins.ts";
import { HUGE_CHARACTERS, LARGEST_TREES_CHARACTERS, type ReadFile } from "./read-file.ts";

/** Names that stand for another package now; each is looked for in all pins. */
const MOST_REPOINTED = 200;
/** Characters of the files with such names; a file counts once per name, since it is read again for each. */
const MOST_REPOINTED_CHARACTERS = 60_000_000;
const TOO_MANY_REPOINTED = "the change gives more names another meaning than are looked up";

/** A name that a file gives another meaning. */
export interface Repointed {
  readonly path: Readonly<Record<Side, string>>;
  readonly name: string;
  /** Of both sides of the file. */
  readonly characters: number;
}

/** What a name stood for, and what it stands for now. */
export type Meanings = Readonly<Record<Side, Named>>;

/** The names that a changed file gives another meaning. */
export function repointedIn({ code: { base, head }, regions }: ReadFile): readonly Repointed[] {
  if (base?.kind !== "nix" || head?.kind !== "nix") return [];
  const [before, after] = [base.text, head.text];
  const names = new Set(
    repointedNames({ text: before, regions: regions.base }, { text: after, regions: regions.head }),
  );
  const longest = Math.max(before.length, after.length);
  if (longest <= LARGEST_TREES_CHARACTERS) {
    const sides = [
      { file: base, regions: regions.base },
      { file: head, regions: regions.head },
    ] as const;
    for (const name of recalledNames(...sides)) names.add(name);
    if (longest > HUGE_CHARACTERS) for (const { file } of sides) file.document.forgetNodes();
  }
  const path = { base: base.path, head: head.path };
  return [...names].map((name) => ({ path, name, characters: before.length + after.length }));
}

/** What the names stand for on either side, where both sides say; names beyond a limit are told in `unchecked`. */
export async function meaningsOf(
  repointed: readonly Repointed[],
  sides: Record<Side, NixSide>,
  unchecked: Unchecked[],
): Promise<readonly Meanings[]> {
  const found: Meanings[] = [];
  let characters = 0;
  for (const [index, { path, name, characters: own }] of repointed.entries()) {
    characters += own;
    if (index >= MOST_REPOINTED || characters > MOST_REPOINTED_CHARACTERS) {
      unchecked.push({ what: path.head, reason: TOO_MANY_REPOINTED });
      continue;
    }
    const look = async () => ({
      base: await sides.base.named(path.base, name),
      head: await sides.head.named(path.head, name),
    });
    const meanings = await bounded(look, path.head, unchecked);
    if (meanings) found.push(meanings);
  }
  return found;
}

/** The pairs of pins that the names stand for. */
export function aliasesOf(
  meanings: readonly Meanings[],
  pins: PinSides,
): readonly (readonly [Source, Source])[] {
  if (meanings.length === 0) return [];
  const at = { base: createPinAt(pins.base), head: createPinAt(pins.head) };
  return meanings.flatMap(({ base, head }) => {
    const [old, now] = [at.base(base.hashes), at.head(head.hashes)];
    return old && now ? [[old, now] as const] : [];
  });
}

/** Whether a name stood for sources, and stands for sources now. */
export function areSources({ base, head }: Meanings): boolean {
  return base.hashes.length > 0 && head.hashes.length > 0;
}

/** The fetches of what the names stand for that differ from before. */
export function madeForNames(meanings: readonly Meanings[]): readonly MadePair[] {
  return meanings.flatMap(({ base, head }) => madePairs(base.made, head.made, true));
}
