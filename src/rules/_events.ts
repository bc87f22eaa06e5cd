/**
 * What happened to a pin that both sides have. Each pin has one event, and each event one rule that owns it, so that one
 * event is one finding.
 */
import type { Argument, Source } from "../nix/model.ts";
import { type Location, locationsOf } from "../origin/location.ts";
import { type Placed, plainRev, revisionOf } from "../origin/revision.ts";
import { recipeChanges, type SourceChange } from "../pair/sources.ts";
import { weaknessOf } from "./_hashes.ts";
import type { Facts } from "./rule.ts";

export type Pair = Extract<SourceChange, { readonly change: "changed" | "moved" }>;

/** The pins of both sides that differ, without the added and removed ones. */
export function pairsOf(facts: Facts): Pair[] {
  return facts.sources.filter((source): source is Pair => source.before !== null && source.after !== null);
}

export type PinEvent =
  /** Other bytes from the same place: `hash-changed-alone`, for dependencies `dep-hash-changed-alone`. */
  | "hash-alone"
  /** Other bytes and another version from a place that names no version: a note of `hash-changed-alone`. */
  | "relabelled"
  /** Other bytes from the same place, fetched in another way: `fetch-hook-changed`. */
  | "hash-and-shape"
  /** The same bytes from the same place, fetched in another way: `fetch-hook-changed`. */
  | "shape-alone"
  /** The version or revision moved, the bytes did not: `stale-hash-on-bump`, for dependencies `dep-hash-stale`. */
  | "stale"
  /** Another place, the same version and bytes: `url-changed-hash-kept`. */
  | "place-alone"
  /** Other bytes from somebody else: `source-identity-swap`. */
  | "owner"
  /** The hash is empty, fake or not written out on one side: `weak-or-disabled-hash`. */
  | "unpinned"
  /** A bump as it should be, or a place whose owner did not change. */
  | "bump"
  /** Only a label moved, or what the text does not decide. */
  | "none";

/** How the places of two pins compare. `unknown`: a part is not in the text. */
export type PlaceChange = "same" | "revision" | "owner" | "elsewhere" | "unknown";

/** A spelling of a place without what does not matter: scheme, `.git`, mirror, kind of archive. */
function canonical(location: Location, source: Placed): string {
  const { kind, owner, ref } = location;
  const revision = ref ?? plainRev(source);
  // On a host that is no known forge all repositories have one owner: only the path tells them apart.
  if (owner?.repository && revision !== null && (kind === "archive" || kind === "clone"))
    return `${owner.id}@${revision}`;
  if (owner && kind === "registry") {
    // Mirrors have other folders above the file. Where each file has the same name, the version stands above it: crates.io
    // has `1.2/download`, the marketplace of extensions `1.2/assetbyname/Microsoft.VisualStudio.Services.VSIXPackage`.
    const parts = location.path.split("/");
    const named = parts.at(-1) === "download" ? 2 : parts.at(-2) === "assetbyname" ? 3 : 1;
    const file = parts.slice(-named).join("/");
    return `${owner.id}/${file}@${revision ?? ""}`;
  }
  const path = location.path.replace(/\.git$/, "").replace(/\/$/, "");
  return `${location.host}:${location.port ?? ""}${path}${location.query}@${revision ?? ""}`;
}

/** Where a pin comes from, for comparing two sides; empty when the text does not say. */
function canonicalPlaces(source: Placed): Set<string> {
  const locations = locationsOf(source);
  const places = locations.map((location) => canonical(location, source));
  if (places.length === 0)
    places.push(...source.urls.map(({ value }) => `${value}@${plainRev(source) ?? ""}`));
  if (places.length === 0 && source.rev) places.push(`@${plainRev(source)}`);
  return new Set(places);
}

/** Whether the text says all of where a pin comes from. */
export function isResolved(source: Placed): boolean {
  return source.urls.every(({ resolved }) => resolved) && (source.rev?.resolved ?? true);
}

/** Whether any owner of the head's places was one of the base's; null when one is not known. */
function ownersMeet(before: Placed, after: Placed): boolean | null {
  const owners = (source: Placed) => locationsOf(source).map(({ owner }) => owner?.id ?? null);
  const [first] = owners(after);
  const known = owners(before);
  if (first === undefined || first === null || known.length === 0 || known.includes(null)) return null;
  return known.includes(first);
}

/** Whether two pins come from the same place, and if not, what differs. */
export function placeChange(before: Placed, after: Placed): PlaceChange {
  const [old, current] = [canonicalPlaces(before), canonicalPlaces(after)];
  // A mirror was dropped, or the order changed: no place is new.
  if (current.size > 0 && [...current].every((place) => old.has(place))) return "same";
  const meet = ownersMeet(before, after);
  if (meet === false) return "owner";
  if (!isResolved(before) || !isResolved(after)) return "unknown";
  if (old.size === 0 || current.size === 0) return "unknown";
  // `old.src.override { rev = …; }`: the place is that of what is overridden.
  if (before.urls.length === 0 && after.urls.length === 0) return "revision";
  return meet === true && revisionOf(before) !== revisionOf(after) ? "revision" : "elsewhere";
}

/** Arguments that do not affect the bytes: names, descriptions, attributes that are passed on. */
const LABELS = new Set([
  "name",
  "pname",
  "version",
  "meta",
  "passthru",
  "preferLocalBuild",
  "private",
  "varPrefix",
]);

