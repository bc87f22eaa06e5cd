/**
 * Looking into values: which calls a value holds, and the packages around them. It finds the fetcher that a hash
 * ends in when functions, maps or other files stand between the two.
 */
import { apply, asSet } from "./evaluate.ts";
import { fetchesDependencies } from "./fetchers.ts";
import { isHashName } from "./hash-names.ts";
import { type PackageFacts, packageFacts } from "./packages.ts";
import type { Session } from "./session.ts";
import type { CallValue, Origin, SetValue, Thunk, Value } from "./value.ts";
import { knownText, unknown } from "./value.ts";

/** A call that was handed a hash. */
export interface HashedCall {
  readonly call: CallValue;
  readonly attributes: SetValue;
  readonly hashName: string;
  readonly hash: Value;
  readonly origin: Origin;
  readonly package: PackageFacts | null;
  /** The attributes that lead to it in the value that was looked into; of a list, `*`. */
  readonly at: readonly string[];
}

/** Values looked into per trace: a package has some dozens; a hostile nest of sets has no end. */
const VALUE_LIMIT = 4_000;
const DEPTH_LIMIT = 12;

/** `{ fetchurl }: { version }: mkDerivation { … }`, and `self: super: { … }` of a scope. */
const MOST_FUNCTIONS = 4;

/** What a function gives, called with what is not known; other values as they are. */
export function resultOf(session: Session, value: Value): Value {
  let inner = value;
  for (let count = 0; inner.kind === "function" && count < MOST_FUNCTIONS; count++)
    inner = apply(session, inner, () => unknown("argument"), "function");
  return inner;
}

/**
 * All calls inside a value that were handed a hash literal. A function is looked into as if called. `elsewhere`: the place
 * of hashes that no literal is known for; without it, these are left out.
 */
export function hashedCalls(
  session: Session,
  value: Value,
  elsewhere: Origin | null = null,
): readonly HashedCall[] {
  const found: HashedCall[] = [];
  const seen = new Set<Value>();
  let budget = VALUE_LIMIT;
  const look = (thunk: Thunk, around: HashedCall["package"], at: readonly string[]): void => {
    const depth = at.length;
    if (--budget < 0 || depth > DEPTH_LIMIT) {
      session.isCut = true;
      return;
    }
    const inner = resultOf(session, thunk());
    if (seen.has(inner)) return;
    seen.add(inner);
    if (inner.kind === "list") {
      for (const item of inner.items) look(item, around, [...at, "*"]);
      return;
    }
    const attributes = asSet(session, inner);
    if (!attributes) return;
    const hashes = [...attributes.entries.keys()].filter(isHashName);
    if (inner.kind === "call") {
      for (const hashName of hashes) {
        const hash = attributes.entries.get(hashName)?.();
        const origin = hash?.kind === "text" ? (hash.origin ?? (knownText(hash) && elsewhere)) : null;
        if (hash && origin) {
          const isPackage = attributes.entries.has("src") || attributes.entries.has("outputHash");
          const isOfAround = fetchesDependencies(inner.name) && around !== null && around.version !== null;
          const own = isPackage && !isOfAround ? packageFacts(session, inner) : null;
          found.push({ call: inner, attributes, hashName, hash, origin, package: own ?? around, at });
        }
      }
    }
    // A fetcher's own name and version are not those of the package around it.
    const isFetch = inner.kind === "call" && hashes.length > 0 && !attributes.entries.has("src");
    const next = (isFetch ? null : packageFacts(session, inner)) ?? around;
    for (const [name, entry] of attributes.entries) if (name !== "meta") look(entry, next, [...at, name]);
  };
  look(() => value, null, []);
  return found;
}
