/** Lists: `lib.lists` and its kin in `builtins`. */
import { apply } from "../evaluate.ts";
import { decide, type Session, STEP_LIMIT } from "../session.ts";
import { LIST_LIMIT, lazy, list, type Thunk, TOO_LONG, unknown, type Value } from "../value.ts";
import {
  applyTwo,
  type Builtin,
  itemsAt,
  type Library,
  numberAt,
  stringAt,
  stringsAt,
  valueAt,
} from "./support.ts";

/** A list of these; undefined where they are not known. */
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

const foldl: Builtin = {
  arity: 3,
  run: (session, args, text) =>
    itemsAt(args, 2)?.reduce(
      (result: Value, item) => applyTwo(session, valueAt(args, 0), () => result, item, text),
      valueAt(args, 1),
    ),
};

/** A function over the items of a list and their places. */
const indexed = (first: number): Builtin => ({
  arity: 2,
  run: (session, args, text) =>
    known(
      itemsAt(args, 1)?.map((item, index) =>
        lazy(
          () =>
            applyTwo(session, valueAt(args, 0), () => ({ kind: "number", value: first + index }), item, text),
          text,
        ),
      ),
    ),
});

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

export const LISTS: Library = {
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
          lazy(
            () => applyTwo(session, valueAt(args, 0), item, others?.[index] ?? (() => unknown(text)), text),
            text,
          ),
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
        (result: Value, item) => applyTwo(session, valueAt(args, 0), item, () => result, text),
        valueAt(args, 1),
      ),
  },
};
