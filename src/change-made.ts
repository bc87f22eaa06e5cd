/** What the values of changed files fetch, and of those that are made with them. */
import type { Entry, Side } from "./change/change.ts";
import { DEFAULT_SYSTEM } from "./nix/platform.ts";
import type { NixSide } from "./nix/side.ts";
import { type MadePair, madePairs } from "./pair/made.ts";

/** Where builds differ most from the usual ones: what only such a machine fetches, most people never see. */
const OTHER_SYSTEM = "aarch64-darwin";
const TELLS_SYSTEMS = /darwin|aarch64|\bsystem\b/i;

/** What a file and those that read it fetch otherwise than before. `changed`: the files that are looked at for themselves. */
export async function madeOtherwise(
  file: Readonly<Record<Side, Entry>>,
  sides: Record<Side, NixSide>,
  changed: ReadonlySet<string | undefined>,
): Promise<readonly MadePair[]> {
  const readers = [
    ...(await sides.base.readers(file.base.path)),
    ...(await sides.head.readers(file.head.path)),
  ];
  const others = [...new Set(readers)].filter((path) => !changed.has(path));
  const paths = [
    { base: file.base.path, head: file.head.path },
    ...others.map((path) => ({ base: path, head: path })),
  ];
  const pairs: MadePair[] = [];
  for (const path of paths) {
    const texts = `${sides.base.text(path.base)}${sides.head.text(path.head)}`;
    for (const system of TELLS_SYSTEMS.test(texts) ? [DEFAULT_SYSTEM, OTHER_SYSTEM] : [DEFAULT_SYSTEM]) {
      const base = await sides.base.made(path.base, system);
      if (base.length === 0) break;
      pairs.push(...madePairs(base, await sides.head.made(path.head, system)));
    }
  }
  return pairs;
}
