/**
 * Which parts of a big package list a change can reach. A list such as `python-packages.nix` is one set with
 * hundreds of packages: a pin depends on its own entry, and on entries that it takes apart by name.
 */
import type { Region } from "./scripts.ts";
import type { NixFile } from "./sites.ts";
import type { SyntaxNode } from "./syntax.ts";

/** Smaller files are read whole: that takes a few milliseconds. */
export const BIG_CHARACTERS = 40_000;
/** A set with fewer entries is no list. */
const LIST_ENTRIES = 40;
/** Characters looked through for uses of the entries reached: beyond them, reading the file costs less. */
const MOST_SEARCHED = 3_000_000_000;

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
  for (const unit of reached) {
    // An entry without a plain name is used by none.
    if (unit.name !== "" && reached.size * (list.end - list.start) > MOST_SEARCHED) return null;
    for (const at of usesOf(text, unit, list)) {
      const user = unitAt(units, at);
      if (user) reached.add(user);
    }
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

/** Where an entry is used by its attributes or as a function: naming it in a list of dependencies does not count. */
function* usesOf(text: string, { name, isPlain }: Unit, list: SyntaxNode): Generator<number> {
  if (name === "" || name === "inherit") return;
  for (let at = text.indexOf(name, list.start); at >= 0 && at < list.end; at = text.indexOf(name, at + 1)) {
    const before = text.slice(Math.max(0, at - 12), at);
    const after = text.slice(at + name.length, at + name.length + 3);
    if (/[\w'-]$/.test(before) || /^[\w'-]/.test(after)) continue;
    if (isPlain || /^\s*[.({}+]/.test(after) || /(?:with|=|\(|\$\{|\+|callPackage)\s*$/.test(before))
      yield at;
  }
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
