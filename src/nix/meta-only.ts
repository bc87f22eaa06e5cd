/**
 * Changes that lie in the `meta` of packages alone, as maintainers and licences are changed in hundreds of files at once.
 * No pin is made of it, so that the pins of both sides are the same but for their offsets.
 */

import { parseErrors } from "./parse-errors.ts";
import { ANCHOR, LITERAL } from "./sites.ts";
import type { NixFile } from "./source-file.ts";
import { attrNames, nodeAt, parts, type Region, type SyntaxNode } from "./syntax.ts";

/** One side of a changed file, with the stretches that differ: as many as on the other side. */
export interface ChangedSide {
  readonly file: NixFile;
  readonly regions: readonly Region[];
}

/** What is taken out of a text, and how much of it stands around what changed. */
interface Cut extends Region {
  readonly node: SyntaxNode | null;
  readonly before: number;
  after: number;
}

/**
 * Whether a change lies in `meta` alone: the two sides are the same without the bindings of `meta` that it is in, these hold
 * nothing that may be a pin and name the same program, and nothing else in the file uses `meta`. False where that is not sure.
 */
export function changesOnlyMeta(base: ChangedSide, head: ChangedSide): boolean {
  if (base.regions.length !== head.regions.length) return false;
  const old = cutsOf(base);
  const now = old && cutsOf(head);
  if (!now || old.length !== now.length) return false;
  // Outside of the changed stretches the texts are the same: so is what is left when the cuts reach equally far.
  const areAlike = old.every(
    ({ before, after }, at) => before === now[at]?.before && after === now[at].after,
  );
  if (!areAlike || judgedByPins(base.file, old) !== judgedByPins(head.file, now)) return false;
  return isApart(base.file, old) && isApart(head.file, now);
}

/** The part of `meta` that rules compare with the names of the package's pins: the program that is started. */
function judgedByPins({ document: { text } }: NixFile, cuts: readonly Cut[]): string {
  return cuts
    .flatMap(({ start, end }) => text.slice(start, end).match(/\bmainProgram\b[^;]*/g) ?? [])
    .join(";");
}

/** The bindings of `meta` that changed stretches are in; a stretch without text cuts nothing. Null: one is elsewhere. */
function cutsOf({ file, regions }: ChangedSide): readonly Cut[] | null {
  const { text, root } = file.document;
  // A text that could not be parsed is an empty one.
  if (text.length !== file.text.length || parseErrors(root).length > 0) return null;
  const cuts: Cut[] = [];
  for (const region of regions) {
    const written = text.slice(region.start, region.end);
    const isBlank = written.trim() === "";
    const start = isBlank ? region.start : region.start + (written.length - written.trimStart().length);
    const end = isBlank ? region.end : region.end - (written.length - written.trimEnd().length);
    const around = nodeAt(root, start, end);
    const node = metaAround(text, around);
    if (!node && (!isBlank || isInText(around))) return null;
    const last = cuts.at(-1);
    const after = node ? Math.max(0, node.end - region.end) : 0;
    if (node && last?.node === node) last.after = after;
    else {
      const place = node ?? { start: region.start, end: region.start };
      cuts.push({
        node,
        start: place.start,
        end: place.end,
        before: node ? Math.max(0, region.start - node.start) : 0,
        after,
      });
    }
  }
  return cuts;
}

/** The binding of `meta`, or of something in it, around a node. */
function metaAround(text: string, node: SyntaxNode): SyntaxNode | null {
  for (let up: SyntaxNode | null = node; up; up = up.parent) {
    if (up.type !== "binding") continue;
    const [path] = parts(up);
    if (path && attrNames(text, path)[0] === "meta") return up;
  }
  return null;
}

/** Whether white space means something there. */
function isInText(node: SyntaxNode): boolean {
  for (let up: SyntaxNode | null = node; up; up = up.parent)
    if (/string|comment|path|uri/.test(up.type)) return true;
  return false;
}

/** What may reach an attribute without its name, or read the file's own text. */
const NAMELESS = /\.\s*"?\$\{|\b(?:getAttr|attrValues|mapAttrs\w*|readFile|fileContents)\b/;
const META = /(?<![\w'-])meta(?![\w'-])/g;

/** Whether nothing uses what is cut, and no pin is in it. */
function isApart({ document: { text } }: NixFile, cuts: readonly Cut[]): boolean {
  if (cuts.some(({ start, end }) => mayHoldPin(text.slice(start, end)))) return false;
  if (NAMELESS.test(text)) return false;
  let next = 0;
  for (const { index } of text.matchAll(META)) {
    while (next < cuts.length && (cuts[next] as Cut).end <= index) next++;
    const cut = cuts[next];
    if (cut && cut.start <= index) continue;
    const before = text.slice(Math.max(0, index - 4), index);
    const after = text.slice(index + "meta".length, index + 200);
    // The library's own `meta` is not the package's.
    if (before === "lib.") continue;
    if (before.endsWith(".") || !/^(?:\s*\.\s*[\w-]+)*\s*=(?!=)/.test(after)) return false;
  }
  return true;
}

function mayHoldPin(text: string): boolean {
  return text.search(ANCHOR) >= 0 || text.search(LITERAL) >= 0;
}
