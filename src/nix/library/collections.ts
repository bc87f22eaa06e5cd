/** Lists and attribute sets: `lib.lists`, `lib.attrsets` and their kin in `builtins`. */
import { apply, asSet, keyOfSelector } from "../evaluate.ts";
import { choose, decide, type Session, STEP_LIMIT } from "../session.ts";
import { update } from "../sets.ts";
import {
  knownText,
  LIST_LIMIT,
  lazy,
  list,
  type SetValue,
  set,
  type Thunk,
  TOO_LONG,
  textValue,
  unknown,
  type Value,
} from "../value.ts";
import { type Builtin, itemsAt, type Library, numberAt, stringAt, stringsAt, valueAt } from "./support.ts";

function known(items: readonly Thunk[] | null | undefined): Value | undefined {
  return items ? { kind: "list", items, open: false } : undefined;
}

const slice = (pick: (items: readonly Thunk[]) => readonly Thunk[]): Builtin => ({
  arity: 1,
  run: (_, args) => {
    const items = itemsAt(args, 0);
    return known(items && pick(items));
  },
});

const counted = (pick: (items: readonly Thunk[], count: number) => readonly Thunk[]): Builtin => ({
  arity: 2,
  run: (_, args) => {
    const count = numberAt(args, 0);
    const items = itemsAt(args, 1);
    return known(items && count !== null ? pick(items, count) : null);
  },
});

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
        lazy(() => {
          const withName = apply(session, valueAt(args, 0), () => textValue(name), text);
          return apply(session, withName, value, text);
        }, name),
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

const foldl: Builtin = {
  arity: 3,
  run: (session, args, text) =>
    itemsAt(args, 2)?.reduce(
      (result: Value, item) => {
        const half = apply(session, valueAt(args, 0), () => result, text);
        return apply(session, half, item, text);
      },
      valueAt(args, 1),
    ),
};

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

/** A function over the items of a list and their places. */
const indexed = (first: number): Builtin => ({
  arity: 2,
  run: (session, args, text) =>
    known(
      itemsAt(args, 1)?.map((item, index) =>
        lazy(() => {
          const half = apply(
            session,
            valueAt(args, 0),
            () => ({ kind: "number", value: first + index }),
            text,
          );
          return apply(session, half, item, text);
        }, text),
      ),
    ),
});

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

/** Lists one after the other. */
function flat(lists: readonly Value[] | undefined): Value | undefined {
  if (!lists) return undefined;
  const items: Thunk[] = [];
  for (const value of lists) {
    if (value.kind !== "list" || value.open) return undefined;
    if (items.length + value.items.length > LIST_LIMIT) return TOO_LONG;
    items.push(...value.items);
  }
  return known(items);
}

/** Lists within lists, as one; not known where an item is not. */
function flattened(session: Session, value: Value): Value | undefined {
  const items: Value[] = [];
  const open: Value[] = [value];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.kind === "unknown" || (next.kind === "list" && next.open)) return undefined;
    if (next.kind !== "list") items.push(next);
    else for (const item of [...next.items].reverse()) open.push(item());
    if (items.length + open.length > LIST_LIMIT) return TOO_LONG;
    if (++session.steps > STEP_LIMIT) return undefined;
  }
  return list(items);
}

/** A list without some texts; its others may be anything that is known. */
function without(unwantedIn: (args: readonly Thunk[]) => readonly (string | null)[] | null): Builtin {
  return {
    arity: 2,
    run: (_, args) => {
      const unwanted = new Set(unwantedIn(args));
      const texts = stringsAt(args, 1);
      if (unwanted.size === 0 || unwanted.has(null) || !texts) return undefined;
      return known(itemsAt(args, 1)?.filter((_item, index) => !unwanted.has(texts[index] as string)));
    },
  };
}

