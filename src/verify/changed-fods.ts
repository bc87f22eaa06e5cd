/**
 * Which fixed-output derivations (FODs) a change touches: those in the head's closures that the base's do not have, compared by
 * output path and by what they fetch. A derivation's own path is no key, since a bumped compiler changes all of them; an output
 * path alone is none either, since it does not depend on the location.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { addTo } from "../lists.ts";
import type { Closure } from "./closure.ts";
import { attributesOf, type Derivation, type FixedOutput, fixedOutput } from "./drv.ts";

export type FodChange =
  | "added"
  | "changed"
  /** The location, or something else about the fetch, is new but the output path is old: caches answer, nothing is fetched. */
  | "fetch-spec-changed-hash-kept"
  /** A new name over an old hash: a version bumped, the hash forgotten. */
  | "renamed-hash-kept";

export interface ChangedFod {
  readonly change: FodChange;
  readonly derivation: Derivation;
  readonly output: FixedOutput;
  /** What the base has in its place; null when there is nothing. */
  readonly base: Derivation | null;
  /** The attributes that need it: `frob.src` where the attribute itself takes it as `src`, else `frob`. */
  readonly attrs: readonly string[];
  /** The attributes that need it: always `frob`. */
  readonly neededBy: readonly string[];
  /** Where an attribute itself takes it (`frob.src`); null when only packages below it do. */
  readonly place: string | null;
}

/** One attribute on one system, evaluated: its closures on both sides. `base` is null where the base has none. */
export interface EvaluatedAttribute {
  readonly attr: string;
  readonly base: { readonly root: string; readonly closure: Closure } | null;
  readonly head: { readonly root: string; readonly closure: Closure };
}

interface Fod {
  readonly derivation: Derivation;
  readonly output: FixedOutput;
}

/** The changed FODs of all evaluated attributes, each once; those that an attribute itself takes come first. */
export function changedFods(evaluated: readonly EvaluatedAttribute[]): readonly ChangedFod[] {
  const keyOf = fetchKeys();
  const baseKeys = new Set<string>();
  const byOutput = new Map<string, Derivation>();
  const byHash = new Map<string, Derivation>();
  for (const { base } of evaluated) {
    for (const fod of base ? fodsOf(base.closure) : []) {
      baseKeys.add(keyOf(fod.derivation, base?.closure ?? new Map()));
      byOutput.set(fod.output.path, fod.derivation);
      byHash.set(hashKey(fod.output), fod.derivation);
    }
  }

  const changed = new Map<string, ChangedFod>();
  for (const { attr, base, head } of evaluated) {
    const fods = fodsOf(head.closure).filter((fod) => !baseKeys.has(keyOf(fod.derivation, head.closure)));
    if (fods.length === 0) continue;
    const places = placesOf(head.closure);
    const basePlaces = base ? derivationsByPlace(base.closure) : new Map<string, Derivation>();
    for (const fod of fods) {
      const place = placeIn(attr, fod, head.closure.get(head.root));
      const label = place ?? attr;
      const key = keyOf(fod.derivation, head.closure);
      const seen = changed.get(key);
      if (seen) {
        changed.set(key, {
          ...seen,
          attrs: [...new Set([...seen.attrs, label])],
          neededBy: [...new Set([...seen.neededBy, attr])],
          place: seen.place ?? place,
        });
        continue;
      }
      const inPlace = (places.get(fod.derivation.path) ?? []).flatMap((place) => basePlaces.get(place) ?? []);
      const before = {
        output: byOutput.get(fod.output.path),
        hash: byHash.get(hashKey(fod.output)),
        place: inPlace[0],
      };
      changed.set(key, {
        change: before.output
          ? "fetch-spec-changed-hash-kept"
          : before.hash
            ? "renamed-hash-kept"
            : before.place
              ? "changed"
              : "added",
        ...fod,
        base: before.output ?? before.hash ?? before.place ?? null,
        attrs: [label],
        neededBy: [attr],
        place,
      });
    }
  }
  return [...changed.values()].sort((a, b) => Number(b.place !== null) - Number(a.place !== null));
}

/** The FODs of a closure. */
export function fodsOf(closure: Closure): readonly Fod[] {
  const fods: Fod[] = [];
  for (const derivation of closure.values()) {
    const output = fixedOutput(derivation);
    if (output) fods.push({ derivation, output });
  }
  return fods;
}

function hashKey({ mode, hash }: FixedOutput): string {
  return `${mode}:${hash.algorithm}:${hash.bytes.toString("hex")}`;
}

