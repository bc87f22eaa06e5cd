/** Changed source pins as they are published. */
import type { Side } from "../change/change.ts";
import { unreachable } from "../errors.ts";
import { hasSriForm } from "../nix/hash.ts";
import type { Source } from "../nix/model.ts";
import type { SourceChange } from "../pair/sources.ts";
import type { UpstreamFacts } from "../provenance/answers.ts";
import { publishUpstream } from "../provenance/publish.ts";
import { compareLink } from "./compare-link.ts";
import type { Positions } from "./positions.ts";
import type { Pin, PinChange } from "./review.ts";

/** The public form of changed pins, in their order. `attrsOf`: the attributes that a file defines, as far as known. */
export function publishPins(
  changes: readonly SourceChange[],
  positions: Positions,
  attrsOf: (path: string) => readonly string[],
  upstream: UpstreamFacts | null = null,
): PinChange[] {
  const side = (name: Side, source: Source): Pin => ({
    path: source.path,
    line: positions.regionOf({ side: name, span: source.span }).startLine,
    version: source.version,
    urls: source.urls.map(({ value }) => value),
    rev: source.rev?.value ?? null,
    // What is declared, of the wrong length too; other texts stay with the rules: whoever reads a report parses this one.
    hash: source.hash !== null && hasSriForm(source.hash) ? source.hash : null,
    resolved: [...source.urls, ...(source.rev ? [source.rev] : [])].every(({ resolved }) => resolved),
  });
  const published = (each: SourceChange): PinChange => {
    const { path, binding, fetcher } = each.after ?? each.before;
    const attrs = attrsOf(path);
    const { change } = each;
    // Part by part, as all that there are thousands of: spread, V8 would give each a shape of its own.
    switch (change) {
      case "added":
        return { path, binding, fetcher, attrs, change, before: null, after: side("head", each.after) };
      case "removed":
        return { path, binding, fetcher, attrs, change, before: side("base", each.before), after: null };
      case "changed":
      case "moved": {
        const [before, after] = [side("base", each.before), side("head", each.after)];
        return { path, binding, fetcher, attrs, change, before, after };
      }
      default:
        return unreachable(change);
    }
  };
  return changes.map((each) => {
    const pin = published(each);
    const said = upstream && publishUpstream(each, upstream);
    return said ? { ...pin, upstream: { ...said, compare: compareLink(pin) } } : pin;
  });
}
