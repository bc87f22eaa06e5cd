/** The pin of a hash that a call was found to be handed, however far from where it is written. */
import { isHashName } from "./fetchers.ts";
import type { Source } from "./model.ts";
import { packageAround } from "./packages.ts";
import { makeSource } from "./pin.ts";
import type { Session } from "./session.ts";
import { bindingName, type NixFile } from "./sites.ts";
import type { SourceFile } from "./source-file.ts";
import { isAttrset, nodeAt, type SyntaxNode } from "./syntax.ts";
import type { HashedCall } from "./trace.ts";

/**
 * The pin of a hash that stands in `file`; null when the call has none. `node`: what was looked through; null: the value
 * of a whole file.
 */
export function tracedPin(
  session: Session,
  file: NixFile,
  hit: HashedCall,
  node: SyntaxNode | null,
): Source | null {
  const hash = hit.attributes.entries.get(hit.hashName)?.();
  if (!hash) return null;
  const literal = nodeAt(file.document.root, hit.origin.start, hit.origin.end);
  const carrier = carrierOf(file, literal);
  const around = packageAround(session, file, node ?? carrier);
  return makeSource({
    session,
    file,
    node: literal,
    carrier,
    fetcher: hit.call.name,
    attributes: hit.attributes,
    hashName: hit.hashName,
    hashAttribute: bindingName(file, literal) ?? hit.hashName,
    hash,
    origin: hit.origin,
    package: hit.package ? { ...hit.package, node: around.node } : around,
  });
}

/** What carries a hash literal: the attribute set that it is an attribute of, also through a map of platforms. */
export function carrierOf(file: SourceFile, literal: SyntaxNode): SyntaxNode {
  for (let up = literal.parent; up; up = up.parent) {
    if (isAttrset(up)) {
      const name = bindingName(file, up);
      if (name === null || !isHashName(name)) return up;
    }
    if (up.type === "apply_expression" && up === literal.parent) return literal;
  }
  return literal;
}