/** Attributes that Nix sets itself, or that are the same for all FODs of a standard environment. */
const PLUMBING = new Set([
  "out",
  "system",
  "builder",
  "stdenv",
  "name",
  "outputHash",
  "outputHashAlgo",
  "outputHashMode",
]);
/** How deep scripts within scripts are followed. */
const SCRIPT_DEPTH = 3;

/**
 * Names what a FOD fetches and how, without the paths of the tools: equal for derivations that fetch alike. Each script is
 * looked at once, however many others have it among their inputs.
 */
function fetchKeys(): (fod: Derivation, closure: Closure) => string {
  const known = new Map<string, string>();
  const keyOf = (of: Derivation, closure: Closure, depth: number): string => {
    const id = `${of.path} ${depth}`;
    let key = known.get(id);
    if (key === undefined) {
      // A script that is not followed is represented by its path, which depends on all of it.
      const scripts = scriptsOf(of, closure).map((script) =>
        depth > 0 ? [script.name, keyOf(script, closure, depth - 1)].join(" ") : script.path,
      );
      const parts = [fixedOutput(of)?.path, ...partsOf(of), scripts.sort()];
      key = createHash("sha256").update(JSON.stringify(parts)).digest("base64");
      known.set(id, key);
    }
    return key;
  };
  return (fod, closure) => keyOf(fod, closure, SCRIPT_DEPTH);
}

/** The scripts among the inputs that the recipe writes: one can say where to fetch from, like a URL. */
function scriptsOf({ inputDerivations }: Derivation, closure: Closure): readonly Derivation[] {
  return [...inputDerivations.keys()].flatMap((input) => {
    const script = closure.get(input);
    return script && (script.env.has("text") || script.env.has("buildCommand")) ? [script] : [];
  });
}

/** What a derivation says itself, without the paths of the tools. */
function partsOf(of: Derivation): readonly unknown[] {
  const directory = dirname(of.path).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const storePath = new RegExp(`${directory}/[a-z0-9]{32}-`, "g");
  const onlyStorePaths = new RegExp(
    `^\\s*(?:${directory}/[a-z0-9]{32}-[\\w+.?=/-]+\\s+)*(?:${directory}/[a-z0-9]{32}-[\\w+.?=/-]+\\s*)$`,
  );
  const masked = (value: unknown): unknown => JSON.stringify(value).replace(storePath, "/*-");
  const isTools = (value: unknown): boolean =>
    typeof value === "string"
      ? onlyStorePaths.test(value)
      : Array.isArray(value) && value.length > 0 && value.every(isTools);
  const attributes = Object.entries(attributesOf(of))
    .filter(([name, value]) => !PLUMBING.has(name) && !isTools(value))
    .map(([name, value]) => [name, masked(value)]);
  // The paths of input sources depend on their content, so they are kept.
  return [masked(of.builder), masked(of.args), attributes, of.inputSources];
}

/** Where FODs are used, by their path: the consumer's name without version, and the attribute that holds it. */
function placesOf(closure: Closure): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const consumer of closure.values()) {
    for (const input of consumer.inputDerivations.keys()) {
      const derivation = closure.get(input);
      const output = derivation && fixedOutput(derivation);
      if (!derivation || !output) continue;
      const slot = slotOf(consumer, output.path);
      addTo(places, input, `${stem(consumer.name)}\0${slot ?? stem(derivation.name)}`);
    }
  }
  return places;
}

function derivationsByPlace(closure: Closure): ReadonlyMap<string, Derivation> {
  const result = new Map<string, Derivation>();
  for (const [path, places] of placesOf(closure)) {
    const derivation = closure.get(path);
    if (derivation) for (const place of places) result.set(place, derivation);
  }
  return result;
}

/** The name of the attribute of `consumer` whose whole value is `path`, or that lists it. */
function slotOf(consumer: Derivation, path: string): string | null {
  let listed: string | null = null;
  for (const [name, value] of Object.entries(attributesOf(consumer))) {
    if (value === path) return name;
    if (listed === null && JSON.stringify(value).includes(path)) listed = name;
  }
  return listed;
}

function placeIn(attr: string, fod: Fod, root: Derivation | undefined): string | null {
  const slot = root?.inputDerivations.has(fod.derivation.path) ? slotOf(root, fod.output.path) : null;
  return slot === null ? null : `${attr}.${slot}`;
}

/** A package's name without its version: https://nix.dev/manual/nix/2.28/language/builtins#builtins-parseDrvName */
function stem(name: string): string {
  return name.replace(/-[^a-zA-Z][\s\S]*/, "");
}