export const COLLECTIONS: Library = {
  map: {
    arity: 2,
    run: (session, args, text) =>
      known(itemsAt(args, 1)?.map((item) => lazy(() => apply(session, valueAt(args, 0), item, text), text))),
  },
  head: { arity: 1, run: (_, args) => itemsAt(args, 0)?.[0]?.() },
  last: { arity: 1, run: (_, args) => itemsAt(args, 0)?.at(-1)?.() },
  elemAt: { arity: 2, run: (_, args) => itemsAt(args, 0)?.[numberAt(args, 1) ?? -1]?.() },
  tail: slice((items) => items.slice(1)),
  init: slice((items) => items.slice(0, -1)),
  reverseList: slice((items) => [...items].reverse()),
  take: counted((items, count) => items.slice(0, count)),
  drop: counted((items, count) => items.slice(count)),
  sublist: {
    arity: 3,
    run: (_, args) => {
      const [start, count] = [numberAt(args, 0), numberAt(args, 1)];
      const items = itemsAt(args, 2);
      return known(items && start !== null && count !== null ? items.slice(start, start + count) : null);
    },
  },
  singleton: { arity: 1, run: (_, args) => known(args.slice(0, 1)) },
  toList: {
    arity: 1,
    run: (_, args) => {
      const value = valueAt(args, 0);
      if (value.kind === "unknown") return undefined;
      return value.kind === "list" ? value : list([value]);
    },
  },
  flatten: { arity: 1, run: (session, args) => flattened(session, valueAt(args, 0)) },
  unique: {
    arity: 1,
    run: (_, args) => {
      const texts = stringsAt(args, 0);
      const seen = new Set<string>();
      const isFirst = (text: string) => seen.size < seen.add(text).size;
      return known(texts && itemsAt(args, 0)?.filter((_item, index) => isFirst(texts[index] as string)));
    },
  },
  remove: without((unwanted) => [stringAt(unwanted, 0)]),
  subtractLists: without((unwanted) => stringsAt(unwanted, 0)),
  imap0: indexed(0),
  imap1: indexed(1),
  zipListsWith: {
    arity: 3,
    run: (session, args, text) => {
      const others = itemsAt(args, 2);
      const pairs = others && itemsAt(args, 1)?.slice(0, others.length);
      return known(
        pairs?.map((item, index) =>
          lazy(() => {
            const half = apply(session, valueAt(args, 0), item, text);
            return apply(session, half, others?.[index] ?? (() => unknown(text)), text);
          }, text),
        ),
      );
    },
  },
  length: {
    arity: 1,
    run: (_, args) => {
      const length = itemsAt(args, 0)?.length;
      return length === undefined ? undefined : { kind: "number", value: length };
    },
  },
  findFirst: {
    arity: 3,
    run: (session, args, text) => {
      for (const item of itemsAt(args, 2) ?? [() => unknown("list")]) {
        const taken = apply(session, valueAt(args, 0), item, text);
        if (taken.kind !== "bool") return undefined;
        if (taken.value) return item();
      }
      return valueAt(args, 1);
    },
  },
  elem: {
    arity: 2,
    run: (_, args) => {
      const needle = stringAt(args, 0);
      const hay = stringsAt(args, 1);
      return needle === null || !hay ? undefined : { kind: "bool", value: hay.includes(needle) };
    },
  },
  optional: {
    arity: 2,
    run: (session, args, text) => {
      const taken = decide(session, valueAt(args, 0), text);
      return taken === undefined ? undefined : known(taken ? args.slice(1) : []);
    },
  },
  optionals: {
    arity: 2,
    run: (session, args, text) => {
      const taken = decide(session, valueAt(args, 0), text);
      return taken === undefined ? undefined : taken ? valueAt(args, 1) : list([]);
    },
  },
  concatLists: { arity: 1, run: (_, args) => flat(itemsAt(args, 0)?.map((item) => item())) },
  concatMap: {
    arity: 2,
    run: (session, args, text) =>
      flat(itemsAt(args, 1)?.map((item) => apply(session, valueAt(args, 0), item, text))),
  },
  filter: {
    arity: 2,
    run: (session, args, text) => {
      const kept: Thunk[] = [];
      for (const item of itemsAt(args, 1) ?? [() => unknown("item")]) {
        const taken = apply(session, valueAt(args, 0), item, text);
        if (taken.kind !== "bool") return undefined;
        if (taken.value) kept.push(item);
      }
      return known(kept);
    },
  },
  foldl,
  "foldl'": foldl,
  foldr: {
    arity: 3,
    run: (session, args, text) =>
      itemsAt(args, 2)?.reduceRight(
        (result: Value, item) => {
          const half = apply(session, valueAt(args, 0), item, text);
          return apply(session, half, () => result, text);
        },
        valueAt(args, 1),
      ),
  },

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
