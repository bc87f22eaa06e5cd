/** The package around a pin: the expression that gives it a name and a version. */

import { asSet, coerced, evaluateAt } from "./evaluate.ts";
import { parseName, versionInName } from "./library/versions.ts";
import type { Session } from "./session.ts";
import type { NixFile } from "./source-file.ts";
import { isAttrset, parts, type SyntaxNode } from "./syntax.ts";
import { knownText, type Origin, type Value } from "./value.ts";

/** What is known of a package. */
export interface PackageFacts {
  readonly version: string | null;
  readonly versionOrigin: Origin | null;
  readonly pname: string | null;
  /** The node of the package's expression, when it stands in the pin's own file. */
  readonly node: SyntaxNode | null;
}

/** Nothing is known of the package. */
export const NO_PACKAGE: PackageFacts = { version: null, versionOrigin: null, pname: null, node: null };

/** Name and version that a set or call shows, without a place; null when it shows neither. */
export function packageFacts(session: Session, value: Value): PackageFacts | null {
  const entries = asSet(session, value)?.entries;
  if (!entries) return null;
  const given = entries.get("version")?.();
  const version = given && coerced(session, given);
  const name = entries.get("name")?.();
  const parsed = name && knownText(name) !== null ? parseName(knownText(name) ?? "") : null;
  const pname = entries.get("pname")?.();
  if (!version && !name && !pname) return null;
  const fromName = !version && name?.kind === "text" ? versionInName(name.parts) : null;
  return {
    version: version ? knownText(version) : fromName,
    versionOrigin: originOf(version ?? name),
    pname: (pname && knownText(pname)) ?? parsed?.name ?? null,
    node: null,
  };
}

function originOf(value: Value | undefined): Origin | null {
  return value?.kind === "text" ? value.origin : null;
}

/**
 * The package that a node belongs to: the nearest expression around it that shows a version, be it the set that
 * it stands in, the call that gets it, or what a `let` around it results in.
 */
export function packageAround(session: Session, file: NixFile, node: SyntaxNode): PackageFacts {
  let child = node;
  let named: PackageFacts | null = null;
  let levels = 0;
  for (let up = node.parent; up; up = up.parent) {
    if (++levels > LEVEL_LIMIT) break;
    const value = candidateValue(session, file, up, child);
    const facts = value && packageFacts(session, value);
    if (facts) {
      const found = { ...facts, node: up };
      if (facts.version !== null) return found;
      // A set with a name whose version is not known is a package all the same: further out is another one.
      named ??= found;
      if (up.type === "apply_expression") return found;
    }
    // `x.overrideAttrs (old: { src = …; })`: the version is that of `x`, not of what stands around.
    if (up.type === "apply_expression" && OVERRIDES.test(file.text.slice(up.start, child.start))) break;
    child = up;
  }
  return named ?? NO_PACKAGE;
}

/** Levels of syntax looked at: a package in a set of sets has some thirty around it; a hostile nest has no end. */
const LEVEL_LIMIT = 400;

const OVERRIDES = /\.override(?:Attrs|Derivation)?\s*$/;

function candidateValue(session: Session, file: NixFile, up: SyntaxNode, child: SyntaxNode): Value | null {
  if (isAttrset(up)) return evaluateAt(session, file, up);
  if (up.type === "apply_expression" && parts(up)[1] === child) return evaluateAt(session, file, up);
  // A pin bound by `let`, or a function's default, belongs to the package that comes out.
  if (up.type === "let_expression" || (up.type === "function_expression" && child.type === "formals")) {
    const body = parts(up).at(-1);
    return body ? evaluateAt(session, file, body) : null;
  }
  return null;
}
