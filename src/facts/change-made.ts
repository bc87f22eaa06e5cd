/** What is fetched by the values of changed files, and by those of the files that read them. */
import type { Entry, Side, Unchecked } from "../change/change.ts";
import { toSri } from "../nix/hash.ts";
import { DEFAULT_SYSTEM } from "../nix/platform.ts";
import type { NixSide } from "../nix/side.ts";
import { type MadePair, madePairs } from "../pair/made.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { FileFacts } from "../rules/rule.ts";

/** The platform whose builds differ most from the usual ones: what only such a machine fetches, most people never see. */
const OTHER_SYSTEM = "aarch64-darwin";

const MORE_THAN_BEFORE =
  "what its value fetches takes more than is worked out, which it did not before: not compared as a whole";

/**
 * The fetches of a file, and of the files that read it, that differ from before. `changed`: files that are left out, since
 * each is looked at in its own turn. `onLost` is told of files whose new value takes too much to work out, unlike the old.
 */
export async function madeOtherwise(
  file: Readonly<Record<Side, Entry>>,
  sides: Record<Side, NixSide>,
  changed: ReadonlySet<string | undefined>,
  onLost: (lost: Unchecked) => void,
): Promise<readonly MadePair[]> {
  const readers = [
    ...(await sides.base.readers(file.base.path)),
    ...(await sides.head.readers(file.head.path)),
  ];
  const others = [...new Set(readers)].filter((path) => !changed.has(path));
  const own = { base: file.base.path, head: file.head.path };
  const isRead = sides.base.text(own.base) !== null && sides.head.text(own.head) !== null;
  const paths = [...(isRead ? [own] : []), ...others.map((path) => ({ base: path, head: path }))];
  const pairs: MadePair[] = [];
  for (const path of paths) {
    for (const system of [DEFAULT_SYSTEM, OTHER_SYSTEM]) {
      const base = await sides.base.made(path.base, system);
      if (base.fetches.length === 0) break;
      const head = await sides.head.made(path.head, system);
      pairs.push(...madePairs(base.fetches, head.fetches, system === DEFAULT_SYSTEM));
      if (base.isWhole && !head.isWhole) {
        onLost({ what: path.head, reason: MORE_THAN_BEFORE });
        break;
      }
      if (!base.isOfPlatform && !head.isOfPlatform) break;
    }
  }
  return pairs;
}

/** SHA-256 in SRI, in base 32 as Nix has it, or in hex, between what is no part of one. */
const DIGEST =
  /(?<![\w+/])(?:sha256-[A-Za-z0-9+/]{43}=|[0-9abcdfghijklmnpqrsvwxyz]{52}|[0-9a-f]{64})(?![\w+/=])/g;
/** Files that have a reader of their own, and those of package managers. */
const READ_ELSEWHERE = /\.(?:nix|json|patch|diff|sh|py|md)$|lock|checksums?$/i;
const UNREAD = "it has a new hash, and what the Nix files that read it make of it is not known";

/** Changed texts with new hashes that no pin has, though Nix files read the texts: with code of their own, as by `match`. */
export async function unreadTexts(
  files: readonly FileFacts[],
  sides: Record<Side, NixSide>,
  changes: readonly SourceChange[],
): Promise<readonly Unchecked[]> {
  const known = new Set(changes.map(({ after }) => after?.hash));
  const unread: Unchecked[] = [];
  for (const { change, base, head } of files) {
    if (change.status !== "modified" || READ_ELSEWHERE.test(change.head.path)) continue;
    const old = new Set(base?.match(DIGEST));
    const fresh = (head?.match(DIGEST) ?? []).filter((digest) => !old.has(digest));
    if (fresh.every((digest) => known.has(toSri(digest, "sha256")))) continue;
    const { path } = change.head;
    if ((await sides.head.readers(path)).length > 0) unread.push({ what: path, reason: UNREAD });
  }
  return unread;
}
