/**
 * Which fixed-output derivations (FODs) a change touches: those in the head's closures that the base's do not have, compared by
 * output path and by what they fetch. A derivation's own path is no key, since a bumped compiler changes all of them; an output
 * path alone is none either, since it does not depend on the location.
 */

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
  const keys = new Map<string, string>();
  const keyOf = (fod: Fod, closure: Closure) => {
    let key = keys.get(fod.derivation.path);
    if (key === undefined) {
      key = fetchKey(fod.derivation, closure);
      keys.set(fod.derivation.path, key);
    }
    return key;
  };
  const baseKeys = new Set<string>();
  const byOutput = new Map<string, Derivation>();
  const byHash = new Map<string, Derivation>();
  for (const { base } of evaluated) {
    for (const fod of base ? fodsOf(base.closure) : []) {
      baseKeys.add(keyOf(fod, base?.closure ?? new Map()));
      byOutput.set(fod.output.path, fod.derivation);
      byHash.set(hashKey(fod.output), fod.derivation);
    }
  }

  const changed = new Map<string, ChangedFod>();
  for (const { attr, base, head } of evaluated) {
    const fods = fodsOf(head.closure).filter((fod) => !baseKeys.has(keyOf(fod, head.closure)));
    if (fods.length === 0) continue;
    const places = placesOf(head.closure);
    const basePlaces = base ? derivationsByPlace(base.closure) : new Map<string, Derivation>();
    for (const fod of fods) {
      const place = placeIn(attr, fod, head.closure.get(head.root));
      const label = place ?? attr;
      const key = keyOf(fod, head.closure);
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

/** What is fetched and how, without the paths of the tools: equal for derivations that fetch alike. */
function fetchKey(derivation: Derivation, closure: Closure): string {
  const directory = dirname(derivation.path).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const storePath = new RegExp(`${directory}/[a-z0-9]{32}-`, "g");
  const onlyStorePaths = new RegExp(
    `^\\s*(?:${directory}/[a-z0-9]{32}-[\\w+.?=/-]+\\s+)*(?:${directory}/[a-z0-9]{32}-[\\w+.?=/-]+\\s*)$`,
  );
  const masked = (value: unknown): unknown => JSON.stringify(value).replace(storePath, "/*-");
  const isTools = (value: unknown): boolean =>
    typeof value === "string"
      ? onlyStorePaths.test(value)
      : Array.isArray(value) && value.length > 0 && value.every(isTools);
  const spec = (of: Derivation, depth: number): readonly unknown[] => {
    const attributes = Object.entries(attributesOf(of))
      .filter(([name, value]) => !PLUMBING.has(name) && !isTools(value))
      .map(([name, value]) => [name, masked(value)]);
    // A script that the recipe writes can say where to fetch from, like a URL.
    const scripts: string[] = [];
    for (const input of of.inputDerivations.keys()) {
      const script = closure.get(input);
      if (script && (script.env.has("text") || script.env.has("buildCommand"))) {
        // A script that is not followed is represented by its path, which depends on all of it.
        scripts.push(depth > 0 ? JSON.stringify([script.name, spec(script, depth - 1)]) : input);
      }
    }
    // The paths of input sources depend on their content, so they are kept.
    return [masked(of.builder), masked(of.args), attributes, scripts.sort(), of.inputSources];
  };
  return JSON.stringify([fixedOutput(derivation)?.path, ...spec(derivation, SCRIPT_DEPTH)]);
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