/** Whether an argument is a hash: in a set of hashes by version or platform, all of them are among the arguments. */
function isHash({ hashSpan }: Source, { span, text }: Argument): boolean {
  return (span.start <= hashSpan.start && hashSpan.end <= span.end) || /^"[\w+/=:-]{32,}"$/.test(text);
}

/** The arguments that shape what the fetcher fetches and that differ, by name, with the argument of each side. */
export function shapeChanges(
  before: Source,
  after: Source,
): { name: string; before: Argument | null; after: Argument | null }[] {
  const index = (source: Source) =>
    new Map(source.shape.filter((each) => !isHash(source, each)).map((each) => [each.name, each]));
  const [old, current] = [index(before), index(after)];
  return [...new Set([...old.keys(), ...current.keys()])]
    .filter((name) => !LABELS.has(name) && old.get(name)?.text !== current.get(name)?.text)
    .map((name) => ({ name, before: old.get(name) ?? null, after: current.get(name) ?? null }));
}

/** Whether the bytes are fetched in another way: another function, or other arguments that shape them. */
export function isShapedOtherwise(before: Source, after: Source): boolean {
  return before.fetcher !== after.fetcher || shapeChanges(before, after).length > 0;
}

/** The event of a pair. */
export function eventOf({ before, after }: Pair): PinEvent {
  if (before.hash === null || after.hash === null) return "unpinned";
  const weakness = weaknessOf(after.hash);
  const old = weaknessOf(before.hash);
  if (weakness && weakness.kind !== old?.kind) return "unpinned";
  // Where nothing was pinned before, filling in a hash does not change one.
  if (before.hash !== after.hash && (old?.kind === "fake" || old?.kind === "empty")) return "none";
  // Vendored dependencies have no place of their own: they come with the source.
  if (after.role === "dependencies") return dependencyEvent(before, after);
  const place = placeChange(before, after);
  const versionMoved = before.version !== after.version;
  if (before.hash === after.hash) {
    switch (place) {
      case "same":
        return kept(before, after);
      case "revision":
        return "stale";
      case "owner":
      case "elsewhere":
        return versionMoved && place === "elsewhere" ? "stale" : "place-alone";
      case "unknown":
        if (!versionMoved)
          return isResolved(before) && !isNowhere(before) ? "place-alone" : kept(before, after);
        if (before.version === null || after.version === null) return "none";
        // `old.src.override { inherit version; }` is fetched by its version.
        return isNowhere(after) && !hasOwnVersion(after) && after.fetcher !== "override" ? "none" : "stale";
    }
  }
  if (ownerArguments(before, after) !== null) return "owner";
  switch (place) {
    case "same":
      // A part of the place that the text does not say may have changed with the version.
      if (versionMoved && !(isResolved(before) && isResolved(after))) return "bump";
      if (versionMoved && after.role !== "patch" && namesNothing(after)) return "relabelled";
      return isShapedOtherwise(before, after) ? "hash-and-shape" : "hash-alone";
    case "owner":
      return "owner";
    case "revision":
    case "elsewhere":
      return "bump";
    case "unknown": {
      // In a set of hashes by version, another name is another version.
      if (versionMoved || before.binding !== after.binding) return "bump";
      if (isNowhere(before) && isNowhere(after))
        return isShapedOtherwise(before, after) ? "none" : "hash-alone";
      // The place could be read and no longer can: that may hide that nothing but the hash changed.
      return isResolved(before) && !isNowhere(before) ? "hash-alone" : "none";
    }
  }
}

/** Arguments that say whose a source is, whatever makes an address of them. */
const OWNERS = /^(?:owner|publisher|org|group(?:Id)?|domain|host|githubBase)$/;

/** Where no location is known: what the arguments that name an owner were and are, if they differ; else null. */
export function ownerArguments(before: Source, after: Source): { was: string; is: string } | null {
  if (before.urls.length > 0 || after.urls.length > 0) return null;
  const differ = recipeChanges(before, after).filter((name) => OWNERS.test(name));
  const [was, is] = [before, after].map(({ recipe }) =>
    differ.flatMap((name) => recipe.find((part) => part.name === name)?.text ?? []).join("/"),
  ) as [string, string];
  return was === "" || is === "" ? null : { was, is };
}

/** The event of a pin whose bytes, place and version are what they were. */
function kept(before: Source, after: Source): PinEvent {
  const isWithVersion = before.version === after.version;
  return isWithVersion && recipeChanges(before, after).length > 0 ? "shape-alone" : "none";
}

/** Whether the location names no tag, commit or release that the version could be held against. */
function namesNothing(source: Source): boolean {
  const locations = locationsOf(source);
  return source.rev === null && locations.every(({ kind }) => kind === "file" || kind === "asset");
}

/** Whether the text says nothing of where a pin comes from. */
function isNowhere(source: Placed): boolean {
  return source.urls.length === 0 && source.rev === null;
}

/** A version that stands in the pin itself, and not in the package around it. */
function hasOwnVersion({ span, versionSpan }: Source): boolean {
  return versionSpan !== null && span.start <= versionSpan.start && versionSpan.end <= span.end;
}

function dependencyEvent(before: Source, after: Source): PinEvent {
  const versionMoved = before.version !== after.version;
  if (before.hash === after.hash) return versionMoved ? "stale" : kept(before, after);
  if (versionMoved) return "bump";
  return isShapedOtherwise(before, after) ? "hash-and-shape" : "hash-alone";
}
