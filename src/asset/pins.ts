/** The pins of a change that are archives which somebody uploaded to a release, each compared with its tag. */
import type { Unchecked } from "../change/change.ts";
import { messageOf, VerifodError } from "../errors.ts";
import { parseHash } from "../nix/hash.ts";
import { parseLocation } from "../origin/location.ts";
import type { Pin, PinChange } from "../report/review.ts";
import { isBinary } from "../rules/_prebuilt.ts";
import type { Comparison } from "./compare.ts";
import { askRelease, type Release, type ReleaseOptions } from "./release.ts";

export interface ComparedPin {
  readonly pin: Pin;
  readonly binding: string;
  readonly attrs: readonly string[];
  readonly release: Release;
  readonly outcome:
    | { readonly kind: "compared"; readonly comparison: Comparison; readonly pinned: boolean }
    | { readonly kind: "could-not"; readonly reason: string };
}

export interface PinOptions extends ReleaseOptions {
  /** The release that a URL is an archive of; null for what is no such thing. */
  readonly releaseOf: (url: string) => Release | null;
  /** Compare at most so many; the rest is reported as not compared. */
  readonly most: number;
}

export const MOST_COMPARED = 20;

/** Compares the archives that the new side of a change pins, one after the other. Throws for our own bugs only. */
export async function comparePins(
  sources: readonly PinChange[],
  options: PinOptions,
): Promise<readonly ComparedPin[]> {
  const compared: ComparedPin[] = [];
  for (const { after, binding, attrs, fetcher } of sources) {
    const release = after?.resolved ? firstRelease(after, options) : null;
    if (!after || release === null) continue;
    // fetchurl hashes the file itself; other fetchers hash what they unpack from it.
    const hash = fetcher === "fetchurl" && after.hash !== null ? parseHash(after.hash) : null;
    const asked = { ...release, hash: hash ?? undefined };
    const outcome: ComparedPin["outcome"] =
      compared.length < options.most
        ? await outcomeOf(asked, options)
        : { kind: "could-not", reason: `${options.most} archives were compared already` };
    compared.push({ pin: after, binding, attrs, release, outcome });
  }
  return compared;
}

function firstRelease({ urls }: Pin, { releaseOf }: PinOptions): Release | null {
  return urls.map(releaseOf).find((release) => release !== null) ?? null;
}

async function outcomeOf(release: Release, options: PinOptions): Promise<ComparedPin["outcome"]> {
  try {
    const result = await askRelease(release, options);
    if (result.kind === "failed") return { kind: "could-not", reason: result.reason };
    return { kind: "compared", comparison: result.comparison, pinned: release.hash !== undefined };
  } catch (error) {
    if (error instanceof VerifodError) return { kind: "could-not", reason: messageOf(error) };
    throw error;
  }
}

const ARCHIVE = /\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|zip)$/i;

/**
 * The release of an asset's URL on a forge that keeps tags in it (GitHub, Gitea, Forgejo), with the repository to clone;
 * null for other URLs and for programs that are built already.
 */
export function forgeRelease(url: string): Release | null {
  const location = parseLocation({ value: url, resolved: true });
  const repository = location?.owner?.repository;
  if (!location || !repository || location.kind !== "asset" || location.ref === null) return null;
  if (location.ref === "latest" || !ARCHIVE.test(location.path) || isBinary(location)) return null;
  const { forge, owner, name } = repository;
  return { asset: url, repository: `https://${forge}/${owner}/${name}`, tag: decoded(location.ref) };
}

function decoded(ref: string): string {
  try {
    return decodeURIComponent(ref);
  } catch {
    return ref;
  }
}

/** What could not be compared, for the list of what was not checked. */
export function notCompared(compared: readonly ComparedPin[]): readonly Unchecked[] {
  return compared.flatMap(({ pin, release, outcome }) => {
    const what = `${pin.path}:${pin.line}`;
    const against = `${release.asset} was not compared with the tag ${release.tag}`;
    if (outcome.kind === "could-not") return [{ what, reason: `${against}: ${outcome.reason}` }];
    return outcome.comparison.unchecked.map((each) => ({
      what,
      reason: `${against}: ${each.what}: ${each.reason}`,
    }));
  });
}
