/** Attribute sets: `lib.attrsets` and its kin in `builtins`. */
import { apply, asSet, keyOfSelector } from "../evaluate.ts";
import { choose, decide, type Session } from "../session.ts";
import { update } from "../sets.ts";
import {
  knownText,
  lazy,
  list,
  type SetValue,
  set,
  type Thunk,
  textValue,
  unknown,
  type Value,
} from "../value.ts";
import { applyTwo, itemsAt, type Library, stringsAt, valueAt } from "./support.ts";

/** The attributes of a set in the order of their names, which is Nix's. */
function sorted(source: SetValue): readonly (readonly [string, Thunk])[] {
  return [...source.entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `mapAttrs`-like: the function's results by attribute, in the order of their names. */
function mapEntries(session: Session, args: readonly Thunk[], text: string): [string, Thunk][] | undefined {
  const source = asSet(session, valueAt(args, 1));
  return (
    (source &&
      sorted(source).map(([name, value]) => [
        name,
        lazy(() => applyTwo(session, valueAt(args, 0), () => textValue(name), value, text), name),
      ])) ??
    undefined
  );
}

/** `lib.recursiveUpdate`: sets within both are merged as well. */
function updateDeep(left: SetValue, right: SetValue): SetValue {
  const merged = [...right.entries].map(([name, now]): readonly [string, Thunk] => {
    const old = left.entries.get(name);
    const value = lazy(() => {
      const above = now();
      if (!old || above.kind !== "set") return above;
      const below = old();
      return below.kind === "set" ? updateDeep(below, above) : above;
    }, name);
    return [name, value];
  });
  return update(left, { ...right, entries: new Map(merged) });
}

/** The entries that pairs of `name` and `value` stand for. */
function named(session: Session, pairs: readonly Value[]): [string, Thunk][] | undefined {
  const entries: [string, Thunk][] = [];
  for (const each of pairs) {
    const pair = asSet(session, each)?.entries;
    const name = pair?.get("name");
    const value = pair?.get("value");
    const text = name && knownText(name());
    if (typeof text !== "string" || !value) return undefined;
    entries.push([text, value]);
  }
  return entries;
}

/** Sets laid one over the other; undefined when one of them is not known. */
function merged(session: Session, values: readonly Value[] | undefined): Value | undefined {
  const entries = new Map<string, Thunk>();
  let open = false;
  for (const value of values ?? []) {
    const next = asSet(session, value);
    if (!next) return undefined;
    open ||= next.open;
    // In one map: `update` would copy what there is for each of thousands of sets.
    for (const [name, entry] of next.entries)
      entries.set(name, next.conditional && entries.has(name) ? () => unknown(name) : entry);
  }
  return values && set(entries, open);
}

/** The attribute that a list of names leads to; undefined: it is not known, null: there is none. */
function atPath(session: Session, names: readonly string[] | null, from: Value): Value | undefined | null {
  let value = from;
  for (const name of names ?? []) {
    const within = asSet(session, value);
    const entry = within?.entries.get(name);
    if (!entry) return within && !within.open ? null : undefined;
    value = entry();
  }
  return names ? value : undefined;
}

export const ATTRSETS: Library = {
  optionalAttrs: {
    arity: 2,
    run: (session, args, text) => {
      const source = asSet(session, valueAt(args, 1));
      const taken = decide(session, valueAt(args, 0), text);
      if (taken === undefined) return source && { ...source, open: true, conditional: true };
      return taken ? source : set([]);
    },
  },
  attrNames: {
    arity: 1,
    run: (session, args) => {
      const source = asSet(session, valueAt(args, 0));
      if (!source || source.open) return undefined;
      return list(sorted(source).map(([name]) => textValue(name)));
    },
  },
  attrValues: {
    arity: 1,
    run: (session, args) => {
      const source = asSet(session, valueAt(args, 0));
      return source && { kind: "list", items: sorted(source).map(([, value]) => value), open: source.open };
    },
  },
  mapAttrs: {
    arity: 2,
    run: (session, args, text) => {
      const entries = mapEntries(session, args, text);
      return entries && set(entries, asSet(session, valueAt(args, 1))?.open);
    },
  },
  "mapAttrs'": {
    arity: 2,
    run: (session, args, text) => {
      const pairs = mapEntries(session, args, text)?.map(([, value]) => value());
      const entries = pairs && named(session, pairs);
      return entries && set(entries, asSet(session, valueAt(args, 1))?.open);
    },
  },
  concatMapAttrs: {
    arity: 2,
    run: (session, args, text) =>
      merged(
        session,
        mapEntries(session, args, text)?.map(([, value]) => value()),
      ),
  },
  mergeAttrsList: {
    arity: 1,
    run: (session, args) =>
      merged(
        session,
        itemsAt(args, 0)?.map((item) => item()),
      ),
  },
  filterAttrs: {
    arity: 2,
    run: (session, args, text) => {
      const source = asSet(session, valueAt(args, 1));
      const tests = mapEntries(session, args, text);
      if (!source || !tests) return undefined;
      const kept = new Map(source.entries);
      for (const [name, test] of tests) {
        const taken = test();
        if (taken.kind !== "bool") return undefined;
        if (!taken.value) kept.delete(name);
      }
      return { ...source, entries: kept };
    },
  },
  mapAttrsToList: {
    arity: 2,
    run: (session, args, text) => {
      const items = mapEntries(session, args, text)?.map(([, value]) => value);
      return items && { kind: "list", items, open: asSet(session, valueAt(args, 1))?.open ?? false };
    },
  },
  genAttrs: {
    arity: 2,
    run: (session, args, text) => {
      const names = stringsAt(args, 0);
      const value = (name: string) =>
        lazy(() => apply(session, valueAt(args, 1), () => textValue(name), text), name);
      return names ? set(names.map((name) => [name, value(name)])) : undefined;
    },
  },
  attrByPath: {
    arity: 3,
    run: (session, args) => {
      const found = atPath(session, stringsAt(args, 0), valueAt(args, 2));
      return found === null ? valueAt(args, 1) : found;
    },
  },
  getAttrFromPath: {
    arity: 2,
    run: (session, args) => atPath(session, stringsAt(args, 0), valueAt(args, 1)) ?? undefined,
  },
  nameValuePair: {
    arity: 2,
    run: (_, args) =>
      set([
        ["name", () => valueAt(args, 0)],
        ["value", () => valueAt(args, 1)],
      ]),
  },
  listToAttrs: {
    arity: 1,
    run: (session, args) => {
      const items = itemsAt(args, 0)?.map((item) => item());
      const entries = items && named(session, items);
      // Of several with one name, the first counts.
      return entries && set(entries.reverse());
    },
  },
  removeAttrs: {
    arity: 2,
    run: (session, args) => {
      const source = asSet(session, valueAt(args, 0));
      const names = stringsAt(args, 1);
      if (!source || !names) return undefined;
      const gone = new Set(names);
      return { ...source, entries: new Map([...source.entries].filter(([name]) => !gone.has(name))) };
    },
  },
  recursiveUpdate: {
    arity: 2,
    run: (session, args) => {
      const left = asSet(session, valueAt(args, 0));
      const right = asSet(session, valueAt(args, 1));
      return left && right && updateDeep(left, right);
    },
  },
  getAttr: {
    arity: 2,
    run: (session, args) => {
      const selector = valueAt(args, 0);
      const source = asSet(session, valueAt(args, 1));
      if (!source) return undefined;
      const name =
        knownText(selector) ??
        choose(session, keyOfSelector(selector, "getAttr"), [...source.entries.keys()]);
      return name === undefined ? undefined : source.entries.get(name)?.();
    },
  },
  intersectAttrs: {
    arity: 2,
    run: (session, args) => {
      const names = asSet(session, valueAt(args, 0));
      const source = asSet(session, valueAt(args, 1));
      if (!source || !names || names.open) return source;
      return { ...source, entries: new Map([...source.entries].filter(([name]) => names.entries.has(name))) };
    },
  },
};
