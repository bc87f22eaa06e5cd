/**
 * Which parts of a big package list a change can reach. A list such as `python-packages.nix` is one set with
 * hundreds of packages: a pin depends on its own entry, and on entries that it takes apart by name.
 */

import { addTo } from "../lists.ts";
import type { NixFile } from "./source-file.ts";
import type { Region, SyntaxNode } from "./syntax.ts";

/** Smaller files are read whole: that takes a few milliseconds. */
export const BIG_CHARACTERS = 40_000;
/** A set with fewer entries is no list. */
const LIST_ENTRIES = 40;
/** Some names are searched for one by one; for more, all names of the list are found at once. */
const FEW_NAMES = 6;

interface Unit {
  readonly name: string;
  /** It is a text or a number: a name for it stands in no list of dependencies. */
  readonly isPlain: boolean;
  readonly start: number;
  readonly end: number;
}

/** The stretches of the file whose pins `changed` can reach; null: all of it. */
export function affectedBy(file: NixFile, changed: readonly Region[]): readonly Region[] | null {
  const text = file.document.text;
  if (text.length < BIG_CHARACTERS) return null;
  const list = packageList(file.document.root);
  if (!list) return null;
  const units = unitsOf(text, list);
  const touched: Unit[] = [];
  for (const region of changed) {
    // What stands outside the entries (arguments, shared bindings) can reach any of them.
    if (region.start < list.start || region.end > list.end) return null;
    for (let at = firstAfter(units, region.start); at < units.length; at++) {
      const unit = units[at] as Unit;
      if (unit.start > region.end) break;
      touched.push(unit);
    }
  }
  const reached = new Set(touched);
  // To look for the uses of most entries costs more than to read the file.
  if (reached.size * 2 > units.length) return null;
  const placesOf = createPlaces(text, list, new Set(units.map(({ name }) => name)));
  for (const unit of reached)
    for (const at of placesOf(unit)) {
      const user = isUse(text, unit, at) ? unitAt(units, at) : undefined;
      if (user) reached.add(user);
    }
  return [...reached].sort((x, y) => x.start - y.start);
}

/** The set of entries that makes up most of the file. */
function packageList(root: SyntaxNode): SyntaxNode | null {
  let node: SyntaxNode | undefined = root;
  while (node) {
    if (node.type === "binding_set" && node.children.length >= LIST_ENTRIES) return node;
    const { start, end }: SyntaxNode = node;
    node = node.children.find((child) => (child.end - child.start) * 5 > (end - start) * 4);
  }
  return null;
}

function unitsOf(text: string, list: SyntaxNode): readonly Unit[] {
  return list.children.map(({ start, end }, index) => ({
    name: /^[A-Za-z_][\w'-]*/.exec(text.slice(start, start + 200))?.[0] ?? "",
    isPlain: /^[A-Za-z_][\w'-]*\s*=\s*(?:"|''|\d)/.test(text.slice(start, start + 200)),
    // Comments between entries belong to none and change nothing: a unit reaches to the next.
    start,
    end: list.children[index + 1]?.start ?? end,
  }));
}

const NAME = /[A-Za-z_][\w'-]*/g;

/**
 * Finds the places in a list where the name of one of its entries stands; of entries with one name, for the first. An entry
 * without a plain name is used by none.
 */
function createPlaces(
  text: string,
  { start, end }: SyntaxNode,
  names: ReadonlySet<string>,
): (unit: Unit) => Iterable<number> {
  const searched = new Set(["", "inherit"]);
  let places: Map<string, number[]> | undefined;
  return ({ name, isPlain }) => {
    const what = isPlain ? `${name} =` : name;
    if (searched.has(what)) return [];
    searched.add(what);
    if (searched.size <= FEW_NAMES) return search(name);
    if (!places) {
      places = new Map();
      for (const { 0: found, index } of text.slice(start, end).matchAll(NAME))
        if (names.has(found)) addTo(places, found, start + index);
    }
    return places.get(name) ?? [];
  };

  function* search(name: string): Generator<number> {
    for (let at = text.indexOf(name, start); at >= 0 && at < end; at = text.indexOf(name, at + 1)) yield at;
  }
}

/** Whether an entry is used at a place by its attributes or as a function: in a list of dependencies it is not. */
function isUse(text: string, { name, isPlain }: Unit, at: number): boolean {
  const before = text.slice(Math.max(0, at - 12), at);
  const after = text.slice(at + name.length, at + name.length + 3);
  if (/[\w'-]$/.test(before) || /^[\w'-]/.test(after)) return false;
  return isPlain || /^\s*[.({}+]/.test(after) || /(?:with|=|\(|\$\{|\+|callPackage)\s*$/.test(before);
}

function unitAt(units: readonly Unit[], offset: number): Unit | undefined {
  const unit = units[firstAfter(units, offset + 1)];
  return unit && unit.start <= offset ? unit : undefined;
}

/** The index of the first entry that ends at `offset` or behind it. */
function firstAfter(units: readonly Unit[], offset: number): number {
  let low = 0;
  let high = units.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((units[middle] as Unit).end < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
