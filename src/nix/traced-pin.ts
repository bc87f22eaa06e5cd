/** The pin of a hash that a call was found to be handed, however far from where it is written. */
import { isHashName } from "./hash-names.ts";
import type { Source } from "./model.ts";
import { packageAround } from "./packages.ts";
import { type FoundValues, makeSource } from "./pin.ts";
import type { Session } from "./session.ts";
import { bindingName } from "./sites.ts";
import type { NixFile, SourceFile } from "./source-file.ts";
import { isAttrset, nodeAt, type SyntaxNode } from "./syntax.ts";
import type { HashedCall } from "./trace.ts";

/** What a call that was handed a hash says of the pin, but for the package. */
export function valuesOf(session: Session, hit: HashedCall): Omit<FoundValues, "package"> {
  const { call, attributes, hashName, hash, origin } = hit;
  return { session, fetcher: call.name, attributes, hashName, hash, origin };
}

/** The pin of a hash that stands in `file`. `node`: what was looked through; null: the value of a whole file. */
export function tracedPin(session: Session, file: NixFile, hit: HashedCall, node: SyntaxNode | null): Source {
  const literal = nodeAt(file.document.root, hit.origin.start, hit.origin.end);
  const carrier = carrierOf(file, literal);
  const around = packageAround(session, file, node ?? carrier);
  return makeSource({
    ...valuesOf(session, hit),
    file,
    node: literal,
    carrier,
    hashAttribute: bindingName(file, literal) ?? hit.hashName,
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
